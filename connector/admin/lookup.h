#ifndef CONNECTOR_ADMIN_LOOKUP_H_
#define CONNECTOR_ADMIN_LOOKUP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/admin/context.h"
#include "connector/config/registry.h"

namespace connector::admin {

// The destination; NOT_FOUND DESTINATION_NOT_FOUND, or INVALID_ARGUMENT for an
// empty ad account. The message does not repeat what was asked for.
absl::StatusOr<std::shared_ptr<const config::DestinationState>> FindDestination(
    const AdminContext& context, absl::string_view ad_account_id);

// A segment of the destination, whose default namespace is taken if the name
// has none; NOT_FOUND SEGMENT_NOT_FOUND.
absl::StatusOr<membership::SegmentRow> FindSegment(
    const AdminContext& context, const config::DestinationState& destination,
    const audience_sync::v1::SegmentName& name);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_LOOKUP_H_
