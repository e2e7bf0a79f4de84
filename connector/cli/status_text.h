#ifndef CONNECTOR_CLI_STATUS_TEXT_H_
#define CONNECTOR_CLI_STATUS_TEXT_H_

#include <string>

#include "absl/time/time.h"
#include "audience_sync/v1/segment_mapping.pb.h"
#include "audience_sync/v1/sync_status.pb.h"

namespace connector::cli {

// How a destination stands, for people: a line for the destination, what blocks
// it, a table of its segments and one of its exports. `now` is what ages are
// counted from.
std::string StatusText(const audience_sync::v1::DestinationStatus& status,
                       absl::Time now);

// What is under way with a list: "emptying the list, 3 of 5 sent".
std::string OperationText(const audience_sync::v1::ListOperation& operation);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_STATUS_TEXT_H_
