#ifndef CONNECTOR_CONFIG_CREDENTIAL_CONFIG_H_
#define CONNECTOR_CONFIG_CREDENTIAL_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/destination.pb.h"
#include "audience_sync/v1/destination_service.pb.h"
#include "connector/config/call_limits.h"
#include "connector/config/field_check.h"

namespace connector::config {

// A credential as configured at one moment. Immutable.
struct CredentialState {
  std::string credential_id;
  // Where its access token comes from, as base/token_name.h has it: a plain
  // file name in the credentials directory, or its login (config.oauth()).
  std::string token_name;
  CallLimits limits;
  audience_sync::v1::ConfigurationOwner owner =
      audience_sync::v1::CONFIGURATION_OWNER_API;
  // With its etag.
  audience_sync::v1::Credential config;
};

// Checks a credential as a whole and fills in the defaults. INVALID_ARGUMENT
// that names every field that is wrong, below "credential".
absl::StatusOr<CredentialState> ResolveCredential(
    const audience_sync::v1::Credential& credential);

// The same; what is wrong goes to `check` under `field`, and the state is then
// of no use.
CredentialState ResolveCredential(
    const audience_sync::v1::Credential& credential, absl::string_view field,
    FieldCheck* check);

// Adds a violation unless `credential_id` matches ^[a-z][a-z0-9-]{0,62}$.
void CheckCredentialId(absl::string_view credential_id, absl::string_view field,
                       FieldCheck* check);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_CREDENTIAL_CONFIG_H_
