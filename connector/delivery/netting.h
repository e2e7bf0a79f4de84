#ifndef CONNECTOR_DELIVERY_NETTING_H_
#define CONNECTOR_DELIVERY_NETTING_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "connector/delivery/sorted_change.h"

namespace connector::delivery {

// Finds which of the events of one record stands: the last one, unless it is an
// addition that is held back. An addition with a time is, if an exit of the
// record with the same or a later time was committed before it and at most
// `window` earlier: then the addition is an old call that was sent again. An
// exit is never held back.
//
// Equal times hold back, too, as it is not known whether an exit changes the
// qualification time (docs/adobe.md).
//
// Use: Start, then Take each event in its order. Not thread-safe.
class Netting {
 public:
  explicit Netting(absl::Duration window)
      : window_ms_(absl::ToInt64Milliseconds(window)) {}

  void Start() {
    exits_.clear();
    stands_ = false;
  }

  // Returns whether the event stands for now. `change` gets what it takes over
  // from the one before it.
  bool Take(SortedChange& change) {
    if ((change.flags & SortedChange::kRemembered) != 0) {
      Remember(change);
      return false;
    }
    if ((change.flags & SortedChange::kTimed) != 0) {
      if (change.change == membership::Change::kRemove) {
        Remember(change);
      } else if (IsLate(change)) {
        SortedChange::CountOvertaken(change.flags, superseded_, overtaken_);
        return false;
      }
    }
    if (stands_) {
      SortedChange::CountOvertaken(flags_, superseded_, overtaken_);
      change.flags |= flags_ & (SortedChange::kEcho | SortedChange::kTryAgain);
      if (flags_ & SortedChange::kReplay) {
        change.flags |= SortedChange::kTryAgain;
      }
    }
    // The time has served its purpose.
    change.flags &= static_cast<uint8_t>(~SortedChange::kTimed);
    stands_ = true;
    flags_ = change.flags;
    return true;
  }

  // Over all records: counted events that do not stand, and replays of which
  // the same is true.
  int64_t superseded() const { return superseded_; }
  int64_t overtaken_replays() const { return overtaken_; }

 private:
  // Only what no other exit makes needless, or one busy record would cost the
  // square of its events.
  void Remember(const SortedChange& exit) {
    while (!exits_.empty() && exits_.back().first <= exit.event_micros &&
           exits_.back().second <= exit.commit_millis) {
      exits_.pop_back();
    }
    exits_.emplace_back(exit.event_micros, exit.commit_millis);
  }
  bool IsLate(const SortedChange& addition) const {
    for (const auto& [event_micros, commit_millis] : exits_) {
      if (addition.event_micros <= event_micros &&
          addition.commit_millis - commit_millis <= window_ms_) {
        return true;
      }
    }
    return false;
  }

  const int64_t window_ms_;
  int64_t superseded_ = 0;
  int64_t overtaken_ = 0;
  // Of the record at hand.
  std::vector<std::pair<int64_t, int64_t>> exits_;
  bool stands_ = false;
  uint8_t flags_ = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_NETTING_H_
