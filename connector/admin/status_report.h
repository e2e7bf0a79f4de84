#ifndef CONNECTOR_ADMIN_STATUS_REPORT_H_
#define CONNECTOR_ADMIN_STATUS_REPORT_H_

#include "absl/status/statusor.h"
#include "audience_sync/v1/sync_status.pb.h"
#include "connector/admin/context.h"
#include "connector/config/registry.h"

namespace connector::admin {

// How a destination stands. The counters are those of one moment, so they add
// up. NOT_FOUND when the destination was deleted meanwhile.
absl::StatusOr<audience_sync::v1::DestinationStatus> ReportStatus(
    const AdminContext& context, const config::DestinationState& destination);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_STATUS_REPORT_H_
