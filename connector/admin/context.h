#ifndef CONNECTOR_ADMIN_CONTEXT_H_
#define CONNECTOR_ADMIN_CONTEXT_H_

#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "connector/audiences/audience_control.h"
#include "connector/base/clock.h"
#include "connector/config/registry.h"
#include "connector/delivery/delivery_control.h"
#include "connector/membership/audience_table.h"
#include "connector/membership/catalog.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/intake.h"
#include "connector/membership/journal.h"
#include "connector/membership/ledger.h"
#include "connector/membership/operations.h"
#include "connector/membership/people.h"
#include "connector/pinterest/client_provider.h"
#include "connector/pinterest/oauth_token_source.h"

namespace connector::admin {

// What administration works on. Nothing is owned; all of it must outlive the
// service and be thread-safe.
struct AdminContext {
  config::Registry* registry = nullptr;
  membership::Catalog* catalog = nullptr;
  membership::Intake* intake = nullptr;
  membership::Ledger* ledger = nullptr;
  membership::Operations* operations = nullptr;
  // nullptr: nobody keeps track of profiles.
  membership::People* people = nullptr;
  membership::Journal* journal = nullptr;
  membership::AudienceTable* audiences = nullptr;
  membership::CounterTable* counters = nullptr;
  audiences::AudienceControl* audience_control = nullptr;
  delivery::DeliveryControl* delivery = nullptr;
  pinterest::ClientProvider* clients = nullptr;
  Clock* clock = nullptr;

  // Whether there is, or could be, a token of this name (base/token_name.h).
  // Calls nobody.
  std::function<absl::Status(absl::string_view token_name)> check_token;

  // How a credential's login stands; nothing for one without.
  std::function<std::optional<pinterest::OAuthState>(
      absl::string_view credential_id)>
      login_state;

  // Called after a segment was paused or resumed (the registry tells of all
  // other changes itself).
  std::function<void()> on_segment_changed;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_CONTEXT_H_
