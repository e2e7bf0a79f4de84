#ifndef CONNECTOR_DELIVERY_EVENT_TIME_H_
#define CONNECTOR_DELIVERY_EVENT_TIME_H_

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "connector/delivery/sorted_change.h"
#include "connector/membership/run.h"
#include "connector/membership/types.h"

namespace connector::delivery {

// Whether the entry's time has a say in which event stands; then the change
// gets it.
inline bool SetTime(const membership::RunEntry& entry, SortedChange& change) {
  if (!entry.event_time.has_value()) return false;
  absl::Time time = *entry.event_time;
  if (change.change == membership::Change::kRemove) {
    // No exit, but what an addition does to the other forms of an identity.
    if (time == absl::InfinitePast()) return false;
    // Not known: it happened when it came, or before.
    if (time == absl::InfiniteFuture()) time = entry.commit_time;
  } else if (time == absl::InfiniteFuture()) {
    return false;
  }
  change.event_micros = absl::ToUnixMicros(time);
  change.commit_millis = absl::ToUnixMillis(entry.commit_time);
  change.flags |= SortedChange::kTimed;
  return true;
}

// The additions of a pass that have a time: an exit matters only if it is not
// older than all of them.
struct TimedAdditions {
  bool any = false;
  // The earliest ones.
  int64_t event_micros = std::numeric_limits<int64_t>::max();
  int64_t commit_millis = std::numeric_limits<int64_t>::max();

  void Note(const SortedChange& addition) {
    any = true;
    event_micros = std::min(event_micros, addition.event_micros);
    commit_millis = std::min(commit_millis, addition.commit_millis);
  }
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_EVENT_TIME_H_
