#ifndef IDENTITY_MAPPING_TEXT_H_
#define IDENTITY_MAPPING_TEXT_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace identity_mapping {

// True if no byte is above 0x7F.
bool IsAscii(absl::string_view text);

// The number of code points; nullopt when `text` is not well-formed UTF-8
// (overlong forms and surrogates are not).
std::optional<size_t> CountCodePoints(absl::string_view text);

// `text`, well-formed UTF-8, without the blanks at both ends. A blank is a code
// point with Unicode's White_Space property, U+200B zero width space, U+200C
// zero width non-joiner, U+200D zero width joiner, U+2060 word joiner or U+FEFF
// byte-order mark.
absl::string_view TrimBlanks(absl::string_view text);

// Writes `text`, well-formed UTF-8, in small letters to `buffer` and returns
// what was written; nullopt when it does not fit. Unicode's full lower-casing
// in the root locale, as Java, JavaScript and Python have it: it knows the
// final sigma and may change the number of bytes. No normalization form is
// applied.
std::optional<absl::string_view> ToLowerCase(absl::string_view text,
                                             absl::Span<char> buffer);

// True if `text`, well-formed UTF-8, has a blank, a control character or an
// invisible format character in it. U+200C and U+200D do not count: the
// spelling of some languages needs them inside a word.
bool HasBlankOrInvisible(absl::string_view text);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_TEXT_H_
