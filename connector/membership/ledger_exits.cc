// Exits that are remembered, so that additions that come late are known.
//
// They are kept as they came, by commit: to be forgotten, the oldest must be
// found without reading the list, which entries of blocks would need.

#include <algorithm>
#include <string>
#include <vector>

#include "connector/membership/ledger_part.h"
#include "connector/membership/run_cursor.h"

namespace connector::membership {
namespace {

// A commit under way may have taken its time before the look at the clock.
constexpr absl::Duration kSlack = absl::Minutes(1);

// Rows of the index that are deleted in one write.
constexpr size_t kRowsOfAWrite = 1'000;

}  // namespace

absl::StatusOr<std::unique_ptr<RunCursor>> LedgerPart::ReadRememberedExits(
    ListNumber list, CommitNumber through) {
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  return MakeRunCursor(core_.database, ExitRange(list, through));
}

absl::Status LedgerPart::ForgetExits(DestinationNumber destination,
                                     absl::Duration window) {
  struct Kept {
    ListNumber list;
    absl::Time needed_from;
  };
  const auto look = [&](std::vector<Kept>& lists) {
    absl::MutexLock lock(&core_.tables.mutex);
    const absl::Time now = core_.clock.Now();
    int64_t bytes = 0;
    lists.clear();
    for (ListNumber number : core_.tables.exit_lists) {
      const ListState* list = core_.tables.FindList(number);
      if (list == nullptr || list->row.destination != destination) continue;
      bytes += list->exit_bytes;
      absl::Time needed_from = now;
      if (!list->pending.empty()) {
        needed_from = std::min(needed_from, list->pending.Total().oldest_time);
      }
      // A full sync looks again at what came since its begin.
      for (const auto& [id, full_sync] : list->full_syncs) {
        if (full_sync.ended()) continue;
        needed_from = std::min(needed_from, full_sync.begin_time);
      }
      lists.push_back({number, needed_from});
    }
    return bytes;
  };
  std::vector<Kept> lists;
  look(lists);
  const absl::Duration kept =
      window > absl::ZeroDuration() ? window + kSlack : window;
  for (const Kept& each : lists) {
    if (absl::Status s = ForgetExitsOf(each.list, each.needed_from - kept);
        !s.ok()) {
      return s;
    }
  }
  // Too many: the same for all lists, a shorter and shorter time.
  for (absl::Duration shorter = window / 2;
       look(lists) > core_.tuning.max_exit_bytes; shorter /= 2) {
    const absl::Time before = core_.clock.Now() - shorter;
    for (const Kept& each : lists) {
      if (absl::Status s = ForgetExitsOf(each.list, before); !s.ok()) return s;
    }
    if (shorter < absl::Milliseconds(1)) break;
  }
  return absl::OkStatus();
}

absl::Status LedgerPart::ForgetExitsOf(ListNumber list, absl::Time before) {
  absl::ReaderMutexLock use(&core_.tables.use);
  if (!FindRow(list).ok()) return absl::OkStatus();
  Scan scan(core_.database, Family::kCounters,
            PrefixRange(NumberKey(kExitsKey, list)));
  scan.SeekToFirst();
  for (bool more = true; more;) {
    WriteSet set(core_.database);
    int64_t bytes = 0;
    size_t rows = 0;
    for (; (more = scan.valid()) && rows < kRowsOfAWrite; scan.Next()) {
      const std::optional<NumberKeyParts> key = ParseNumberKey(scan.key());
      const std::optional<PendingRow> row = DecodePending(scan.value());
      if (!key.has_value() || !row.has_value()) {
        return absl::DataLossError("a stored index of exits is damaged");
      }
      if (row->commit_time >= before) {
        more = false;
        break;
      }
      set.Delete(Family::kCounters, scan.key());
      for (const auto& [part, change] : row->runs) {
        set.Delete(Family::kRuns, ExitKey(list, key->second, part));
      }
      bytes += row->bytes;
      ++rows;
    }
    if (absl::Status s = scan.status(); !s.ok()) return s;
    if (set.empty()) break;
    if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
        !s.ok()) {
      return s;
    }
    absl::MutexLock lock(&core_.tables.mutex);
    ListState& state = core_.tables.lists.at(list);
    state.exit_bytes -= bytes;
    if (state.exit_bytes == 0) core_.tables.exit_lists.erase(list);
  }
  return absl::OkStatus();
}

}  // namespace connector::membership
