#include "connector/edge/bearer_token.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "identity_mapping/digest.h"

namespace connector::edge {
namespace {

constexpr absl::string_view kScheme = "bearer ";

}  // namespace

bool ShowsToken(absl::string_view authorization,
                absl::Span<const std::string> tokens) {
  const bool bearer = absl::StartsWithIgnoreCase(authorization, kScheme);
  absl::string_view shown =
      bearer ? authorization.substr(kScheme.size()) : absl::string_view();
  while (absl::StartsWith(shown, " ")) shown.remove_prefix(1);
  // Digests have one length, and where they differ says nothing about where the
  // texts do. All of their bytes are looked at, of all tokens.
  uint8_t shown_digest[identity_mapping::kSha256Size];
  identity_mapping::Sha256(shown, shown_digest);
  bool shows = false;
  for (const std::string& token : tokens) {
    uint8_t digest[identity_mapping::kSha256Size];
    identity_mapping::Sha256(token, digest);
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < identity_mapping::kSha256Size; ++i) {
      difference = difference | (shown_digest[i] ^ digest[i]);
    }
    shows |= difference == 0 && !token.empty();
  }
  return shows && bearer;
}

}  // namespace connector::edge
