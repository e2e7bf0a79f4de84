#ifndef CONNECTOR_DELIVERY_GATE_H_
#define CONNECTOR_DELIVERY_GATE_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/delivery/delivery_control.h"

namespace connector::delivery {

// Stops what goes through a credential, a destination or a list after an answer
// that says that going on is useless, and lets one probe through per interval.
// Thread-safe.
class Gate {
 public:
  // Whether to go on. While closed: true once per interval (the caller is the
  // probe, as `*probe` then says), otherwise the time of the next probe is in
  // `*retry_time`.
  bool Pass(absl::Time now, absl::Time* retry_time, bool* probe = nullptr) {
    absl::MutexLock lock(&mutex_);
    if (probe != nullptr) *probe = false;
    if (condition_.state != DeliveryCondition::State::kBlocked) return true;
    if (now < condition_.retry_time) {
      *retry_time = condition_.retry_time;
      return false;
    }
    condition_.retry_time = now + interval_;
    if (probe != nullptr) *probe = true;
    return true;
  }

  // Whether Pass would let the caller through, and if not, from when on.
  bool WouldPass(absl::Time now, absl::Time* retry_time) {
    absl::MutexLock lock(&mutex_);
    if (condition_.state != DeliveryCondition::State::kBlocked) return true;
    *retry_time = condition_.retry_time;
    return now >= condition_.retry_time;
  }

  // Closes it, or renews the reason; the next probe is an interval away.
  // `by_read`: a read showed it, so a read that goes well opens it again.
  void Close(const absl::Status& reason, absl::Time now,
             absl::Duration interval, bool by_read) {
    absl::MutexLock lock(&mutex_);
    interval_ = interval;
    closed_by_read_ = by_read;
    condition_ = {DeliveryCondition::State::kBlocked, reason, now + interval};
  }

  // A write went well. True if the gate was closed.
  bool Open() {
    absl::MutexLock lock(&mutex_);
    const bool closed = condition_.state == DeliveryCondition::State::kBlocked;
    condition_ = {};
    return closed;
  }

  // A read went well, which says nothing of writes.
  bool OpenForRead() {
    absl::MutexLock lock(&mutex_);
    const bool opens = closed_by_read_ &&
                       condition_.state == DeliveryCondition::State::kBlocked;
    if (opens) condition_ = {};
    return opens;
  }

  // The next to come is the probe.
  void ProbeNow(absl::Time now) {
    absl::MutexLock lock(&mutex_);
    if (condition_.state == DeliveryCondition::State::kBlocked) {
      condition_.retry_time = now;
    }
  }

  DeliveryCondition condition() {
    absl::MutexLock lock(&mutex_);
    return condition_;
  }

 private:
  absl::Mutex mutex_;
  DeliveryCondition condition_ ABSL_GUARDED_BY(mutex_);
  absl::Duration interval_ ABSL_GUARDED_BY(mutex_) = absl::Minutes(1);
  bool closed_by_read_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_GATE_H_
