#ifndef CONNECTOR_CONFIG_DESTINATION_CONFIG_H_
#define CONNECTOR_CONFIG_DESTINATION_CONFIG_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "audience_sync/v1/destination.pb.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/config/audience_config.h"
#include "connector/config/field_check.h"
#include "connector/membership/types.h"
#include "identity_mapping/mapping.h"

namespace connector::config {

// The policies of a destination with every default filled in.
struct DestinationPolicy {
  std::string list_name_prefix;
  // Empty: all.
  std::vector<std::string> segment_namespaces;
  std::string default_segment_namespace;
  int max_customer_lists = 0;
  int max_request_records = 0;
  int64_t max_request_bytes = 0;
  absl::Duration max_delay;
  absl::Duration creation_lookup_window;
  int64_t max_backlog_bytes = 0;
  // 0: no addition is held back.
  absl::Duration late_addition_window;
  AudienceSettings audiences;
  int max_full_sync_removal_percent = 0;

  bool TakesSegmentNamespace(absl::string_view segment_namespace) const;
};

// A destination as configured at one moment. Immutable.
struct DestinationState {
  membership::DestinationNumber number = 0;
  std::string ad_account_id;
  std::string credential_id;
  std::string history_id;
  // Paused by the operator, or left the configuration file.
  bool paused = false;
  audience_sync::v1::ConfigurationOwner owner =
      audience_sync::v1::CONFIGURATION_OWNER_API;
  // Complete, with its etag: the mappings and the list name prefix are spelled
  // out, former_identity_mappings holds all that must still be removed.
  audience_sync::v1::Destination config;
  DestinationPolicy policy;
  std::shared_ptr<const identity_mapping::IdentityMapping> mapping;

  // Whether anything may be sent to Pinterest for it: lists, audiences, or a
  // look for them. Asked before every call but those of CheckDestination.
  bool delivers() const { return !paused && !config.dry_run(); }
};

// INVALID_ARGUMENT that names `field` unless the id is 1 to 18 digits, the
// first of them not 0: ids compare as text, so "01" beside "1" would be a
// second destination for one ad account.
absl::Status CheckAdAccountId(absl::string_view ad_account_id,
                              absl::string_view field);

// Checks a destination as a whole, without regard to what is stored, and fills
// in the defaults. INVALID_ARGUMENT that names every field that is wrong, below
// "destination".
absl::StatusOr<DestinationState> ResolveDestination(
    const audience_sync::v1::Destination& destination);

// The same as a change of what is stored (nullptr: nothing is): the mapping it
// replaces and the former ones are carried on, so that exits still remove what
// they added, and what cannot change is compared. Former mappings of the stored
// configuration stay even if `destination` does not name them, unless
// `drop_unnamed_mappings`: the caller has seen them and left them out.
//
// What is wrong goes to `check` under `field`; the state is then of no use.
DestinationState ResolveChange(
    const audience_sync::v1::Destination& destination,
    const audience_sync::v1::Destination* stored, bool drop_unnamed_mappings,
    absl::string_view field, FieldCheck* check);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_DESTINATION_CONFIG_H_
