#ifndef CONNECTOR_ADMIN_AUDIENCE_REPORT_H_
#define CONNECTOR_ADMIN_AUDIENCE_REPORT_H_

#include "audience_sync/v1/sync_status.pb.h"
#include "connector/admin/context.h"
#include "connector/config/registry.h"
#include "connector/membership/journal.h"

namespace connector::admin {

// Fills in the audience of a segment and the counters of its list, where there
// are such.
void ReportAudience(const AdminContext& context,
                    const config::DestinationState& destination,
                    const membership::SegmentReport& segment,
                    audience_sync::v1::SegmentStatus* out);

// Fills in the audiences that the destination declares.
void ReportDeclaredAudiences(const AdminContext& context,
                             const config::DestinationState& destination,
                             audience_sync::v1::DestinationStatus* out);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_AUDIENCE_REPORT_H_
