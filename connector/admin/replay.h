#ifndef CONNECTOR_ADMIN_REPLAY_H_
#define CONNECTOR_ADMIN_REPLAY_H_

#include "absl/status/statusor.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// The call of its name. Only one at a time, or a membership may count twice
// until it is settled.
absl::StatusOr<audience_sync::v1::ReplayRejectionsResponse> ReplayRejections(
    const AdminContext& context,
    const audience_sync::v1::ReplayRejectionsRequest& request);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_REPLAY_H_
