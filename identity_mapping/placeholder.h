#ifndef IDENTITY_MAPPING_PLACEHOLDER_H_
#define IDENTITY_MAPPING_PLACEHOLDER_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace identity_mapping {

// What exports write where they have no value, in small letters.
absl::Span<const absl::string_view> Placeholders();

// True if `text`, trimmed, is one of them in any case.
bool IsPlaceholder(absl::string_view text);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_PLACEHOLDER_H_
