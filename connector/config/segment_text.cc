#include "connector/config/segment_text.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "identity_mapping/digest.h"

namespace connector::config {

std::string StoredSegmentText(absl::string_view text) {
  if (!absl::StrContains(text, '@')) return std::string(text);
  uint8_t digest[identity_mapping::kSha256Size];
  identity_mapping::Sha256(text, digest);
  return absl::StrCat("sha256:",
                      absl::BytesToHexString(absl::string_view(
                          reinterpret_cast<const char*>(digest), 16)));
}

}  // namespace connector::config
