#include "identity_mapping/placeholder.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"

namespace identity_mapping {
namespace {

constexpr absl::string_view kPlaceholders[] = {
    "null", "(null)", "<null>", "[null]",    "nil",     "none",    "n/a",
    "#n/a", "na",     "n.a.",   "nan",       "(none)",  "unknown", "empty",
    "-",    "--",     "?",      "undefined", "missing", "0",       "\\n",
    "\"\"", "''",     "{}",     "[]",        "(empty)", "not set", "(not set)",
};

constexpr size_t kLongest = 9;

constexpr bool NoneIsLonger() {
  for (absl::string_view p : kPlaceholders) {
    if (p.size() > kLongest) return false;
  }
  return true;
}
static_assert(NoneIsLonger());

}  // namespace

absl::Span<const absl::string_view> Placeholders() { return kPlaceholders; }

bool IsPlaceholder(absl::string_view text) {
  // Nearly every value is longer.
  if (text.size() > kLongest) return false;
  return std::any_of(std::begin(kPlaceholders), std::end(kPlaceholders),
                     [text](absl::string_view placeholder) {
                       return absl::EqualsIgnoreCase(text, placeholder);
                     });
}

}  // namespace identity_mapping
