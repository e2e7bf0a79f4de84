#include "connector/pinterest/token_digest.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "identity_mapping/digest.h"

namespace connector::pinterest {

absl::StatusOr<std::string> TokenDigest(TokenSource& source) {
  const absl::StatusOr<std::string> token = source.AccessToken();
  if (!token.ok()) return token.status();
  uint8_t digest[identity_mapping::kSha256Size];
  identity_mapping::Sha256(*token, digest);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace connector::pinterest
