#ifndef CONNECTOR_DELIVERY_PEOPLE_RUNNER_H_
#define CONNECTOR_DELIVERY_PEOPLE_RUNNER_H_

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/config/registry.h"
#include "connector/delivery/delivery_event.h"
#include "connector/delivery/sort_budget.h"
#include "connector/membership/people.h"

namespace connector::delivery {

// Sees that statements about profiles and the changes of held segments are
// brought in (membership/people.h) when they are due: a flush interval after
// the oldest of them, as passes over lists are, or at once when somebody asks.
// It needs no Pinterest, so it goes on while that is away. One thread runs
// steps; Flush() may come from any.
class PeopleRunner {
 public:
  // All must outlive it.
  struct Options {
    membership::People* people = nullptr;
    config::Registry* registry = nullptr;
    Clock* clock = nullptr;
    SortBudget* sort_budget = nullptr;
    std::string spill_directory;
    const std::atomic<bool>* stop = nullptr;
    DeliveryObserver observer;
  };
  explicit PeopleRunner(Options options) : options_(std::move(options)) {}

  // Brings one destination up; false if there is nothing to do now.
  bool RunReadyStep();
  // Brings the destination up now, whatever is due. From any thread; errors are
  // those of People::BringUp().
  absl::Status BringUp(membership::DestinationNumber destination);
  // When there will be something to do; absl::InfiniteFuture() if nothing
  // waits.
  absl::Time NextStepTime();
  // What waits in the destination is due now.
  void Flush(membership::DestinationNumber destination);

 private:
  // The first destination that is due, and when.
  std::pair<membership::DestinationNumber, absl::Time> FindDue();

  const Options options_;
  absl::Mutex mutex_;
  std::set<membership::DestinationNumber> flush_ ABSL_GUARDED_BY(mutex_);
  // When to look again at one that could not be brought up.
  std::map<membership::DestinationNumber, absl::Time> not_before_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_PEOPLE_RUNNER_H_
