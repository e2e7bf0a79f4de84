#ifndef CONNECTOR_CLI_FULL_SYNC_FRAMES_H_
#define CONNECTOR_CLI_FULL_SYNC_FRAMES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/cli/batcher.h"

namespace connector::cli {

// The frames with which an export declares the complete membership of a
// segment; sent like batches, with their numbers. `expire_after`: zero leaves
// it to the server.
std::unique_ptr<Batch> BeginFullSyncFrame(
    int64_t sequence_number, const audience_sync::v1::SegmentName& segment,
    absl::Duration expire_after);
std::unique_ptr<Batch> CommitFullSyncFrame(
    int64_t sequence_number, const audience_sync::v1::SegmentName& segment,
    int64_t input_position);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_FULL_SYNC_FRAMES_H_
