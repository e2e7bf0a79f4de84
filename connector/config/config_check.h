#ifndef CONNECTOR_CONFIG_CONFIG_CHECK_H_
#define CONNECTOR_CONFIG_CONFIG_CHECK_H_

#include "audience_sync/v1/destination.pb.h"
#include "connector/config/field_check.h"

namespace connector::config {

// What is wrong with a configuration file's entries taken together: too many of
// them, two of one name, an etag (the file itself is the newest).
FieldCheck CheckNames(const audience_sync::v1::ConnectorConfig& config);

// All that can be said of a configuration file without what is stored:
// CheckNames and every entry on its own.
absl::Status CheckConfig(const audience_sync::v1::ConnectorConfig& config);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_CONFIG_CHECK_H_
