#ifndef CONNECTOR_DELIVERY_NETTING_H_
#define CONNECTOR_DELIVERY_NETTING_H_

#include <cstdint>

#include "absl/time/time.h"
#include "connector/delivery/sorted_change.h"
#include "connector/membership/exit_times.h"

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
  explicit Netting(absl::Duration window) : exits_(window) {}

  void Start() {
    exits_.Clear();
    stands_ = false;
  }

  // Returns whether the event stands for now. `change` gets what it takes over
  // from the one before it.
  bool Take(SortedChange& change) {
    if ((change.flags & SortedChange::kRemembered) != 0) {
      exits_.Add(change.event_micros, change.commit_millis);
      return false;
    }
    if ((change.flags & SortedChange::kTimed) != 0) {
      if (change.change == membership::Change::kRemove) {
        exits_.Add(change.event_micros, change.commit_millis);
      } else if (exits_.IsLate(change.event_micros, change.commit_millis)) {
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
  membership::ExitTimes exits_;
  int64_t superseded_ = 0;
  int64_t overtaken_ = 0;
  // Of the record at hand.
  bool stands_ = false;
  uint8_t flags_ = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_NETTING_H_
