// The end of a pass.

#include <algorithm>

#include "connector/base/crash_point.h"
#include "connector/membership/damage.h"
#include "connector/membership/full_sync_part.h"
#include "connector/membership/ledger_part.h"

namespace connector::membership {

absl::Status LedgerPart::DeleteRuns(ListNumber list, CommitNumber through,
                                    WriteSet& set) {
  const KeyRange index{NumberKey(kPendingKey, list, 0),
                       NumberKey(kPendingKey, list, through + 1)};
  std::vector<std::pair<Family, std::string>> keys;
  Scan scan(core_.database, Family::kCounters, index);
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    const std::optional<NumberKeyParts> key = ParseNumberKey(scan.key());
    const std::optional<PendingRow> row = DecodePending(scan.value());
    if (!key.has_value() || !row.has_value()) {
      return Damaged("a stored index of runs cannot be read");
    }
    keys.emplace_back(Family::kCounters, std::string(scan.key()));
    for (const auto& [part, change] : row->runs) {
      keys.emplace_back(Family::kRuns, RunKey(list, change, key->second, part));
    }
    if (keys.size() >= core_.tuning.range_delete_keys) {
      set.DeleteRange(Family::kCounters, index);
      set.DeleteRange(Family::kRuns,
                      RunRange(list, Change::kRemove, 0, through));
      set.DeleteRange(Family::kRuns, RunRange(list, Change::kAdd, 0, through));
      return absl::OkStatus();
    }
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  for (const auto& [family, key] : keys) set.Delete(family, key);
  return absl::OkStatus();
}

absl::Status LedgerPart::DeleteDoubts(ListNumber list, DoubtNumber last,
                                      WriteSet& set) {
  if (last == 0) return absl::OkStatus();
  Scan scan(
      core_.database, Family::kDoubts,
      {NumberKey(kDoubtKey, list, 0), NumberKey(kDoubtKey, list, last + 1)});
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    set.Delete(Family::kDoubts, scan.key());
  }
  return scan.status();
}

absl::StatusOr<PendingSpan> LedgerPart::ReadPending(ListNumber list,
                                                    CommitNumber through,
                                                    CommitNumber last) {
  PendingSpan span;
  Scan scan(core_.database, Family::kCounters,
            {NumberKey(kPendingKey, list, through + 1),
             NumberKey(kPendingKey, list, last + 1)});
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    const std::optional<NumberKeyParts> key = ParseNumberKey(scan.key());
    const std::optional<PendingRow> row = DecodePending(scan.value());
    if (!key.has_value() || !row.has_value()) {
      return Damaged("a stored index of runs cannot be read");
    }
    if (span.first == 0) {
      span.first = key->second;
      span.oldest_time = row->commit_time;
    }
    span.last = key->second;
    span.bytes += row->bytes;
    span.has_removals |= HasRemovals(*row);
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return span;
}

absl::Status LedgerPart::Settle(ListNumber list, CommitNumber through,
                                DoubtNumber last_doubt,
                                const PassCounts& counts, absl::Time now) {
  Tables& tables = core_.tables;
  {
    absl::ReaderMutexLock use(&tables.use);
    // First: what a full sync needs is kept or deleted within a step.
    ExportProgress::Step step(progress_);
    ListRow row;
    PassCounts settled;
    std::vector<FullSync> applied;
    std::vector<FullSyncNumber> ended;
    std::vector<FullSyncNumber> forgotten;
    std::optional<CommitNumber> kept_from;
    bool keeps = false;
    bool counts_here = true;
    {
      absl::MutexLock lock(&tables.mutex);
      const ListState* state = tables.FindList(list);
      if (state == nullptr) return DestinationNotFound();
      row = state->row;
      // A list that was replaced counts nothing: what goes to it went to
      // another one.
      counts_here = tables.segments.at(row.segment).row.list == list;
      settled = tables.segments.at(row.segment).settled;
      through = std::min(through, tables.newest.commit);
      kept_from = KeptFrom(*state, through);
      keeps = kept_from.has_value() || state->kept_bytes > 0;
      for (const auto& [number, full_sync] : state->full_syncs) {
        if (full_sync.state == FullSyncState::kReleased &&
            full_sync.release_commit <= through) {
          applied.push_back(full_sync);
          ended.push_back(number);
        }
      }
      forgotten = ForgottenFullSyncs(*state);
    }
    row.settled = std::max(row.settled, through);
    row.last_delivery_time = now;
    settled.delivered += counts.delivered;
    settled.already_there += counts.already_there;
    settled.netted_out += counts.netted_out;
    settled.superseded += counts.superseded;
    settled.refused += counts.refused;

    WriteSet set(core_.database);
    KeptRuns kept;
    if (keeps) {
      absl::StatusOr<KeptRuns> runs =
          SettleKeptRuns(core_, list, through, kept_from, set);
      if (!runs.ok()) return runs.status();
      kept = *runs;
    } else if (absl::Status s = DeleteRuns(list, through, set); !s.ok()) {
      return s;
    }
    int64_t applied_bytes = 0;
    for (FullSync& full_sync : applied) {
      full_sync.state = FullSyncState::kApplied;
      full_sync.apply_time = now;
      full_sync.cleaned = true;
      applied_bytes += full_sync.bytes;
      set.DeleteRange(Family::kRuns, DeclaredRange(list, full_sync.number));
      set.Put(Family::kMeta, NumberKey(kFullSyncKey, list, full_sync.number),
              EncodeFullSync(full_sync));
    }
    for (FullSyncNumber number : forgotten) {
      set.Delete(Family::kMeta, NumberKey(kFullSyncKey, list, number));
    }
    if (absl::Status s = DeleteDoubts(list, last_doubt, set); !s.ok()) return s;
    set.Put(Family::kMeta, NumberKey(kListKey, list), EncodeList(row));
    if (counts_here) {
      set.Put(Family::kCounters, NumberKey(kPassKey, row.segment),
              EncodePassCounts(settled));
    }
    if (absl::Status s = step.Settle(list, through, std::move(ended), set);
        !s.ok()) {
      return s;
    }
    ReachCrashPoint(CrashPoint::kSettleUnwritten);
    if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
        !s.ok()) {
      return s;
    }

    ReachCrashPoint(CrashPoint::kSettleWritten);
    PendingSpan rest;
    // As far as `rest` was read; what was at its end may be netted out.
    CommitNumber read_through = 0;
    for (;;) {
      CommitNumber last = 0;
      {
        absl::MutexLock lock(&tables.mutex);
        ListState& state = tables.lists.at(list);
        const std::optional<PendingSpan> cut = state.pending.SpanCutBy(through);
        if (!cut.has_value() || cut->last == read_through) {
          const int64_t bytes = state.pending.Settle(through, rest);
          if (state.pending.empty()) tables.pending_lists.erase(list);
          for (const FullSync& full_sync : applied) {
            state.full_syncs[full_sync.number] = full_sync;
          }
          for (FullSyncNumber number : forgotten) {
            state.full_syncs.erase(number);
          }
          state.kept_bytes += kept.added_bytes - kept.dropped_bytes;
          const int64_t kept_more =
              kept.added_bytes - kept.dropped_bytes - applied_bytes;
          DestinationState& destination =
              tables.destinations.at(row.destination);
          destination.pending_bytes += kept_more - bytes;
          destination.full_sync_bytes += kept_more;
          state.row = row;
          if (!KeptFrom(state).has_value()) tables.full_sync_lists.erase(list);
          if (counts_here) tables.segments.at(row.segment).settled = settled;
          auto& derived = tables.destinations.at(row.destination).derived;
          if (const auto found = derived.find(list);
              found != derived.end() && found->second <= row.settled) {
            derived.erase(found);
          }
          step.Publish(core_.clock.Now());
          break;
        }
        last = cut->last;
      }
      absl::StatusOr<PendingSpan> read = ReadPending(list, through, last);
      if (!read.ok()) return read.status();
      rest = *read;
      read_through = last;
    }
  }
  core_.database.CompactWhenStale(Family::kRuns, [&tables] {
    int64_t live = 0;
    absl::MutexLock lock(&tables.mutex);
    for (const auto& [number, destination] : tables.destinations) {
      live += destination.pending_bytes;
    }
    for (const auto& [number, state] : tables.lists) live += state.exit_bytes;
    return live;
  });
  core_.notifier.Deliver();
  return absl::OkStatus();
}

}  // namespace connector::membership
