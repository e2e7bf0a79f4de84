#ifndef IDENTITY_MAPPING_DIGEST_H_
#define IDENTITY_MAPPING_DIGEST_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace identity_mapping {

// The digests, by BoringSSL. Its headers, which have the names of OpenSSL's,
// are included in digest.cc, connector/pinterest/seal.cc and
// connector/cli/content_digest.cc, and in none of our headers.

inline constexpr size_t kSha256Size = 32;
inline constexpr size_t kSha1Size = 20;
inline constexpr size_t kMd5Size = 16;

void Sha256(absl::string_view data, uint8_t out[kSha256Size]);
void Sha1(absl::string_view data, uint8_t out[kSha1Size]);
void Md5(absl::string_view data, uint8_t out[kMd5Size]);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_DIGEST_H_
