// Takes what is overtaken out of what waits, where it stands: each commit keeps
// its number and its place, so what waits for its settlement need not know. A
// piece is one write, and so is what it counts; whatever piece a crash leaves
// as the last one, nothing is missing but what a later event overtook.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connector/base/crash_point.h"
#include "connector/membership/damage.h"
#include "connector/membership/ledger_part.h"
#include "connector/membership/run.h"

namespace connector::membership {
namespace {

using Stands = absl::FunctionRef<absl::StatusOr<bool>(EventOrder)>;

struct WaitingRun {
  uint32_t part = 0;
  Change change = Change::kRemove;
  std::string key;
  std::string value;
  // Its entries may be taken out one by one.
  bool plain = true;
};

// Whether entries of a run are events by their order alone.
bool IsPlain(const RunEntry& entry) {
  return !entry.event_time.has_value() && !entry.holder.has_value() &&
         !entry.replay;
}

// What a commit brought to a list, and what is left of it.
class Thinning {
 public:
  Thinning(Database& database, ListNumber list, CommitNumber commit)
      : database_(database), list_(list), commit_(commit) {}

  // Bytes that were read, and that are saved; what counts and is taken out.
  int64_t read_bytes = 0;
  int64_t saved_bytes = 0;
  int64_t overtaken = 0;

  // Adds the change of the runs and of their index to the set, if there is one.
  absl::Status Do(const PendingRow& row, Stands stands, WriteSet& set) {
    std::vector<EventOrder> orders;
    if (absl::Status s = Read(row, orders); !s.ok()) return s;
    std::sort(orders.begin(), orders.end());
    std::vector<EventOrder> kept;
    for (EventOrder order : orders) {
      absl::StatusOr<bool> stays = stands(order);
      if (!stays.ok()) return stays.status();
      if (*stays) kept.push_back(order);
    }
    if (kept.size() == orders.size()) return absl::OkStatus();
    PendingRow left;
    left.commit_time = row.commit_time;
    left.bytes = row.bytes;
    for (const WaitingRun& run : runs_) {
      absl::StatusOr<bool> stays = Write(run, kept, set);
      if (!stays.ok()) return stays.status();
      if (*stays) left.runs.emplace_back(run.part, run.change);
    }
    left.bytes -= saved_bytes;
    const std::string key = NumberKey(kPendingKey, list_, commit_);
    if (left.runs.empty()) {
      set.Delete(Family::kCounters, key);
    } else {
      set.Put(Family::kCounters, key, EncodePending(left));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Read(const PendingRow& row, std::vector<EventOrder>& orders) {
    for (const auto& [part, change] : row.runs) {
      WaitingRun& run = runs_.emplace_back();
      run.part = part;
      run.change = change;
      run.key = RunKey(list_, change, commit_, part);
      absl::StatusOr<std::optional<std::string>> value =
          database_.Get(Family::kRuns, run.key);
      if (!value.ok()) return value.status();
      if (!value->has_value()) return Damaged("a run is missing");
      run.value = **std::move(value);
      read_bytes += static_cast<int64_t>(run.key.size() + run.value.size());
      absl::StatusOr<RunReader> reader = RunReader::Open(run.value);
      if (!reader.ok()) return reader.status();
      RunEntry entry;
      while (reader->Next(&entry)) {
        run.plain = IsPlain(entry);
        if (!run.plain) break;
        orders.push_back(entry.order);
      }
      if (!reader->status().ok()) return reader->status();
    }
    return absl::OkStatus();
  }

  // Whether anything of the run is left.
  absl::StatusOr<bool> Write(const WaitingRun& run,
                             const std::vector<EventOrder>& kept,
                             WriteSet& set) {
    if (!run.plain) return true;
    absl::StatusOr<RunReader> reader = RunReader::Open(run.value);
    if (!reader.ok()) return reader.status();
    RunBuilder builder;
    EventOrder first = 0;
    RunEntry entry;
    while (reader->Next(&entry)) {
      if (!std::binary_search(kept.begin(), kept.end(), entry.order)) {
        overtaken += entry.counted ? 1 : 0;
        continue;
      }
      if (builder.empty()) first = entry.order;
      builder.Skip(entry.order - first - builder.total());
      builder.Add(run.change, entry.record, entry.counted);
    }
    if (!reader->status().ok()) return reader->status();
    if (builder.count(run.change) == reader->count()) return true;
    const auto before = static_cast<int64_t>(run.key.size() + run.value.size());
    if (builder.empty()) {
      set.Delete(Family::kRuns, run.key);
      saved_bytes += before;
      return false;
    }
    const std::string head =
        RunHead(builder.flags(run.change), reader->commit_time(), first);
    const std::string body = builder.Body(run.change);
    set.Put(Family::kRuns, run.key, head, body);
    saved_bytes += before - static_cast<int64_t>(run.key.size() + head.size() +
                                                 body.size());
    return true;
  }

  Database& database_;
  const ListNumber list_;
  const CommitNumber commit_;
  std::vector<WaitingRun> runs_;
};

}  // namespace

absl::Status LedgerPart::DropOvertaken(ListNumber list, CommitNumber through,
                                       Stands stands) {
  Tables& tables = core_.tables;
  Scan index(core_.database, Family::kCounters,
             {NumberKey(kPendingKey, list, 0),
              NumberKey(kPendingKey, list, through + 1)},
             {.fill_cache = false});
  index.SeekToFirst();
  for (bool more = true; more;) {
    absl::ReaderMutexLock use(&tables.use);
    absl::StatusOr<ListRow> row = FindRow(list);
    if (!row.ok()) return row.status();
    WriteSet set(core_.database);
    std::vector<std::pair<CommitNumber, int64_t>> saved;
    int64_t overtaken = 0;
    int64_t read = 0;
    const auto piece = static_cast<int64_t>(core_.tuning.confirm_piece_bytes);
    for (; (more = index.valid()) && read < piece; index.Next()) {
      const std::optional<NumberKeyParts> key = ParseNumberKey(index.key());
      const std::optional<PendingRow> pending = DecodePending(index.value());
      if (!key.has_value() || !pending.has_value()) {
        return Damaged("a stored index of runs cannot be read");
      }
      // A commit that released a full sync.
      if (pending->runs.empty()) continue;
      Thinning thinning(core_.database, list, key->second);
      if (absl::Status s = thinning.Do(*pending, stands, set); !s.ok()) {
        return s;
      }
      read += thinning.read_bytes;
      overtaken += thinning.overtaken;
      if (thinning.saved_bytes != 0) {
        saved.emplace_back(key->second, thinning.saved_bytes);
      }
    }
    if (absl::Status s = index.status(); !s.ok()) return s;
    if (set.empty()) continue;
    PassCounts settled;
    bool counts_here = true;
    {
      absl::MutexLock lock(&tables.mutex);
      const SegmentState& segment = tables.segments.at(row->segment);
      // What goes to a list that was replaced went to another one.
      counts_here = segment.row.list == list;
      settled = segment.settled;
    }
    settled.superseded += overtaken;
    if (counts_here) {
      set.Put(Family::kCounters, NumberKey(kPassKey, row->segment),
              EncodePassCounts(settled));
    }
    ReachCrashPoint(CrashPoint::kNettingUnwritten);
    if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
        !s.ok()) {
      return s;
    }
    ReachCrashPoint(CrashPoint::kNettingWritten);
    absl::MutexLock lock(&tables.mutex);
    for (const auto& [commit, bytes] : saved) {
      tables.lists.at(list).pending.Shrink(commit, bytes);
      tables.destinations.at(row->destination).pending_bytes -= bytes;
    }
    if (counts_here) tables.segments.at(row->segment).settled = settled;
  }
  return absl::OkStatus();
}

}  // namespace connector::membership
