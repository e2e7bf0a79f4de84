#include "connector/pinterest/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/pinterest/descriptor.h"
#include "identity_mapping/digest.h"

namespace connector::pinterest {
namespace {

constexpr size_t kMaxBytes = limits::kMaxTokenFileBytes;
constexpr size_t kMaxFileName = limits::kMaxFileNameBytes;
constexpr int kMaxReads = 5;

// How messages speak of a file.
struct Named {
  absl::string_view what;
  absl::string_view file_name;
};

absl::Status Unusable(const Named& file, absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "TOKEN_FILE_UNUSABLE",
                   absl::StrCat(file.what, " \"", file.file_name, "\": ", why));
}

bool SameState(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Up to kMaxBytes + 1 bytes; errno in the status.
absl::StatusOr<std::string> ReadAll(int fd, const Named& named) {
  std::string content(kMaxBytes + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = pread(fd, content.data() + size, content.size() - size,
                              static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Unusable(named, absl::StrCat("cannot be read: ", strerror(errno)));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  content.resize(size);
  return content;
}

absl::StatusOr<std::string> ReadContent(const std::string& path,
                                        const Named& named,
                                        absl::string_view cure) {
  // O_NONBLOCK: a named pipe must not hold us up.
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) {
    if (errno == ENOENT) {
      return Unusable(named, absl::StrCat("is not there; ", cure));
    }
    return Unusable(named, absl::StrCat("cannot be opened: ", strerror(errno)));
  }
  // A file written in place may change while it is read.
  for (int i = 0; i < kMaxReads; ++i) {
    struct stat before = {};
    struct stat after = {};
    if (fstat(file.get(), &before) != 0) {
      return Unusable(named, absl::StrCat("cannot be read: ", strerror(errno)));
    }
    if (!S_ISREG(before.st_mode)) {
      return Unusable(named, "must be a regular file");
    }
    if ((before.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
      return Unusable(named,
                      absl::StrCat("group and others must have no access to "
                                   "it; run: chmod 600 ",
                                   named.file_name));
    }
    absl::StatusOr<std::string> content = ReadAll(file.get(), named);
    if (!content.ok()) return content;
    if (fstat(file.get(), &after) == 0 && SameState(before, after)) {
      return content;
    }
  }
  return absl::UnavailableError(absl::StrCat(named.what, " \"", named.file_name,
                                             "\": is being written right now"));
}

}  // namespace

bool IsSecretFileName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxFileName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

absl::StatusOr<std::vector<std::string>> ReadSecretLines(
    absl::string_view directory, absl::string_view file_name,
    absl::string_view what, absl::string_view cure, size_t max_secrets) {
  const Named named = {what, file_name};
  absl::StatusOr<std::string> content =
      ReadContent(absl::StrCat(directory, "/", file_name), named, cure);
  if (!content.ok()) return content.status();
  if (content->size() > kMaxBytes) {
    return Unusable(named, "is larger than 4 KiB");
  }
  std::vector<std::string> secrets;
  for (absl::string_view line :
       absl::StrSplit(*content, absl::ByAnyChar("\r\n"))) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    if (secrets.size() == max_secrets) {
      return Unusable(named, max_secrets == 1
                                 ? std::string("must hold one line")
                                 : absl::StrCat("must hold at most ",
                                                max_secrets, " lines"));
    }
    if (!std::all_of(line.begin(), line.end(),
                     [](char c) { return absl::ascii_isgraph(c); })) {
      return Unusable(named, "must hold printable ASCII without blanks inside");
    }
    secrets.emplace_back(line);
  }
  if (secrets.empty()) return Unusable(named, "is empty");
  return secrets;
}

absl::StatusOr<std::string> ReadSecretFile(absl::string_view directory,
                                           absl::string_view file_name,
                                           absl::string_view what,
                                           absl::string_view cure) {
  auto secrets =
      ReadSecretLines(directory, file_name, what, cure, /*max_secrets=*/1);
  if (!secrets.ok()) return secrets.status();
  return std::move(secrets->front());
}

std::string SecretDigest(absl::string_view secret) {
  uint8_t digest[identity_mapping::kSha256Size];
  identity_mapping::Sha256(secret, digest);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace connector::pinterest
