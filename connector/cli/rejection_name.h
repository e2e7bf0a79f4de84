#ifndef CONNECTOR_CLI_REJECTION_NAME_H_
#define CONNECTOR_CLI_REJECTION_NAME_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "audience_sync/v1/profile_export.pb.h"

namespace connector::cli {

// "EMAIL_MALFORMED"; the number for a reason of a later version.
inline std::string RejectionName(audience_sync::v1::RejectionReason reason) {
  const std::string name = audience_sync::v1::RejectionReason_Name(reason);
  if (name.empty()) return absl::StrCat("reason ", static_cast<int>(reason));
  return std::string(absl::StripPrefix(name, "REJECTION_REASON_"));
}

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_REJECTION_NAME_H_
