#ifndef CONNECTOR_CONFIG_CONFIG_FILE_H_
#define CONNECTOR_CONFIG_CONFIG_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/destination.pb.h"
#include "connector/base/limits.h"

namespace connector::config {

// Largest configuration file, in bytes.
inline constexpr size_t kMaxConfigFileBytes = limits::kMaxConfigFileBytes;

// Reads a configuration file (flag --config): protobuf text, or JSON if its
// first character that is no blank is '{'. It is checked whole:
// INVALID_ARGUMENT names line, column and path of bad syntax or of an unknown
// field ("/etc/connector.textproto: line 3, column 7:
// destinations[0].delivery_policy.max_delai: unknown field"), or the path of
// every field that is wrong ("destinations[0].delivery_policy.max_delay: …").
// Whether the credentials exist that destinations name is the registry's to
// check.
absl::StatusOr<audience_sync::v1::ConnectorConfig> ReadConfigFile(
    const std::string& path);

// The same for a text in memory; errors without the path.
absl::StatusOr<audience_sync::v1::ConnectorConfig> ParseConfig(
    absl::string_view text);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_CONFIG_FILE_H_
