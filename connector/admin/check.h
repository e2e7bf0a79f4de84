#ifndef CONNECTOR_ADMIN_CHECK_H_
#define CONNECTOR_ADMIN_CHECK_H_

#include "absl/status/statusor.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// Runs the named checks of CheckDestination, all of them listed in a fixed
// order whatever fails. Makes at most two reading calls to Pinterest, and
// blocks for as long as they take. INVALID_ARGUMENT without a subject,
// NOT_FOUND for an unknown ad account.
absl::StatusOr<audience_sync::v1::CheckDestinationResponse> CheckDestination(
    const AdminContext& context,
    const audience_sync::v1::CheckDestinationRequest& request);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_CHECK_H_
