#include "connector/membership/export_progress.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "connector/base/crash_point.h"
#include "connector/membership/damage.h"

namespace connector::membership {

ExportProgress::Step::Step(ExportProgress& progress)
    : progress_(progress), lock_(&progress.mutex_) {}

absl::Status ExportProgress::Step::Settle(ListNumber list, CommitNumber through,
                                          std::vector<FullSyncNumber> ended,
                                          WriteSet& set) {
  list_ = list;
  through_ = through;
  ended_ = std::move(ended);
  std::vector<ExportState*> waiting;
  {
    absl::MutexLock lock(&progress_.core_.tables.mutex);
    waiting = progress_.core_.tables.exports.TakeWaiting(
        list, ended_.empty() ? through : kEndOfFullSync);
  }
  return Release(waiting, set);
}

absl::Status ExportProgress::Step::Release(
    const std::vector<ExportState*>& exports, WriteSet& set) {
  for (ExportState* state : exports) {
    if (absl::Status s = ReleaseOne(state, set); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ExportProgress::Step::ReleaseOne(ExportState* state,
                                              WriteSet& set) {
  Core& core = progress_.core_;
  int64_t from = 0;
  int64_t released = 0;
  for (bool first_look = true;; first_look = false) {
    int64_t last = 0;
    {
      absl::MutexLock lock(&core.tables.mutex);
      if (first_look) from = state->released;
      bool waits = false;
      while (!waits && !state->window.empty()) {
        const UndeliveredBatch& batch = state->window.front();
        ListNumber list = 0;
        CommitNumber commit = batch.commit;
        waits = FindUnsettled(batch, &list, &commit);
        if (waits) {
          core.tables.exports.Wait(list, commit, state);
        } else {
          state->window.pop_front();
          ++state->released;
        }
      }
      released = state->released;
      if (waits || released == state->durable) break;
      last = std::min<int64_t>(
          state->durable,
          released + static_cast<int64_t>(core.tuning.export_window));
    }
    if (absl::Status s = ReadWindow(state, released + 1, last); !s.ok()) {
      return s;
    }
  }
  if (released == from) return absl::OkStatus();

  // Keys hold the number as an unsigned one; it is never negative.
  if (static_cast<size_t>(released - from) >= core.tuning.range_delete_keys) {
    set.DeleteRange(Family::kExports,
                    {ExportKey(state->destination, state->id, from + 1),
                     ExportKey(state->destination, state->id, released + 1)});
  } else {
    for (int64_t number = from + 1; number <= released; ++number) {
      set.Delete(Family::kExports,
                 ExportKey(state->destination, state->id, number));
    }
  }
  moved_.push_back(state);
  return absl::OkStatus();
}

bool ExportProgress::Step::FindUnsettled(const UndeliveredBatch& batch,
                                         ListNumber* list,
                                         CommitNumber* commit) {
  Tables& tables = progress_.core_.tables;
  tables.mutex.AssertHeld();
  for (ListNumber candidate : batch.lists) {
    if (candidate == list_ && batch.commit <= through_) continue;
    const auto found = tables.lists.find(candidate);
    if (found == tables.lists.end() ||
        found->second.row.settled >= batch.commit) {
      continue;
    }
    *list = candidate;
    return true;
  }
  for (const auto& [candidate, number] : batch.full_syncs) {
    if (candidate == list_ &&
        std::find(ended_.begin(), ended_.end(), number) != ended_.end()) {
      continue;
    }
    const auto found = tables.lists.find(candidate);
    if (found == tables.lists.end()) continue;
    const auto full_sync = found->second.full_syncs.find(number);
    if (full_sync == found->second.full_syncs.end() ||
        full_sync->second.ended()) {
      continue;
    }
    *list = candidate;
    *commit = kEndOfFullSync;
    return true;
  }
  return false;
}

absl::Status ExportProgress::Step::ReadWindow(ExportState* state, int64_t first,
                                              int64_t last) {
  Core& core = progress_.core_;
  std::deque<UndeliveredBatch> rows;
  Scan scan(core.database, Family::kExports,
            {ExportKey(state->destination, state->id, first),
             ExportKey(state->destination, state->id, last + 1)});
  int64_t number = first;
  for (scan.SeekToFirst(); scan.valid(); scan.Next(), ++number) {
    const std::optional<ExportKeyParts> key = ParseExportKey(scan.key());
    std::optional<BatchRow> row = DecodeBatch(scan.value());
    if (!key.has_value() || !row.has_value() ||
        key->number != static_cast<uint64_t>(number)) {
      break;
    }
    rows.push_back(
        {row->commit, std::move(row->lists), std::move(row->full_syncs)});
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  if (number != last + 1) {
    return Damaged("the stored batches of an export have a gap");
  }
  absl::MutexLock lock(&core.tables.mutex);
  state->window = std::move(rows);
  return absl::OkStatus();
}

void ExportProgress::Step::Publish(absl::Time now) {
  progress_.core_.tables.mutex.AssertHeld();
  for (ExportState* state : moved_) {
    state->delivered = state->released;
    state->last_activity = now;
    progress_.core_.notifier.Note(
        [listener = state->listener, delivered = state->delivered] {
          if (std::shared_ptr<ExportListener> open = listener.lock()) {
            open->OnDelivered(delivered);
          }
        });
  }
}

absl::Status ExportProgress::Release(const std::vector<ExportName>& exports) {
  absl::ReaderMutexLock use(&core_.tables.use);
  Step step(*this);
  std::vector<ExportState*> states;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    for (const auto& [destination, id] : exports) {
      // Gone if the destination was deleted meanwhile.
      ExportState* state = core_.tables.exports.Find(destination, id);
      if (state != nullptr) states.push_back(state);
    }
  }
  WriteSet set(core_.database);
  if (absl::Status s = step.Release(states, set); !s.ok()) return s;
  if (step.empty()) return absl::OkStatus();
  ReachCrashPoint(CrashPoint::kReleaseUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kReleaseWritten);
  absl::MutexLock lock(&core_.tables.mutex);
  step.Publish(core_.clock.Now());
  return absl::OkStatus();
}

}  // namespace connector::membership
