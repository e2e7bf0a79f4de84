#include "identity_mapping/digest.h"

#include <openssl/base.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

// OpenSSL's headers have the same names and must not have been taken.
#ifndef OPENSSL_IS_BORINGSSL
#error "<openssl/...> is not BoringSSL's"
#endif

namespace identity_mapping {
namespace {

const uint8_t* Bytes(absl::string_view data) {
  return reinterpret_cast<const uint8_t*>(data.data());
}

}  // namespace

static_assert(kSha256Size == SHA256_DIGEST_LENGTH);
static_assert(kSha1Size == SHA_DIGEST_LENGTH);
static_assert(kMd5Size == MD5_DIGEST_LENGTH);

void Sha256(absl::string_view data, uint8_t out[kSha256Size]) {
  SHA256(Bytes(data), data.size(), out);
}

void Sha1(absl::string_view data, uint8_t out[kSha1Size]) {
  SHA1(Bytes(data), data.size(), out);
}

void Md5(absl::string_view data, uint8_t out[kMd5Size]) {
  MD5(Bytes(data), data.size(), out);
}

}  // namespace identity_mapping
