#ifndef CONNECTOR_INGEST_IN_FLIGHT_BUDGET_H_
#define CONNECTOR_INGEST_IN_FLIGHT_BUDGET_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace connector::ingest {

// The bytes of batches that the process holds and that are not durable yet,
// shared by all streams. A stream reads only while there is room; what it then
// reads is taken even if it goes over, so the bound may be passed by one frame
// for each stream. Thread-safe.
class InFlightBudget {
 public:
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // There is room again. Called with no lock held.
    virtual void OnRoom() = 0;
  };

  explicit InFlightBudget(int64_t limit) : limit_(limit) {}

  void Take(int64_t bytes);

  // Tells all who wait if there is room again.
  void Return(int64_t bytes);

  // False: there is none; the waiter is told once.
  bool HasRoom(const std::weak_ptr<Waiter>& waiter);
  // The same without waiting.
  bool HasRoom() const;

  int64_t used() const;

 private:
  const int64_t limit_;
  mutable absl::Mutex mutex_;
  int64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::weak_ptr<Waiter>> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_IN_FLIGHT_BUDGET_H_
