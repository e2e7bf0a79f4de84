#ifndef IDENTITY_MAPPING_REJECTION_H_
#define IDENTITY_MAPPING_REJECTION_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace identity_mapping {

// Why a value was refused: one per rule. The numbers may be stored; they and
// the names never change.
enum class RejectionReason : uint8_t {
  kEmpty = 1,              // nothing, or only blanks
  kPlaceholder = 2,        // "null", "N/A", …
  kTooLong = 3,            // over a limit of the value or of its kind
  kInvalidUtf8 = 4,        // malformed UTF-8
  kContainsComma = 5,      // would become two records
  kEmailMalformed = 6,     // not an address, nor a hash of one
  kDeviceIdMalformed = 7,  // not a device id, nor a hash of one
  kDeviceIdZero = 8,       // the all-zero id of a device that opted out
  kHashMalformed = 9,      // the kind takes only 64 hex digits
  kHashOfNothing = 10,     // digest of "", of a placeholder, of the zero id
  kFormUnrecognized = 11,  // pinterest_audience: none of the known forms
  kOpaqueMalformed = 12,   // not printable ASCII, or with '"' or '\'
  kOpaqueLooksRaw = 13,    // an opaque id that looks like clear text
  kNamespaceRetired = 14,  // only a former mapping had the namespace
};

// "EMPTY", "EMAIL_MALFORMED"…; stable.
absl::string_view RejectionReasonName(RejectionReason reason);

// Every reason, for tables and tests.
absl::Span<const RejectionReason> AllRejectionReasons();

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_REJECTION_H_
