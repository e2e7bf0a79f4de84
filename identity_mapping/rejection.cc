#include "identity_mapping/rejection.h"

namespace identity_mapping {

absl::string_view RejectionReasonName(RejectionReason reason) {
  switch (reason) {
    case RejectionReason::kEmpty:
      return "EMPTY";
    case RejectionReason::kPlaceholder:
      return "PLACEHOLDER";
    case RejectionReason::kTooLong:
      return "TOO_LONG";
    case RejectionReason::kInvalidUtf8:
      return "INVALID_UTF8";
    case RejectionReason::kContainsComma:
      return "CONTAINS_COMMA";
    case RejectionReason::kEmailMalformed:
      return "EMAIL_MALFORMED";
    case RejectionReason::kDeviceIdMalformed:
      return "DEVICE_ID_MALFORMED";
    case RejectionReason::kDeviceIdZero:
      return "DEVICE_ID_ZERO";
    case RejectionReason::kHashMalformed:
      return "HASH_MALFORMED";
    case RejectionReason::kHashOfNothing:
      return "HASH_OF_NOTHING";
    case RejectionReason::kFormUnrecognized:
      return "FORM_UNRECOGNIZED";
    case RejectionReason::kOpaqueMalformed:
      return "OPAQUE_MALFORMED";
    case RejectionReason::kOpaqueLooksRaw:
      return "OPAQUE_LOOKS_RAW";
    case RejectionReason::kNamespaceRetired:
      return "NAMESPACE_RETIRED";
  }
  return "UNKNOWN";
}

absl::Span<const RejectionReason> AllRejectionReasons() {
  static constexpr RejectionReason kAll[] = {
      RejectionReason::kEmpty,
      RejectionReason::kPlaceholder,
      RejectionReason::kTooLong,
      RejectionReason::kInvalidUtf8,
      RejectionReason::kContainsComma,
      RejectionReason::kEmailMalformed,
      RejectionReason::kDeviceIdMalformed,
      RejectionReason::kDeviceIdZero,
      RejectionReason::kHashMalformed,
      RejectionReason::kHashOfNothing,
      RejectionReason::kFormUnrecognized,
      RejectionReason::kOpaqueMalformed,
      RejectionReason::kOpaqueLooksRaw,
      RejectionReason::kNamespaceRetired,
  };
  return kAll;
}

}  // namespace identity_mapping
