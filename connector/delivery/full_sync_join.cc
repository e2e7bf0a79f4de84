#include "connector/delivery/full_sync_join.h"

#include <memory>
#include <optional>
#include <utility>

#include "connector/delivery/event_time.h"
#include "identity_mapping/record.h"

namespace connector::delivery {
namespace {

using identity_mapping::RecordView;
using membership::Change;
using membership::CommitNumber;
using membership::DeliveredRecord;
using membership::DeliveredState;
using membership::FullSync;
using membership::FullSyncState;
using membership::ListNumber;

// Records between two looks at the stop flag.
constexpr int kRecordsPerLook = 1 << 12;

class StopCheck {
 public:
  explicit StopCheck(const std::atomic<bool>* stop) : stop_(stop) {}
  absl::Status Look() {
    if (++seen_ % kRecordsPerLook != 0 || stop_ == nullptr || !*stop_) {
      return absl::OkStatus();
    }
    return absl::CancelledError("the connector stops");
  }

 private:
  const std::atomic<bool>* const stop_;
  int seen_ = 0;
};

// Netted changes in one ascending sequence.
class NettedReader {
 public:
  explicit NettedReader(const NettedChanges& netted)
      : readers_{SortedChanges::Reader(netted.removals),
                 SortedChanges::Reader(netted.additions)} {}

  absl::Status Start() {
    for (int side : {0, 1}) {
      if (absl::Status s = Load(side); !s.ok()) return s;
    }
    Pick();
    return absl::OkStatus();
  }
  // Nothing is left.
  bool done() const { return at_ < 0; }
  const SortedChange& head() const { return heads_[at_]; }
  absl::Status Next() {
    if (absl::Status s = Load(at_); !s.ok()) return s;
    Pick();
    return absl::OkStatus();
  }

 private:
  absl::Status Load(int side) {
    auto more = readers_[side].Next(&heads_[side]);
    if (!more.ok()) return more.status();
    have_[side] = *more;
    return absl::OkStatus();
  }
  void Pick() {
    at_ = have_[0] && (!have_[1] || heads_[0].record < heads_[1].record) ? 0
          : have_[1]                                                     ? 1
                                                                         : -1;
  }

  SortedChanges::Reader readers_[2];
  SortedChange heads_[2];
  bool have_[2] = {};
  int at_ = -1;
};

// Whether a record without any change has to be taken off the list.
bool MayBeOnList(const DeliveredRecord& record) {
  return record.unconfirmed || record.state != DeliveredState::kAbsentSince;
}

SortedChange FromRun(const membership::RunEntry& entry, Change change) {
  SortedChange sorted;
  sorted.record = entry.record;
  sorted.order = entry.order;
  sorted.change = change;
  sorted.flags = (entry.counted ? SortedChange::kCounted : 0) |
                 (entry.replay ? SortedChange::kReplay : 0);
  return sorted;
}

}  // namespace

FullSyncJoin::FullSyncJoin(const JoinEnvironment& environment, ListNumber list,
                           const std::vector<FullSync>& full_syncs,
                           CommitNumber through)
    : environment_(environment), list_(list) {
  for (const FullSync& full_sync : full_syncs) {
    if (full_sync.state == FullSyncState::kReleased &&
        full_sync.release_commit <= through) {
      released_.push_back(full_sync);
    }
  }
}

absl::Status FullSyncJoin::Add(SortedChange change, ChangeSorter& sorter) {
  if (empty()) return sorter.Add(change);
  const FullSync& newest = released_.back();
  if (change.order >
      (drop_declared_ ? newest.addition_order() : newest.removal_order())) {
    return sorter.Add(change);
  }
  if ((change.flags & SortedChange::kTimed) != 0 &&
      change.change == Change::kRemove) {
    // It gives way, and yet it may hold an addition back.
    SortedChange exit = change;
    exit.flags = SortedChange::kRemembered | SortedChange::kTimed;
    if (absl::Status s = sorter.Add(exit); !s.ok()) return s;
  }
  SortedChange::CountOvertaken(change.flags, superseded_, overtaken_replays_);
  if (change.flags & SortedChange::kReplay) {
    change.flags |= SortedChange::kTryAgain;
  }
  change.flags &= SortedChange::kEcho | SortedChange::kTryAgain;
  change.change = Change::kRemove;
  change.order = released_.back().removal_order();
  return sorter.Add(change);
}

absl::Status FullSyncJoin::AddDeclared(CommitNumber settled, bool timed,
                                       TimedAdditions* additions,
                                       ChangeSorter& sorter) {
  if (empty()) return absl::OkStatus();
  StopCheck stop(environment_.stop);
  membership::RunEntry entry;
  for (const FullSync& full_sync : released_) {
    auto declared =
        environment_.full_syncs->ReadDeclared(list_, full_sync.number);
    if (!declared.ok()) return declared.status();
    while ((*declared)->Next(&entry)) {
      if (absl::Status s = stop.Look(); !s.ok()) return s;
      if (absl::Status s = Add(FromRun(entry, Change::kAdd), sorter); !s.ok()) {
        return s;
      }
    }
    if (!(*declared)->status().ok()) return (*declared)->status();
  }
  const FullSync& newest = released_.back();
  if (settled < newest.begin_commit || drop_declared_) return absl::OkStatus();
  for (Change change : {Change::kRemove, Change::kAdd}) {
    auto kept = environment_.ledger->ReadRuns(list_, change,
                                              newest.begin_commit - 1, settled);
    if (!kept.ok()) return kept.status();
    while ((*kept)->Next(&entry)) {
      if (absl::Status s = stop.Look(); !s.ok()) return s;
      if (entry.replay || entry.order < newest.number) continue;
      SortedChange sorted = FromRun(entry, change);
      sorted.flags = 0;
      if (timed && SetTime(entry, sorted) && change == Change::kAdd) {
        additions->Note(sorted);
      }
      if (absl::Status s = sorter.Add(sorted); !s.ok()) return s;
    }
    if (!(*kept)->status().ok()) return (*kept)->status();
  }
  return absl::OkStatus();
}

absl::Status FullSyncJoin::AddUndeclared(NettedChanges* netted) const {
  if (empty()) return absl::OkStatus();
  StopCheck stop(environment_.stop);
  NettedReader changes(*netted);
  if (absl::Status s = changes.Start(); !s.ok()) return s;
  auto delivered = environment_.full_syncs->ScanDelivered(list_);
  if (!delivered.ok()) return delivered.status();
  SortedChanges::Writer writer(environment_.spill_directory);
  const auto take = [&]() -> absl::Status {
    if (changes.head().change == Change::kRemove) {
      if (absl::Status s = writer.Append(changes.head()); !s.ok()) return s;
    }
    return changes.Next();
  };
  DeliveredRecord there;
  for (;;) {
    if (absl::Status s = stop.Look(); !s.ok()) return s;
    auto more = (*delivered)->Next(&there);
    if (!more.ok()) return more.status();
    if (!*more) break;
    while (!changes.done() && changes.head().record < there.record) {
      if (absl::Status s = take(); !s.ok()) return s;
    }
    if (!changes.done() && changes.head().record == there.record) continue;
    if (!MayBeOnList(there)) continue;
    SortedChange removal;
    removal.record = there.record;
    removal.order = released_.back().removal_order();
    if (absl::Status s = writer.Append(removal); !s.ok()) return s;
  }
  while (!changes.done()) {
    if (absl::Status s = take(); !s.ok()) return s;
  }
  auto removals = writer.Finish();
  if (!removals.ok()) return removals.status();
  netted->removals = *std::move(removals);
  return absl::OkStatus();
}

absl::StatusOr<FullSyncVerdict> JudgeFullSync(
    const JoinEnvironment& environment, const FullSync& full_sync) {
  const ListNumber list = full_sync.list;
  StopCheck stop(environment.stop);
  // What is there without it: the delivered state, full syncs that were
  // released before, and events. Runs first: what a pass settles meanwhile
  // moves from them to the delivered state.
  const CommitNumber through = environment.ledger->SyncedCommit();
  auto row = environment.ledger->GetList(list);
  if (!row.ok()) return row.status();
  const std::vector<FullSync> before =
      environment.full_syncs->FindFullSyncs(list);
  FullSyncJoin older(environment, list, before, through);
  ChangeSorter sorter(environment.sort_budget, environment.spill_directory);
  if (absl::Status s =
          older.AddDeclared(row->settled, /*timed=*/false, nullptr, sorter);
      !s.ok()) {
    return s;
  }
  membership::RunEntry entry;
  for (Change change : {Change::kRemove, Change::kAdd}) {
    // Also what was settled since the begin and is kept.
    auto runs = environment.ledger->ReadRuns(list, change, 0, through);
    if (!runs.ok()) return runs.status();
    while ((*runs)->Next(&entry)) {
      if (absl::Status s = stop.Look(); !s.ok()) return s;
      if (entry.replay) continue;
      if (absl::Status s = older.Add(FromRun(entry, change), sorter); !s.ok()) {
        return s;
      }
    }
    if (!(*runs)->status().ok()) return (*runs)->status();
  }
  auto events = sorter.Finish();
  if (!events.ok()) return events.status();

  ChangeSorter declared_sorter(environment.sort_budget,
                               environment.spill_directory);
  auto runs = environment.full_syncs->ReadDeclared(list, full_sync.number);
  if (!runs.ok()) return runs.status();
  while ((*runs)->Next(&entry)) {
    if (absl::Status s = stop.Look(); !s.ok()) return s;
    if (absl::Status s = declared_sorter.Add(FromRun(entry, Change::kAdd));
        !s.ok()) {
      return s;
    }
  }
  if (!(*runs)->status().ok()) return (*runs)->status();
  auto declared = declared_sorter.Finish();
  if (!declared.ok()) return declared.status();

  FullSyncVerdict verdict;
  NettedReader event(*events);
  SortedChanges::Reader reader(declared->additions);
  SortedChange named;
  auto more_named = reader.Next(&named);
  if (!more_named.ok()) return more_named.status();
  if (absl::Status s = event.Start(); !s.ok()) return s;
  auto delivered = environment.full_syncs->ScanDelivered(list);
  if (!delivered.ok()) return delivered.status();
  DeliveredRecord there;
  auto more_there = (*delivered)->Next(&there);
  if (!more_there.ok()) return more_there.status();
  while (*more_there || !event.done()) {
    if (absl::Status s = stop.Look(); !s.ok()) return s;
    const bool has_event =
        !event.done() &&
        (!*more_there || !(there.record < event.head().record));
    const bool has_state =
        *more_there && (!has_event || there.record == event.head().record);
    const RecordView record = has_event ? event.head().record : there.record;
    while (*more_named && named.record < record) {
      more_named = reader.Next(&named);
      if (!more_named.ok()) return more_named.status();
    }
    const bool member =
        has_event ? event.head().change == Change::kAdd
                  : older.empty() && there.state == DeliveredState::kThere;
    const bool stands =
        has_event && event.head().order > full_sync.addition_order();
    if (member) ++verdict.members;
    if (member && !stands && !(*more_named && named.record == record)) {
      ++verdict.removals;
    }
    if (has_event) {
      if (absl::Status s = event.Next(); !s.ok()) return s;
    }
    if (has_state) {
      more_there = (*delivered)->Next(&there);
      if (!more_there.ok()) return more_there.status();
    }
  }
  // One that was applied meanwhile may have been read in part.
  for (const FullSync& now : environment.full_syncs->FindFullSyncs(list)) {
    for (const FullSync& then : before) {
      if (then.number == now.number && then.state != now.state &&
          then.state == membership::FullSyncState::kReleased) {
        return absl::AbortedError(
            "another full sync of the list was applied meanwhile");
      }
    }
  }
  return verdict;
}

}  // namespace connector::delivery
