#ifndef IDENTITY_MAPPING_EMAIL_H_
#define IDENTITY_MAPPING_EMAIL_H_

#include <array>
#include <cstddef>

#include "absl/strings/string_view.h"
#include "identity_mapping/rejection.h"

namespace identity_mapping {

// Room for a lower-cased address of the greatest length that is looked at.
// (Lower-casing makes UTF-8 at most half as long again.)
inline constexpr size_t kMaxEmailInput = 1024;
using EmailBuffer = std::array<char, kMaxEmailInput * 3 / 2>;

// Lower-cases an e-mail address and checks its form; README.md, "E-mail", has
// the rule. `text` is trimmed, well-formed UTF-8. True: `*normalized` is the
// address, in `*buffer`. False: `*reason` is kEmailMalformed or kTooLong.
bool NormalizeEmail(absl::string_view text, EmailBuffer* buffer,
                    absl::string_view* normalized, RejectionReason* reason);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_EMAIL_H_
