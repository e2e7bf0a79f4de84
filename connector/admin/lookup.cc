#include "connector/admin/lookup.h"

#include "absl/status/status.h"
#include "connector/base/error.h"

namespace connector::admin {

absl::StatusOr<std::shared_ptr<const config::DestinationState>> FindDestination(
    const AdminContext& context, absl::string_view ad_account_id) {
  if (ad_account_id.empty()) {
    return FieldError("ad_account_id", "must not be empty");
  }
  auto destination = context.registry->FindDestination(ad_account_id);
  if (destination == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                     "no destination is configured for this ad account");
  }
  return destination;
}

}  // namespace connector::admin
