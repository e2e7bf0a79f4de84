#ifndef CONNECTOR_DELIVERY_HISTORY_RUNNER_H_
#define CONNECTOR_DELIVERY_HISTORY_RUNNER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "connector/delivery/delivery_world.h"
#include "connector/delivery/history.h"
#include "connector/membership/ledger.h"

namespace connector::delivery {

// How often each thing happened that a history may meet: "fault.LOST_AFTER",
// "event.LIST_ADOPTED", "kill.power", "step.pause"…
using Coverage = std::map<std::string, int64_t>;

// All names that a large enough number of histories has to reach.
std::vector<std::string> WhatHistoriesReach();

struct HistoryOptions {
  DeliveryWorld::Backend backend = DeliveryWorld::Backend::kMemory;
  // As in DeliveryWorld: breaks the connector, to see that it is noticed.
  std::function<membership::Ledger*(membership::Ledger*)> ledger_wrapper;
  // Gets a line for everything that happens.
  std::function<void(const std::string& line)> trace;
};

// Runs a history and checks after each step, against a model that knows only
// the last event of each record:
// - the counters add up: what was received is what was committed, what is
//   pending is what the runs hold, nothing but the pending number goes down,
//   not even over a kill (a power cut may undo what was settled, never what
//   was received);
// - no segment has two lists; no request is larger than it may be; no
//   credential is used more often than its budgets say;
// - a pass that met no trouble made no more calls than it needs, removals
//   first;
// - no record is refused of which Pinterest did not show that it refuses it;
// and at the end, with Pinterest well again, that each list holds what it
// should but for the refused records, that nothing is pending, and that the
// same export once more costs no call.
//
// Returns what was broken, empty if nothing; adds to `coverage`.
std::string RunHistory(const History& history, const HistoryOptions& options,
                       Coverage* coverage);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_HISTORY_RUNNER_H_
