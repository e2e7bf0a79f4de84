#ifndef IDENTITY_MAPPING_HASH_FORM_H_
#define IDENTITY_MAPPING_HASH_FORM_H_

#include "absl/strings/string_view.h"
#include "identity_mapping/record.h"

namespace identity_mapping {

// Reads a value that is already hashed: 64, 40 or 32 hex digits of either case
// are a SHA-256, SHA-1 or MD5. `text` is trimmed. False: something else.
bool ReadHashForm(absl::string_view text, Record* record);

// True if a hash record is the digest of no identity: of the empty string, of a
// blank, of a placeholder, of the zero device id, each in its usual spellings,
// or a digest of nothing but zeros.
bool IsHashOfNothing(RecordView record);

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_HASH_FORM_H_
