#ifndef CONNECTOR_DELIVERY_FULL_SYNC_JOIN_H_
#define CONNECTOR_DELIVERY_FULL_SYNC_JOIN_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "connector/delivery/change_sorter.h"
#include "connector/delivery/event_time.h"
#include "connector/delivery/sort_budget.h"
#include "connector/membership/full_sync.h"
#include "connector/membership/ledger.h"

namespace connector::delivery {

// What stands around a join.
struct JoinEnvironment {
  membership::Ledger* ledger = nullptr;
  membership::FullSyncs* full_syncs = nullptr;
  SortBudget* sort_budget = nullptr;
  std::string spill_directory;
  // Looked at now and then; the join ends with CANCELLED once it is set. May be
  // nullptr.
  const std::atomic<bool>* stop = nullptr;
};

// The full syncs that a pass over a list applies: those that were released up
// to its commit. Of several the newest says all that there is to say, and what
// the others declared are events before it.
//
// A full sync says "not a member" of every record that it does not declare.
// Nobody writes that down record by record: it is read off a join of the
// list's delivered state with the changes of the pass.
class FullSyncJoin {
 public:
  // Nothing is to be applied.
  FullSyncJoin() = default;
  // Those of `full_syncs` that are released up to `through`.
  FullSyncJoin(const JoinEnvironment& environment, membership::ListNumber list,
               const std::vector<membership::FullSync>& full_syncs,
               membership::CommitNumber through);

  bool empty() const { return released_.empty(); }

  // The list is emptied of all that was committed up to `through`: what was
  // declared before is not added any more.
  void DropDeclared(membership::CommitNumber through) {
    drop_declared_ = !empty() && released_.back().release_commit <= through;
  }

  // Adds a change of the pass: one from before the full sync gives way to it.
  // What that counts as goes into `superseded` and `replays`.
  absl::Status Add(SortedChange change, ChangeSorter& sorter);

  // Adds what was declared, and the events after the begin that were settled
  // before this pass: they stand, but do not count again.
  // With `timed` their times count, as in ListPass; `additions` notes those
  // that have one.
  absl::Status AddDeclared(membership::CommitNumber settled, bool timed,
                           TimedAdditions* additions, ChangeSorter& sorter);

  // Completes the netted changes: whoever may be on the list and has no change
  // is removed.
  absl::Status AddUndeclared(NettedChanges* netted) const;

  int64_t superseded() const { return superseded_; }
  int64_t overtaken_replays() const { return overtaken_replays_; }

 private:
  JoinEnvironment environment_;
  membership::ListNumber list_ = 0;
  std::vector<membership::FullSync> released_;
  bool drop_declared_ = false;
  int64_t superseded_ = 0;
  int64_t overtaken_replays_ = 0;
};

// What a full sync would do.
struct FullSyncVerdict {
  // Who would be on the list without it, once all is delivered.
  int64_t members = 0;
  // How many of those it removes.
  int64_t removals = 0;
};

// Judges a committed full sync of a list by everything that is committed now.
// Reads all that it declares and all of the list; memory is bounded by the
// budget.
absl::StatusOr<FullSyncVerdict> JudgeFullSync(
    const JoinEnvironment& environment, const membership::FullSync& full_sync);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_FULL_SYNC_JOIN_H_
