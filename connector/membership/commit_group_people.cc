// What batches bring to held segments, and statements about profiles.

#include <algorithm>
#include <string>
#include <utility>

#include "connector/membership/commit_group.h"

namespace connector::membership {

bool CommitGroup::IsHeld(const SegmentChanges& changes) {
  if (newly_held_.count(changes.segment) > 0) return true;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const SegmentState* segment = core_.tables.FindSegment(changes.segment);
    if (segment != nullptr && segment->held.has_value()) return true;
  }
  if (!changes.keyed) return false;
  MakeHeld(changes);
  return true;
}

void CommitGroup::MakeHeld(const SegmentChanges& changes) {
  HeldRow row;
  row.since = newest_.commit;
  row.translated = newest_.commit - 1;
  newly_held_[changes.segment] = row;
  // Nobody can tell any more whose pairs it would leave.
  const auto found = full_syncs_.find(changes.list);
  if (found == full_syncs_.end()) return;
  for (auto& [number, full_sync] : found->second.rows) {
    if (full_sync.ended() || full_sync.state == FullSyncState::kReleased) {
      continue;
    }
    EndFullSync(full_sync, FullSyncState::kDiscarded, kFullSyncRefusedReason);
  }
}

bool CommitGroup::AddHeldRun(ListNumber list_number, const RunBuilder& run,
                             std::initializer_list<Change> kinds,
                             EventOrder first_order,
                             DestinationDraft& destination) {
  bool any = false;
  for (Change change : kinds) any |= run.count(change) > 0;
  if (!any) return false;
  const uint32_t part = parts_++;
  ListDraft& list = lists_[list_number];
  for (Change change : kinds) {
    if (run.count(change) == 0) continue;
    const std::string head = RunHead(run.flags(change), now_, first_order);
    const std::string body = run.Body(change);
    // What is tried again is no event: it goes to the list as it is.
    if (run.is_replay()) {
      PutRun(list_number, change, part, head, body, destination);
      continue;
    }
    const std::string key =
        HeldRunKey(list_number, change, newest_.commit, part);
    set_.Put(Family::kRuns, key, head, body);
    const auto bytes =
        static_cast<int64_t>(key.size() + head.size() + body.size());
    list.row.bytes += bytes;
    destination.bytes += bytes;
    if (change == Change::kAdd) {
      list.row.held |= PendingRow::kHeldAdditions;
      continue;
    }
    list.row.held |= PendingRow::kHeldRemovals;
    list.has_removals = true;
    if (run.has_timed_exits()) PutExits(list_number, run, part, head, body);
  }
  return true;
}

void CommitGroup::AddStatements(const Batch& batch,
                                DestinationDraft& destination) {
  if (batch.statements.empty()) return;
  const std::string key =
      StatementKey(batch.destination, newest_.commit, parts_++);
  const std::string value = batch.statements.Value(*batch_order_);
  set_.Put(Family::kPeople, key, value);
  const auto bytes = static_cast<int64_t>(key.size() + value.size());
  destination.bytes += bytes;
  destination.statement_bytes += bytes;
}

void CommitGroup::WritePeople() {
  for (const auto& [segment, row] : newly_held_) {
    set_.Put(Family::kPeople, NumberKey(kHeldKey, segment), EncodeHeld(row));
  }
  for (const auto& [destination, draft] : destinations_) {
    if (draft.statement_bytes == 0) continue;
    set_.Put(Family::kPeople,
             NumberKey(kStatementsKey, destination, newest_.commit),
             EncodeStatements({now_, draft.statement_bytes}));
  }
}

void CommitGroup::PublishPeople() {
  Tables& tables = core_.tables;
  tables.mutex.AssertHeld();
  for (const auto& [segment, row] : newly_held_) {
    SegmentState& state = tables.segments.at(segment);
    state.held = row;
    ListState& list = tables.lists.at(state.row.list);
    list.translated = std::max(list.translated, row.translated);
  }
  for (const auto& [number, draft] : lists_) {
    if (draft.row.held == 0) continue;
    ListState& list = tables.lists.at(number);
    if (!list.has_held()) {
      // A pass may have gone so far, and no further.
      list.translated =
          std::max(list.translated,
                   std::min(newest_.commit - 1,
                            tables.PeopleThrough(list.row.destination)));
      list.held_time = now_;
    }
    list.held_last = newest_.commit;
  }
  for (const auto& [number, draft] : destinations_) {
    if (draft.statement_bytes == 0) continue;
    tables.destinations.at(number).statements.emplace_back(
        newest_.commit, StatementsRow{now_, draft.statement_bytes});
  }
}

}  // namespace connector::membership
