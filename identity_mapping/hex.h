#ifndef IDENTITY_MAPPING_HEX_H_
#define IDENTITY_MAPPING_HEX_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace identity_mapping {

// Writes 2 * bytes.size() lower-case hex digits to `out`; returns their end.
char* WriteLowerHex(absl::string_view bytes, char* out);

// True if every character is a hex digit, of either case.
bool IsHex(absl::string_view text);

// Reads hex digits of either case into text.size() / 2 bytes at `out`. False,
// with `out` in part written, when a character is no hex digit. The size must
// be even.
bool ReadHex(absl::string_view text, uint8_t* out);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_HEX_H_
