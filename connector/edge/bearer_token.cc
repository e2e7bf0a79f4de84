#include "connector/edge/bearer_token.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "identity_mapping/digest.h"

namespace connector::edge {
namespace {

constexpr absl::string_view kScheme = "bearer ";

}  // namespace

bool ShowsToken(absl::string_view authorization, absl::string_view token) {
  const bool bearer = absl::StartsWithIgnoreCase(authorization, kScheme);
  absl::string_view shown =
      bearer ? authorization.substr(kScheme.size()) : absl::string_view();
  while (absl::StartsWith(shown, " ")) shown.remove_prefix(1);
  // Digests have one length, and where they differ says nothing about where the
  // texts do. All of their bytes are looked at.
  uint8_t digests[2][identity_mapping::kSha256Size];
  identity_mapping::Sha256(shown, digests[0]);
  identity_mapping::Sha256(token, digests[1]);
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < identity_mapping::kSha256Size; ++i) {
    difference = difference | (digests[0][i] ^ digests[1][i]);
  }
  return difference == 0 && bearer && !token.empty();
}

}  // namespace connector::edge
