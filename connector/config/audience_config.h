#ifndef CONNECTOR_CONFIG_AUDIENCE_CONFIG_H_
#define CONNECTOR_CONFIG_AUDIENCE_CONFIG_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "audience_sync/v1/audience.pb.h"
#include "connector/config/field_check.h"

namespace connector::config {

// How audiences are kept, with every default filled in. The declared ones stay
// in the destination's configuration.
struct AudienceSettings {
  bool make_list_audiences = true;
  absl::Duration first_poll_interval;
  absl::Duration longest_poll_interval;
};

// Checks the policy, rules of declared audiences included, and fills in the
// defaults. What is wrong goes to `check` under `field`.
AudienceSettings ReadAudiencePolicy(
    const audience_sync::v1::AudiencePolicy& policy, absl::string_view field,
    FieldCheck* check);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_AUDIENCE_CONFIG_H_
