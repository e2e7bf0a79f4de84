#ifndef CONNECTOR_ADMIN_REJECTIONS_H_
#define CONNECTOR_ADMIN_REJECTIONS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/admin/context.h"
#include "connector/config/registry.h"

namespace connector::admin {

// One page of a destination's rejections, newest first. `page_size` is 0 (100)
// or more; above 1,000 it is taken as 1,000. INVALID_ARGUMENT names the field.
absl::StatusOr<audience_sync::v1::ListRejectionsResponse> ListRejections(
    const AdminContext& context, const config::DestinationState& destination,
    int page_size, absl::string_view page_token);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_REJECTIONS_H_
