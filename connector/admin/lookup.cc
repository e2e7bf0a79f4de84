#include "connector/admin/lookup.h"

#include "absl/status/status.h"
#include "connector/base/error.h"
#include "connector/config/destination_config.h"

namespace connector::admin {

absl::StatusOr<std::shared_ptr<const config::DestinationState>> FindDestination(
    const AdminContext& context, absl::string_view ad_account_id) {
  if (absl::Status s = config::CheckAdAccountId(ad_account_id, "ad_account_id");
      !s.ok()) {
    return s;
  }
  auto destination = context.registry->FindDestination(ad_account_id);
  if (destination == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                     "no destination is configured for this ad account");
  }
  return destination;
}

}  // namespace connector::admin
