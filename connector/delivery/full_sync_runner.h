#ifndef CONNECTOR_DELIVERY_FULL_SYNC_RUNNER_H_
#define CONNECTOR_DELIVERY_FULL_SYNC_RUNNER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/config/registry.h"
#include "connector/delivery/delivery_event.h"
#include "connector/delivery/full_sync_join.h"
#include "connector/membership/full_sync.h"
#include "connector/membership/intake.h"
#include "connector/membership/operations.h"

namespace connector::delivery {

// Whether a full sync has to be confirmed before it is applied.
bool NeedsConfirmation(const FullSyncVerdict& verdict,
                       int64_t min_members_to_confirm, int max_removal_percent);

// Judges full syncs that were committed and ends those whose time is over. It
// needs no Pinterest, so it goes on while that is away. Nothing is remembered
// but in the store: what a crash interrupts is judged anew. Used by one thread
// at a time.
class FullSyncRunner {
 public:
  // All must outlive it.
  struct Options {
    JoinEnvironment join;
    // nullptr: no list is replaced.
    membership::Operations* operations = nullptr;
    membership::Intake* intake = nullptr;
    config::Registry* registry = nullptr;
    Clock* clock = nullptr;
    // A list with fewer members is never asked about.
    int64_t min_members_to_confirm = 0;
    DeliveryObserver observer;
  };
  explicit FullSyncRunner(Options options) : options_(std::move(options)) {}

  // Ends or judges one full sync; false if there is nothing to do now.
  bool RunReadyStep();
  // When there will be something to do; absl::InfiniteFuture() if nothing waits
  // for its time.
  absl::Time NextStepTime();

 private:
  struct Due {
    membership::FullSync full_sync;
    absl::Time time;
  };
  // It is judged when that is done: the operation listener tells.
  bool IsBeingReplaced(membership::ListNumber list);
  // What is due first.
  std::optional<Due> FindDue();
  absl::Status Expire(const membership::FullSync& full_sync);
  absl::Status Judge(const membership::FullSync& full_sync);
  absl::Status Decide(membership::FullSyncDecision decision);

  const Options options_;
  // When to try again what failed.
  std::map<std::pair<membership::ListNumber, membership::FullSyncNumber>,
           absl::Time>
      not_before_;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_FULL_SYNC_RUNNER_H_
