#ifndef CONNECTOR_MEMBERSHIP_EXIT_TIMES_H_
#define CONNECTOR_MEMBERSHIP_EXIT_TIMES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace connector::membership {

// The exits of one record that hold back late additions: an addition is late if
// an exit with the same or a later event time was committed at most `window`
// before it. Events must come in their order. Not thread-safe.
class ExitTimes {
 public:
  explicit ExitTimes(absl::Duration window)
      : window_ms_(absl::ToInt64Milliseconds(window)) {}

  // Begins another record.
  void Clear() { exits_.clear(); }

  // Keeps only what no other exit makes needless, or one busy record would cost
  // the square of its events.
  void Add(int64_t event_micros, int64_t commit_millis) {
    while (!exits_.empty() && exits_.back().first <= event_micros &&
           exits_.back().second <= commit_millis) {
      exits_.pop_back();
    }
    exits_.emplace_back(event_micros, commit_millis);
  }

  // Of an addition.
  bool IsLate(int64_t event_micros, int64_t commit_millis) const {
    for (const auto& [exit_micros, exit_millis] : exits_) {
      if (event_micros <= exit_micros &&
          commit_millis - exit_millis <= window_ms_) {
        return true;
      }
    }
    return false;
  }

 private:
  const int64_t window_ms_;
  // Event time (Unix µs), commit time (Unix ms).
  std::vector<std::pair<int64_t, int64_t>> exits_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_EXIT_TIMES_H_
