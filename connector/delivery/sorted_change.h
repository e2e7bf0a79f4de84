#ifndef CONNECTOR_DELIVERY_SORTED_CHANGE_H_
#define CONNECTOR_DELIVERY_SORTED_CHANGE_H_

#include <cstdint>

#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::delivery {

// A change on its way through the sort of a pass.
struct SortedChange {
  identity_mapping::RecordView record;
  // The later event has the larger one; kEchoOrder and kReplayOrder for what is
  // no event.
  membership::EventOrder order = 0;
  membership::Change change = membership::Change::kRemove;
  // kCounted, kEcho, kReplay, kTryAgain, kOperation.
  uint8_t flags = 0;
  // With kTimed: when it happened at the host (Unix microseconds), and when it
  // was committed (Unix milliseconds).
  int64_t event_micros = 0;
  int64_t commit_millis = 0;

  // It counts in PassCounts.
  static constexpr uint8_t kCounted = 1;
  // What is confirmed of the record has to go out once more.
  static constexpr uint8_t kEcho = 2;
  // Another try of what was refused, if it still is.
  static constexpr uint8_t kReplay = 4;
  // The same, of an event that took the place of a replay.
  static constexpr uint8_t kTryAgain = 8;
  // No event, but a part of what is done with the whole list.
  static constexpr uint8_t kOperation = 16;
  // An exit or an addition whose time says which of them is newer (netting.h).
  static constexpr uint8_t kTimed = 32;
  // No change, but an exit of before that late additions are held against; with
  // kTimed.
  static constexpr uint8_t kRemembered = 64;

  // What it counts as when another one takes its place: a replay goes back to
  // the refused, from which it came.
  static void CountOvertaken(uint8_t flags, int64_t& superseded,
                             int64_t& refused) {
    if ((flags & kCounted) == 0) return;
    ++((flags & kReplay) != 0 ? refused : superseded);
  }
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_SORTED_CHANGE_H_
