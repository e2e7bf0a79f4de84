#ifndef IDENTITY_MAPPING_OPAQUE_H_
#define IDENTITY_MAPPING_OPAQUE_H_

#include "absl/strings/string_view.h"
#include "identity_mapping/record.h"
#include "identity_mapping/rejection.h"

namespace identity_mapping {

// Takes an opaque id (LR_ID, DLX_ID) as it is. Refused is what could be clear
// text: an address, or anything with a device id in it; and what is no single
// word of printable ASCII. `text` is trimmed. README.md has the rule.
bool ReadOpaque(absl::string_view text, Record* record,
                RejectionReason* reason);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_OPAQUE_H_
