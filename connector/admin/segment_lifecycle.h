#ifndef CONNECTOR_ADMIN_SEGMENT_LIFECYCLE_H_
#define CONNECTOR_ADMIN_SEGMENT_LIFECYCLE_H_

#include "absl/status/statusor.h"
#include "audience_sync/v1/segment_service.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// The calls of SegmentService (segment_service.proto says what they do and
// which errors they give), for every way into the process. What a call promises
// is durable when it returns; thread-safe.
//
// BindCustomerList asks Pinterest, so it may take as long as a request does;
// the others do one synced write at most.
absl::StatusOr<audience_sync::v1::MapSegmentResponse> MapSegment(
    const AdminContext& context,
    const audience_sync::v1::MapSegmentRequest& request);

absl::StatusOr<audience_sync::v1::UpdateSegmentResponse> UpdateSegment(
    const AdminContext& context,
    const audience_sync::v1::UpdateSegmentRequest& request);

absl::StatusOr<audience_sync::v1::BindCustomerListResponse> BindCustomerList(
    const AdminContext& context,
    const audience_sync::v1::BindCustomerListRequest& request);

absl::StatusOr<audience_sync::v1::UnmapSegmentResponse> UnmapSegment(
    const AdminContext& context,
    const audience_sync::v1::UnmapSegmentRequest& request);

absl::StatusOr<audience_sync::v1::ResyncSegmentResponse> ResyncSegment(
    const AdminContext& context,
    const audience_sync::v1::ResyncSegmentRequest& request);

absl::StatusOr<audience_sync::v1::ReplaceCustomerListResponse>
ReplaceCustomerList(
    const AdminContext& context,
    const audience_sync::v1::ReplaceCustomerListRequest& request);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_SEGMENT_LIFECYCLE_H_
