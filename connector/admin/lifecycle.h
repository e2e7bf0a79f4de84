#ifndef CONNECTOR_ADMIN_LIFECYCLE_H_
#define CONNECTOR_ADMIN_LIFECYCLE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// FAILED_PRECONDITION UNDELIVERED_CHANGES while anything waits and `force` is
// not set; otherwise as Registry::DeleteDestination.
absl::Status DeleteDestination(
    const AdminContext& context,
    const audience_sync::v1::DeleteDestinationRequest& request);

// Pauses a destination, or one segment of it. NOT_FOUND SEGMENT_NOT_FOUND for a
// segment that no export has brought yet. Idempotent.
absl::Status PauseDelivery(
    const AdminContext& context,
    const audience_sync::v1::PauseDeliveryRequest& request);

// Ends such a pause, and has delivery try at once what it had stopped by
// itself.
absl::Status ResumeDelivery(
    const AdminContext& context,
    const audience_sync::v1::ResumeDeliveryRequest& request);

// All credentials and what is wrong with them.
audience_sync::v1::ListCredentialsResponse ListCredentials(
    const AdminContext& context);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_LIFECYCLE_H_
