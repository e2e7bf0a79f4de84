#ifndef CONNECTOR_ADMIN_PREVIEW_H_
#define CONNECTOR_ADMIN_PREVIEW_H_

#include <functional>

#include "absl/status/statusor.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// What delivery would send, list by list (PreviewDelivery). `cancelled` is
// asked between lists; true ends it with CANCELLED.
absl::StatusOr<audience_sync::v1::PreviewDeliveryResponse> PreviewDelivery(
    const AdminContext& context, const config::DestinationState& destination,
    const audience_sync::v1::PreviewDeliveryRequest& request,
    const std::function<bool()>& cancelled);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_PREVIEW_H_
