#ifndef CONNECTOR_CLI_FULL_SYNC_TEXT_H_
#define CONNECTOR_CLI_FULL_SYNC_TEXT_H_

#include <string>

#include "absl/time/time.h"
#include "audience_sync/v1/sync_status.pb.h"

namespace connector::cli {

// "WAITING_FOR_CONFIRMATION".
std::string FullSyncStateName(const audience_sync::v1::FullSync& full_sync);

// The full syncs of a destination, one a line; a sentence if there are none.
std::string FullSyncTable(const audience_sync::v1::DestinationStatus& status,
                          absl::Time now);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_FULL_SYNC_TEXT_H_
