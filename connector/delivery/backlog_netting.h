#ifndef CONNECTOR_DELIVERY_BACKLOG_NETTING_H_
#define CONNECTOR_DELIVERY_BACKLOG_NETTING_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "connector/delivery/sort_budget.h"
#include "connector/membership/ledger.h"

namespace connector::delivery {

// What waits for a list that cannot be delivered grows with every event; what a
// pass will find to do grows with the records only. So the events that a later
// one of their record overtook are taken out, and count as superseded: what is
// left leads a pass to the same.
//
// Left alone are events of which not only the order counts: those with a time
// (and they overtake nothing, unless they are exits, as a late addition may be
// held back), and another try of what was refused. A list with holders is left
// alone altogether.
//
// For one list at a time, and not during its pass. Memory is that of a pass.
// CANCELLED when `stop` is set, which may be nullptr; what was done until then
// stays done.
absl::Status NetBacklog(membership::Ledger& ledger, SortBudget* sort_budget,
                        const std::string& spill_directory,
                        const std::atomic<bool>* stop,
                        membership::ListNumber list);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_BACKLOG_NETTING_H_
