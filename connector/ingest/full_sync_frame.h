#ifndef CONNECTOR_INGEST_FULL_SYNC_FRAME_H_
#define CONNECTOR_INGEST_FULL_SYNC_FRAME_H_

#include "absl/status/statusor.h"
#include "audience_sync/v1/export_service.pb.h"
#include "connector/config/destination_config.h"
#include "connector/membership/catalog.h"
#include "connector/membership/intake.h"

namespace connector::ingest {

// The batch of a frame about a full sync; all but `export_id` and `fence` is
// filled in. The segment is in the store afterwards. INVALID_ARGUMENT if a
// field is wrong, FAILED_PRECONDITION SEGMENT_NOT_TAKEN (metadata "reason", a
// RejectionReason) if the destination does not take the segment.
absl::StatusOr<membership::Batch> MapFullSyncFrame(
    const config::DestinationState& destination,
    const audience_sync::v1::BeginFullSync& frame,
    membership::Catalog* catalog);
absl::StatusOr<membership::Batch> MapFullSyncFrame(
    const config::DestinationState& destination,
    const audience_sync::v1::CommitFullSync& frame,
    membership::Catalog* catalog);

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_FULL_SYNC_FRAME_H_
