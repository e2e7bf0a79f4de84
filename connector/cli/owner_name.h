#ifndef CONNECTOR_CLI_OWNER_NAME_H_
#define CONNECTOR_CLI_OWNER_NAME_H_

#include "audience_sync/v1/destination_service.pb.h"

namespace connector::cli {

// Who decides over a configuration, for people.
inline const char* OwnerName(audience_sync::v1::ConfigurationOwner owner) {
  switch (owner) {
    case audience_sync::v1::CONFIGURATION_OWNER_API:
      return "API";
    case audience_sync::v1::CONFIGURATION_OWNER_FILE:
      return "file";
    case audience_sync::v1::CONFIGURATION_OWNER_FILE_ABSENT:
      return "file (no longer in it)";
    default:
      return "unknown";
  }
}

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_OWNER_NAME_H_
