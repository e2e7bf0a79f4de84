#include "connector/cli/content_digest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "openssl/sha.h"

namespace connector::cli {
namespace {

std::string Hex(SHA256_CTX& context) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &context);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<char*>(digest), sizeof(digest)));
}

}  // namespace

struct ContentDigest::State {
  SHA256_CTX context;
};

ContentDigest::ContentDigest() : state_(std::make_unique<State>()) {
  SHA256_Init(&state_->context);
}

ContentDigest::~ContentDigest() = default;

void ContentDigest::Add(absl::string_view part) {
  const std::string length = absl::StrCat(part.size(), ":");
  SHA256_Update(&state_->context, length.data(), length.size());
  SHA256_Update(&state_->context, part.data(), part.size());
}

void ContentDigest::Add(int64_t number) { Add(absl::StrCat(number)); }

std::string ContentDigest::Finish() { return Hex(state_->context); }

absl::StatusOr<std::string> DigestOfFile(int fd) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::vector<char> buffer(1 << 20);
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return absl::UnknownError(
          absl::StrCat("cannot be read: ", strerror(errno)));
    }
    if (got == 0) return Hex(context);
    SHA256_Update(&context, buffer.data(), got);
  }
}

}  // namespace connector::cli
