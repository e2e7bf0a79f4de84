#ifndef CONNECTOR_DELIVERY_CALL_PACER_H_
#define CONNECTOR_DELIVERY_CALL_PACER_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/config/call_limits.h"
#include "connector/delivery/call_window.h"
#include "connector/pinterest/rate_limit_headers.h"

namespace connector::delivery {

// What a call is for. Removals may use what is set aside from the others.
enum class CallKind { kRead, kRemoval, kAddition };

// Keeps the calls of one credential within its budgets: in any second, minute
// or day no more than the configured number of writes, of reads and of all
// calls, or than Pinterest's headers tell if that is less. A tenth of the
// writes, and of the day's calls, is set aside for removals, so that a
// withdrawal of consent never waits behind a backfill. Thread-safe.
class CallPacer {
 public:
  // Makes the history durable. Called under the pacer's lock, before a call
  // that counts against a budget of a day is granted; may be empty.
  using SaveHistory = std::function<absl::Status(const std::string& history)>;

  // `history` is what was saved last; empty if nothing was. One that does not
  // read counts as none.
  CallPacer(const config::CallLimits& limits, absl::string_view history,
            absl::Time now, SaveHistory save);

  void SetLimits(const config::CallLimits& limits);

  // Takes a place for one call, which must follow at once. Otherwise the time
  // from which on it is worth asking again.
  struct Answer {
    bool granted = false;
    absl::Time retry_time;
    // Why not, if it is more than the pace of the minute: UNAVAILABLE
    // DAILY_CALLS_USED_UP, what HoldUntil was given, or the history could not
    // be saved.
    absl::Status reason;
  };
  Answer TryAcquire(CallKind kind, absl::Time now);

  // No call of this kind (reads, or all writes) before `until`: what a 429 asks
  // for. `reason` is what whoever asks meanwhile is told.
  void HoldUntil(CallKind kind, absl::Time until, const absl::Status& reason);

  // What an answer told about Pinterest's budgets: a lower limit than the
  // configured one is taken over, an exhausted window is waited out.
  void Observe(CallKind kind,
               const std::vector<pinterest::RateLimitWindow>& windows,
               absl::Time now);

 private:
  enum class Scope { kAll, kReads, kWrites };
  using WindowKey = std::pair<Scope, absl::Duration>;

  CallWindow& Window(Scope scope, absl::Duration length)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Configure(const config::CallLimits& limits)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadHistory(absl::string_view history, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string History() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool Counts(Scope scope, CallKind kind);
  struct Hold {
    absl::Time until = absl::InfinitePast();
    absl::Status reason;
  };
  Hold& hold(CallKind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return kind == CallKind::kRead ? reads_hold_ : writes_hold_;
  }

  const SaveHistory save_;
  absl::Mutex mutex_;
  std::map<WindowKey, CallWindow> windows_ ABSL_GUARDED_BY(mutex_);
  Hold reads_hold_ ABSL_GUARDED_BY(mutex_);
  Hold writes_hold_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_CALL_PACER_H_
