#ifndef CONNECTOR_DELIVERY_CALL_PACER_H_
#define CONNECTOR_DELIVERY_CALL_PACER_H_

#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/pinterest/rate_limit_headers.h"

namespace connector::delivery {

// What a call is for. Removals may use what is set aside from additions.
enum class CallKind { kRead, kRemoval, kAddition };

// Keeps the calls of one credential within its budgets: in any 60 seconds no
// more than the configured number of writes, and of reads. A tenth of the
// writes is set aside for removals, so that a withdrawal of consent never waits
// behind a backfill. Thread-safe.
class CallPacer {
 public:
  // Calls a minute; 0 is no limit.
  CallPacer(int writes_per_minute, int reads_per_minute);

  void SetLimits(int writes_per_minute, int reads_per_minute);

  // Takes a place for one call, which must follow at once. Otherwise the time
  // from which on it is worth asking again.
  struct Answer {
    bool granted = false;
    absl::Time retry_time;
  };
  Answer TryAcquire(CallKind kind, absl::Time now);

  // No call of this kind (reads, or all writes) before `until`: what a 429 asks
  // for.
  void HoldUntil(CallKind kind, absl::Time until);

  // What an answer told about Pinterest's budgets: a lower limit than the
  // configured one is taken over, an exhausted window is waited out.
  void Observe(CallKind kind,
               const std::vector<pinterest::RateLimitWindow>& windows,
               absl::Time now);

 private:
  struct Budget {
    int configured = 0;
    // Pinterest's own, if it is lower; 0 if none was seen.
    int told = 0;
    absl::Time hold_until = absl::InfinitePast();
    // The calls of the last minute.
    std::deque<absl::Time> calls;

    int limit() const;
  };
  Budget& budget(CallKind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return kind == CallKind::kRead ? reads_ : writes_;
  }

  absl::Mutex mutex_;
  Budget writes_ ABSL_GUARDED_BY(mutex_);
  Budget reads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_CALL_PACER_H_
