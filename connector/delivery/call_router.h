#ifndef CONNECTOR_DELIVERY_CALL_ROUTER_H_
#define CONNECTOR_DELIVERY_CALL_ROUTER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connector/config/registry.h"
#include "connector/delivery/credential_channel.h"
#include "connector/delivery/gate.h"
#include "connector/membership/types.h"

namespace connector::delivery {

// The way to Pinterest for the calls of a destination.
struct CallRoute {
  std::shared_ptr<const config::DestinationState> destination;
  std::string credential_id;
  // Its token source (base/token_name.h).
  std::string token_name;
  std::shared_ptr<CredentialChannel> credential;
  // Lives as long as the router.
  Gate* destination_gate = nullptr;
};

// Lets others make calls on the same budgets and behind the same gates as
// delivery. Thread-safe.
class CallRouter {
 public:
  virtual ~CallRouter() = default;

  // NOT_FOUND when the destination was deleted, CANCELLED when it is paused,
  // FAILED_PRECONDITION when its credential cannot be used.
  virtual absl::StatusOr<CallRoute> RouteTo(
      membership::DestinationNumber destination) = 0;

  // A call opened a gate of this route: those that wait there may go on.
  virtual void OnGateOpened(const CallRoute& route) = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_CALL_ROUTER_H_
