#ifndef IDENTITY_MAPPING_DIGEST_H_
#define IDENTITY_MAPPING_DIGEST_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace identity_mapping {

// The digests, by BoringSSL. Besides connector/pinterest/seal.cc the only file
// of the project that includes one of its headers is digest.cc: OpenSSL's have
// the same names.

inline constexpr size_t kSha256Size = 32;
inline constexpr size_t kSha1Size = 20;
inline constexpr size_t kMd5Size = 16;

void Sha256(absl::string_view data, uint8_t out[kSha256Size]);
void Sha1(absl::string_view data, uint8_t out[kSha1Size]);
void Md5(absl::string_view data, uint8_t out[kMd5Size]);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_DIGEST_H_
