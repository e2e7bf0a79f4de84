#ifndef CONNECTOR_ADMIN_DRAIN_H_
#define CONNECTOR_ADMIN_DRAIN_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "connector/admin/context.h"
#include "connector/config/registry.h"

namespace connector::admin {

// How a drain waits; injected, so that tests need no real time.
struct DrainWait {
  // Waits for the time given, or less when there is reason to look again.
  std::function<void(absl::Duration)> wait;
  // The caller has gone, or the process stops.
  std::function<bool()> cancelled;
  // By the context's clock.
  absl::Time deadline = absl::InfiniteFuture();
};

// Has everything that is durable at the call sent at once, and returns when it
// is settled. What comes in later is not waited for.
//
// DEADLINE_EXCEEDED, CANCELLED; NOT_FOUND when the destination is deleted
// meanwhile; FAILED_PRECONDITION DELIVERY_BLOCKED, with each credential, ad
// account, list and pause that blocks, once nothing else is left to wait for.
absl::Status Drain(const AdminContext& context,
                   const config::DestinationState& destination,
                   const DrainWait& wait);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_DRAIN_H_
