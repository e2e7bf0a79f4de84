// Exits that are remembered, so that additions that come late are known.
//
// They are kept as they came, by commit: to be forgotten, the oldest must be
// found without reading the list, which entries of blocks would need.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connector/membership/damage.h"
#include "connector/membership/ledger_part.h"
#include "connector/membership/run_cursor.h"

namespace connector::membership {
namespace {

// A commit under way may have taken its time before the look at the clock.
constexpr absl::Duration kSlack = absl::Minutes(1);

// Rows of the index that are deleted in one write.
constexpr size_t kRowsOfAWrite = 1'000;

// Goes through the index and reads the runs of the commits that matter. One
// that is forgotten meanwhile may be missing.
class ExitCursor final : public RunCursor {
 public:
  ExitCursor(Database& database, ListNumber list, CommitNumber through,
             const ExitFilter& filter)
      : list_(list),
        filter_(filter),
        index_(database, Family::kCounters,
               {NumberKey(kExitsKey, list, 0),
                NumberKey(kExitsKey, list, through + 1)},
               {.fill_cache = false}),
        runs_(database, Family::kRuns, ExitRange(list, through),
              {.fill_cache = false, .readahead = 256 << 10}) {
    index_.SeekToFirst();
  }

  bool Next(RunEntry* entry) override {
    for (;;) {
      if (reader_.has_value()) {
        if (reader_->Next(entry)) return true;
        if (status_ = reader_->status(); !status_.ok()) return false;
        reader_.reset();
        runs_.Next();
      }
      if (!Find()) return false;
    }
  }

  absl::Status status() override { return status_; }

 private:
  // Moves to the next run that matters.
  bool Find() {
    while (status_.ok()) {
      if (next_ == row_.runs.size()) {
        if (!FindRow()) return false;
        continue;
      }
      const std::string key = ExitKey(list_, commit_, row_.runs[next_++].first);
      if (!runs_.valid() || runs_.key() != key) runs_.Seek(key);
      if (!runs_.valid()) {
        status_ = runs_.status();
        if (status_.ok()) continue;
        return false;
      }
      if (runs_.key() != key) continue;
      absl::StatusOr<RunReader> reader = RunReader::Open(runs_.value());
      status_ = reader.status();
      if (!reader.ok()) return false;
      reader_ = *std::move(reader);
      return true;
    }
    return false;
  }
  // Moves to the next commit that matters.
  bool FindRow() {
    for (; index_.valid(); index_.Next()) {
      const std::optional<NumberKeyParts> key = ParseNumberKey(index_.key());
      std::optional<PendingRow> row = DecodePending(index_.value());
      if (!key.has_value() || !row.has_value()) {
        status_ = Damaged("a stored index of exits cannot be read");
        return false;
      }
      if (row->commit_time < filter_.committed_from ||
          row->newest_event < filter_.happened_from) {
        continue;
      }
      commit_ = key->second;
      row_ = *std::move(row);
      next_ = 0;
      index_.Next();
      return true;
    }
    status_ = index_.status();
    return false;
  }

  const ListNumber list_;
  const ExitFilter filter_;
  Scan index_;
  Scan runs_;
  CommitNumber commit_ = 0;
  PendingRow row_;
  size_t next_ = 0;
  std::optional<RunReader> reader_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RunCursor>> LedgerPart::ReadRememberedExits(
    ListNumber list, CommitNumber through, const ExitFilter& filter) {
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  return std::make_unique<ExitCursor>(core_.database, list, through, filter);
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
        return Damaged("a stored index of exits cannot be read");
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
