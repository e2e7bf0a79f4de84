// What batches and decisions do to full syncs.

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/membership/commit_group.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

// When another look is worth it: about one pass later.
constexpr absl::Duration kFullSyncsRetryDelay = absl::Seconds(10);

absl::Status NotOpen() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "FULL_SYNC_NOT_OPEN",
                   "this export has no full sync of the segment open: it was "
                   "not begun, it expired, or a newer one took its place");
}

absl::Status NotFound() {
  return MakeError(absl::StatusCode::kNotFound, "FULL_SYNC_NOT_FOUND",
                   "there is no such full sync");
}

absl::Status NotWaiting() {
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "FULL_SYNC_NOT_WAITING",
                   "the full sync does not wait for a decision");
}

// The state that a decision leads to.
bool IsDecided(const FullSync& full_sync, FullSyncDecision::Kind kind) {
  switch (kind) {
    case FullSyncDecision::Kind::kRelease:
      return full_sync.state == FullSyncState::kReleased ||
             full_sync.state == FullSyncState::kApplied;
    case FullSyncDecision::Kind::kHoldBack:
      return full_sync.state == FullSyncState::kWaiting;
    case FullSyncDecision::Kind::kDiscard:
      return full_sync.state == FullSyncState::kDiscarded;
    case FullSyncDecision::Kind::kExpire:
      return full_sync.state == FullSyncState::kExpired;
  }
  return false;
}

// Whether a decision of this kind is for full syncs in this state.
bool IsFor(FullSyncState state, FullSyncDecision::Kind kind) {
  switch (kind) {
    case FullSyncDecision::Kind::kRelease:
      return state == FullSyncState::kJudging ||
             state == FullSyncState::kWaiting;
    case FullSyncDecision::Kind::kHoldBack:
      return state == FullSyncState::kJudging;
    case FullSyncDecision::Kind::kDiscard:
      return state == FullSyncState::kWaiting;
    case FullSyncDecision::Kind::kExpire:
      return state == FullSyncState::kOpen || state == FullSyncState::kWaiting;
  }
  return false;
}

}  // namespace

void CommitGroup::LoadFullSyncs(ListNumber list) {
  if (full_syncs_.count(list) > 0) return;
  const ListState* state = core_.tables.FindList(list);
  if (state == nullptr || state->full_syncs.empty()) return;
  full_syncs_[list] = {
      state->row.destination, state->row.segment, state->full_syncs, {}};
}

absl::Status CommitGroup::CheckFullSync(const Batch& batch) {
  core_.tables.mutex.AssertHeld();
  for (const SegmentChanges& changes : batch.segments) {
    LoadFullSyncs(changes.list);
  }
  if (batch.full_sync.has_value()) {
    const FullSyncFrame& frame = *batch.full_sync;
    const SegmentState* segment = core_.tables.FindSegment(frame.segment);
    if (segment == nullptr || segment->row.list != frame.list ||
        segment->row.destination != batch.destination ||
        batch.export_id.empty()) {
      return absl::InternalError("a frame names a segment it cannot have");
    }
    LoadFullSyncs(frame.list);
  }
  if (batch.end_of_export) {
    for (ListNumber list : core_.tables.full_sync_lists) {
      const ListState* state = core_.tables.FindList(list);
      if (state != nullptr && state->row.destination == batch.destination) {
        LoadFullSyncs(list);
      }
    }
  }
  // Its id may be one that another export had before.
  if (!batch.export_id.empty() && batch.sequence_number <= 1) {
    for (SegmentNumber number :
         core_.tables.destinations.at(batch.destination).segments) {
      LoadFullSyncs(core_.tables.segments.at(number).row.list);
    }
  }
  return absl::OkStatus();
}

absl::Status CommitGroup::CheckFullSyncCommit(const Batch& batch) {
  if (batch.full_sync->kind == FullSyncFrame::Kind::kBegin) {
    core_.tables.mutex.AssertHeld();
    const SegmentState* segment =
        core_.tables.FindSegment(batch.full_sync->segment);
    if (segment != nullptr && segment->row.mapping != MappingState::kMapped) {
      ErrorDetail detail;
      detail.reason = "SEGMENT_NOT_TAKEN";
      detail.metadata["reason"] = "SEGMENT_UNMAPPED";
      return MakeError(absl::StatusCode::kFailedPrecondition,
                       "the segment is not mapped", detail);
    }
    return absl::OkStatus();
  }
  const FullSync* full_sync =
      FindFullSync(batch.full_sync->list, batch.export_id);
  if (full_sync == nullptr || full_sync->state != FullSyncState::kOpen ||
      full_sync->expire_time <= now_) {
    return NotOpen();
  }
  return absl::OkStatus();
}

FullSync* CommitGroup::FindFullSync(ListNumber list,
                                    absl::string_view export_id) {
  const auto found = full_syncs_.find(list);
  if (found == full_syncs_.end() || export_id.empty()) return nullptr;
  auto& rows = found->second.rows;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->second.export_id == export_id) return &row->second;
  }
  return nullptr;
}

FullSync* CommitGroup::FindOpenFullSync(ListNumber list,
                                        absl::string_view export_id) {
  FullSync* const full_sync = FindFullSync(list, export_id);
  return full_sync != nullptr && full_sync->state == FullSyncState::kOpen
             ? full_sync
             : nullptr;
}

absl::Status CommitGroup::CheckDeclared(const Batch& batch, int64_t bytes) {
  if (bytes <= batch.max_backlog_bytes) return absl::OkStatus();
  for (const SegmentChanges& changes : batch.segments) {
    const FullSync* const full_sync =
        FindOpenFullSync(changes.list, batch.export_id);
    if (full_sync == nullptr || changes.run.count(Change::kAdd) == 0) continue;
    ErrorDetail detail;
    const ListState* const list = core_.tables.FindList(changes.list);
    if (full_sync->bytes + (list == nullptr ? 0 : list->kept_bytes) >
        batch.max_backlog_bytes) {
      // Nothing but a larger bound would help.
      detail.reason = "FULL_SYNC_TOO_LARGE";
      return MakeError(
          absl::StatusCode::kResourceExhausted,
          absl::StrCat("the full sync, with the events since its begin, holds "
                       "more than the destination's max_backlog_bytes (",
                       batch.max_backlog_bytes,
                       "): raise it and send the batch again, or end the "
                       "export, which discards the full sync"),
          detail);
    }
    detail.reason = "FULL_SYNCS_FULL";
    detail.retry_delay = kFullSyncsRetryDelay;
    return MakeError(
        absl::StatusCode::kResourceExhausted,
        "full syncs of the destination that are not applied hold as much as "
        "max_backlog_bytes allows: confirm or discard those that wait, or wait "
        "until they are applied",
        detail);
  }
  return absl::OkStatus();
}

void CommitGroup::AddChanges(const Batch& batch, const SegmentChanges& changes,
                             ListNumber former, DestinationDraft& destination,
                             BatchRow* row) {
  FullSync* const full_sync = FindFullSync(changes.list, batch.export_id);
  const uint64_t additions = changes.run.count(Change::kAdd);
  const bool open =
      full_sync != nullptr && full_sync->state == FullSyncState::kOpen;
  const bool late =
      full_sync != nullptr && full_sync->ended() && !full_sync->committed();
  if (!open && !late) {
    // One after the other: both, whatever the first says.
    bool any = AddRun(changes.list, former, changes.former_forms,
                      {Change::kRemove}, destination);
    any |= AddRun(changes.list, former, changes.run,
                  {Change::kRemove, Change::kAdd}, destination);
    if (any) row->lists.push_back(changes.list);
    return;
  }
  if (AddRun(changes.list, former, changes.run, {Change::kRemove},
             destination)) {
    row->lists.push_back(changes.list);
  }
  if (additions == 0) return;
  if (open) {
    AddDeclared(changes, *full_sync, destination);
    row->full_syncs.emplace_back(changes.list, full_sync->number);
    return;
  }
  segments_[changes.segment].rejected +=
      static_cast<int64_t>(changes.run.counted(Change::kAdd));
  JournalRejection line;
  line.time = now_;
  line.intake = {batch.export_id,
                 batch.sequence_number,
                 {-1, -1, -1, kFullSyncExpiredReason}};
  rejections_.Append(batch.destination, {line}, set_);
}

void CommitGroup::AddDeclared(const SegmentChanges& changes,
                              FullSync& full_sync,
                              DestinationDraft& destination) {
  const std::string key =
      DeclaredKey(changes.list, full_sync.number, newest_.commit, parts_++);
  const std::string head =
      RunHead(changes.run.flags(Change::kAdd) | kRunOfOneOrder, now_,
              full_sync.addition_order());
  const std::string body = changes.run.Body(Change::kAdd);
  set_.Put(Family::kRuns, key, head, body);
  const auto bytes =
      static_cast<int64_t>(key.size() + head.size() + body.size());
  full_sync.bytes += bytes;
  full_sync.declared += static_cast<int64_t>(changes.run.counted(Change::kAdd));
  destination.bytes += bytes;
  destination.full_sync_bytes += bytes;
  full_syncs_[changes.list].changed.insert(full_sync.number);
}

void CommitGroup::AddFullSyncFrame(const Batch& batch, BatchRow* row) {
  const FullSyncFrame& frame = *batch.full_sync;
  FullSyncDraft& draft = full_syncs_[frame.list];
  draft.destination = batch.destination;
  draft.segment = frame.segment;
  if (frame.kind == FullSyncFrame::Kind::kBegin) {
    for (auto& [number, older] : draft.rows) {
      if (older.state == FullSyncState::kOpen) {
        EndFullSync(older, FullSyncState::kDiscarded, kFullSyncExpiredReason);
      }
    }
    FullSync full_sync;
    full_sync.list = frame.list;
    full_sync.number = newest_.next_order;
    // One for what is not declared, one for what is.
    newest_.next_order += 2;
    full_sync.export_id = batch.export_id;
    full_sync.begin_sequence_number = batch.sequence_number;
    full_sync.begin_commit = newest_.commit;
    full_sync.begin_time = now_;
    full_sync.expire_time = FloorToMillis(now_ + frame.expire_after);
    draft.rows[full_sync.number] = full_sync;
    draft.changed.insert(full_sync.number);
    return;
  }
  FullSync& full_sync = *FindFullSync(frame.list, batch.export_id);
  for (auto& [number, older] : draft.rows) {
    if (older.state == FullSyncState::kWaiting) {
      EndFullSync(older, FullSyncState::kDiscarded, kFullSyncRefusedReason);
    }
  }
  full_sync.state = FullSyncState::kJudging;
  full_sync.commit_time = now_;
  full_sync.expire_time = absl::InfiniteFuture();
  draft.changed.insert(full_sync.number);
  row->full_syncs.emplace_back(frame.list, full_sync.number);
}

void CommitGroup::LeaveFullSyncs(const Batch& batch, bool ended) {
  for (auto& [list, draft] : full_syncs_) {
    if (draft.destination != batch.destination) continue;
    for (auto& [number, full_sync] : draft.rows) {
      if (full_sync.export_id != batch.export_id) continue;
      if (ended && full_sync.state == FullSyncState::kOpen) {
        EndFullSync(full_sync, FullSyncState::kDiscarded,
                    kFullSyncExpiredReason);
      }
      // The others belong to passes now, which change them.
      const bool ours = full_sync.state == FullSyncState::kOpen ||
                        (full_sync.ended() && !full_sync.committed());
      if (!ended && ours) {
        full_sync.export_id.clear();
        draft.changed.insert(number);
      }
    }
  }
}

absl::StatusOr<bool> CommitGroup::Decide(const FullSyncDecision& decision) {
  if (absl::Status s = core_.database.Healthy(); !s.ok()) return s;
  bool replaced = false;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const ListState* list = core_.tables.FindList(decision.list);
    if (list == nullptr) return NotFound();
    LoadFullSyncs(decision.list);
    // What it removes would stay on the list that is replaced.
    const SegmentState* segment = core_.tables.FindSegment(list->row.segment);
    const auto operation = core_.tables.operations.find(decision.list);
    replaced = (segment != nullptr && segment->row.former_list != 0) ||
               (operation != core_.tables.operations.end() &&
                operation->second.kind == ListOperation::Kind::kReplace);
  }
  const auto draft = full_syncs_.find(decision.list);
  if (draft == full_syncs_.end()) return NotFound();
  const auto found = draft->second.rows.find(decision.number);
  if (found == draft->second.rows.end()) return NotFound();
  FullSync& full_sync = found->second;
  if (IsDecided(full_sync, decision.kind)) return true;
  if (full_sync.state != decision.expected ||
      !IsFor(full_sync.state, decision.kind)) {
    return NotWaiting();
  }

  using Kind = FullSyncDecision::Kind;
  if (decision.kind == Kind::kRelease && replaced) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "OPERATION_RUNNING",
                     "the list is being replaced; a full sync is applied when "
                     "that is done");
  }
  if (full_sync.state == FullSyncState::kJudging) {
    full_sync.members = decision.members;
    full_sync.removals = decision.removals;
  }
  switch (decision.kind) {
    case Kind::kRelease: {
      full_sync.state = FullSyncState::kReleased;
      full_sync.release_commit = newest_.commit;
      full_sync.decision_time = now_;
      full_sync.expire_time = absl::InfiniteFuture();
      // A row of pending changes without runs.
      lists_[decision.list].has_removals = true;
      break;
    }
    case Kind::kHoldBack: {
      bool overtaken = false;
      for (const auto& [number, other] : draft->second.rows) {
        overtaken |=
            number > full_sync.number && other.committed() && !other.ended();
      }
      if (overtaken) {
        EndFullSync(full_sync, FullSyncState::kDiscarded,
                    kFullSyncRefusedReason);
        break;
      }
      full_sync.state = FullSyncState::kWaiting;
      full_sync.decision_time = now_;
      full_sync.expire_time = FloorToMillis(decision.expire_time);
      break;
    }
    case Kind::kDiscard:
      EndFullSync(full_sync, FullSyncState::kDiscarded, kFullSyncRefusedReason);
      break;
    case Kind::kExpire:
      if (now_ < full_sync.expire_time) return NotWaiting();
      EndFullSync(full_sync, FullSyncState::kExpired,
                  full_sync.committed() ? kFullSyncRefusedReason
                                        : kFullSyncExpiredReason);
      break;
  }
  draft->second.changed.insert(full_sync.number);
  changed_ = true;
  return false;
}

void CommitGroup::EndFullSync(FullSync& full_sync, FullSyncState state,
                              int32_t reason) {
  FullSyncDraft& draft = full_syncs_[full_sync.list];
  full_sync.state = state;
  full_sync.decision_time = now_;
  draft.changed.insert(full_sync.number);
  ended_.push_back(full_sync.list);
  segments_[draft.segment].rejected += full_sync.declared;
  rejections_.Append(draft.destination, EndOfFullSync(full_sync, reason, now_),
                     set_);
}

void CommitGroup::WriteFullSyncs() {
  bool any = false;
  for (const auto& [list, draft] : full_syncs_) {
    for (FullSyncNumber number : draft.changed) {
      set_.Put(Family::kMeta, NumberKey(kFullSyncKey, list, number),
               EncodeFullSync(draft.rows.at(number)));
      any = true;
    }
  }
  if (any) ReachCrashPoint(CrashPoint::kFullSyncUnwritten);
}

void CommitGroup::PublishFullSyncs() {
  Tables& tables = core_.tables;
  tables.mutex.AssertHeld();
  bool any = false;
  for (const auto& [list, draft] : full_syncs_) {
    if (draft.changed.empty()) continue;
    any = true;
    ListState& state = tables.lists.at(list);
    // Others than these may have been settled meanwhile.
    for (FullSyncNumber number : draft.changed) {
      state.full_syncs[number] = draft.rows.at(number);
    }
    if (KeptFrom(state).has_value()) tables.full_sync_lists.insert(list);
  }
  if (any) ReachCrashPoint(CrashPoint::kFullSyncWritten);
}

}  // namespace connector::membership
