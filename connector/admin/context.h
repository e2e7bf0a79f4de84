#ifndef CONNECTOR_ADMIN_CONTEXT_H_
#define CONNECTOR_ADMIN_CONTEXT_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "connector/base/clock.h"
#include "connector/config/registry.h"
#include "connector/delivery/delivery_control.h"
#include "connector/membership/catalog.h"
#include "connector/membership/intake.h"
#include "connector/membership/journal.h"
#include "connector/membership/ledger.h"
#include "connector/pinterest/client_provider.h"

namespace connector::admin {

// What administration works on. Nothing is owned; all of it must outlive the
// service and be thread-safe.
struct AdminContext {
  config::Registry* registry = nullptr;
  membership::Catalog* catalog = nullptr;
  membership::Intake* intake = nullptr;
  membership::Ledger* ledger = nullptr;
  membership::Journal* journal = nullptr;
  delivery::DeliveryControl* delivery = nullptr;
  pinterest::ClientProvider* clients = nullptr;
  Clock* clock = nullptr;

  // Whether a file of the credentials directory holds a usable token. Calls
  // nobody.
  std::function<absl::Status(absl::string_view access_token_file)> check_token;

  // Called after a segment was paused or resumed (the registry tells of all
  // other changes itself).
  std::function<void()> on_segment_changed;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_CONTEXT_H_
