#ifndef CONNECTOR_CLI_CONFIG_FILE_H_
#define CONNECTOR_CLI_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audience_sync/v1/destination.pb.h"

namespace connector::cli {

// Reads a ConnectorConfig as protobuf text or, when the first character that is
// no blank is "{", as JSON. "-" is standard input. INVALID_ARGUMENT names the
// file and, for text, the line and column.
absl::StatusOr<audience_sync::v1::ConnectorConfig> ReadConfigFile(
    const std::string& path);

// The destinations of a file that holds one Destination or a ConnectorConfig.
// Errors as above.
absl::StatusOr<std::vector<audience_sync::v1::Destination>>
ReadDestinationsFile(const std::string& path);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_CONFIG_FILE_H_
