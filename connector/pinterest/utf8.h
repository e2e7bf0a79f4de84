#ifndef CONNECTOR_PINTEREST_UTF8_H_
#define CONNECTOR_PINTEREST_UTF8_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace connector::pinterest {

// Takes the first code point off `*text`, which must not be empty. Where that
// is malformed UTF-8 (overlong, surrogate, above U+10FFFF, cut), takes one byte
// and gives nullopt.
std::optional<char32_t> TakeCodePoint(absl::string_view* text);

// C0, DEL and C1.
bool IsControl(char32_t c);

// Shows nothing, or changes how its neighbours are shown: zero-width
// characters, line separators, marks of writing direction, byte-order mark.
bool IsInvisible(char32_t c);

// Well-formed UTF-8 without control characters.
bool IsPlainUtf8(absl::string_view text);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_UTF8_H_
