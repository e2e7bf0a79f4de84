#ifndef CONNECTOR_DELIVERY_SORT_BUDGET_H_
#define CONNECTOR_DELIVERY_SORT_BUDGET_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace connector::delivery {

// The memory that all passes together may sort in. Whoever gets no more spills
// to disk, so nobody ever waits for it. Thread-safe.
class SortBudget {
 public:
  explicit SortBudget(int64_t bytes) : left_(bytes) {}

  bool TryTake(int64_t bytes) {
    absl::MutexLock lock(&mutex_);
    if (left_ < bytes) return false;
    left_ -= bytes;
    return true;
  }

  void Return(int64_t bytes) {
    absl::MutexLock lock(&mutex_);
    left_ += bytes;
  }

 private:
  absl::Mutex mutex_;
  int64_t left_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_SORT_BUDGET_H_
