#ifndef CONNECTOR_MEMBERSHIP_NOTIFIER_H_
#define CONNECTOR_MEMBERSHIP_NOTIFIER_H_

#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace connector::membership {

// Calls others in the order in which the calls were noted, one at a time, and
// with no lock held. Thread-safe.
class Notifier {
 public:
  // Notes a call; may be used under locks, which decide the order.
  void Note(std::function<void()> call) {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(std::move(call));
  }

  // Makes the calls that were noted, unless another thread is just doing so (it
  // then makes them). To be used with no lock held.
  void Deliver() {
    absl::MutexLock lock(&mutex_);
    if (busy_) return;
    busy_ = true;
    while (!calls_.empty()) {
      std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      mutex_.Unlock();
      call();
      call = nullptr;
      mutex_.Lock();
    }
    busy_ = false;
  }

 private:
  absl::Mutex mutex_;
  std::deque<std::function<void()>> calls_ ABSL_GUARDED_BY(mutex_);
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_NOTIFIER_H_
