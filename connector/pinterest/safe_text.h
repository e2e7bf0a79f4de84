#ifndef CONNECTOR_PINTEREST_SAFE_TEXT_H_
#define CONNECTOR_PINTEREST_SAFE_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace connector::pinterest {

// Makes text that came from outside fit for logs, errors and status answers,
// where no personal data and no token may stand:
//
// - whatever holds an '@' (also as "%40", "\u0040" or full-width) up to the
//   next blank, quote, bracket, comma or semicolon becomes "[address]";
// - 32 or more hexadecimal digits, with hyphens among them or not (digests and
//   device ids), become "[id]";
// - "pina_…" and its like (Pinterest's tokens), and each occurrence of
//   `secret`, become "[token]";
// - other runs of 32 or more letters and digits (also with + / = _ -) that
//   hold a digit become "[opaque]": keys, base64;
// - control and invisible characters are dropped, line breaks and tabs become
//   blanks, a byte that is not UTF-8 becomes '?';
// - at most `max_bytes` (16 or more) are kept, "..." at the end tells of a cut.
//
// Masks too much rather than too little.
std::string SafeText(absl::string_view text, size_t max_bytes,
                     absl::string_view secret = {});

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_SAFE_TEXT_H_
