#ifndef CONNECTOR_CLI_MAPPING_SOURCE_H_
#define CONNECTOR_CLI_MAPPING_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "audience_sync/v1/identity_mapping.pb.h"
#include "connector/cli/command.h"
#include "connector/config/destination_config.h"

namespace connector::cli {

// A destination's mapping, to be used in this process.
struct MappingSource {
  // Whose it is, for people: "the default mapping".
  std::string name;
  // The rows of today, spelled out.
  audience_sync::v1::IdentityMapping rows;
  config::DestinationPolicy policy;
  std::shared_ptr<const identity_mapping::IdentityMapping> mapping;
};

// The mapping and policies of a destination without any of its own.
MappingSource DefaultMapping();

// Those of a destination, asked of the server. The server's errors.
absl::StatusOr<MappingSource> FetchMapping(CommandContext& context,
                                           const std::string& ad_account_id);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_MAPPING_SOURCE_H_
