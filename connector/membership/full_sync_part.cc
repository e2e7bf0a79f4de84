#include "connector/membership/full_sync_part.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "connector/base/crash_point.h"
#include "connector/membership/block.h"
#include "connector/membership/damage.h"
#include "connector/membership/run_cursor.h"

namespace connector::membership {
namespace {

using identity_mapping::RecordView;

// Of one list; those that are not over are not counted.
constexpr size_t kRememberedFullSyncs = 8;

// Goes through the blocks of a list.
class BlockScan final : public DeliveredScan {
 public:
  BlockScan(Database& database, ListNumber list, uint32_t epoch)
      : epoch_(epoch),
        scan_(database, Family::kBlocks, PrefixRange(PlainKey(list)),
              {.fill_cache = false, .readahead = 256 << 10}) {
    scan_.SeekToFirst();
    if (scan_.valid()) reader_ = BlockReader(scan_.value());
  }

  absl::StatusOr<bool> Next(DeliveredRecord* record) override {
    BlockEntry entry;
    while (scan_.valid()) {
      if (reader_.Next(&entry)) {
        bytes_[0] = static_cast<char>(entry.kind);
        std::memcpy(&bytes_[1], entry.payload.data(), entry.payload.size());
        const std::optional<RecordView> view =
            RecordView::FromEncoded({bytes_.data(), 1 + entry.payload.size()});
        if (!view.has_value()) {
          return Damaged("a stored block cannot be read");
        }
        record->record = *view;
        record->state = entry.state;
        record->unconfirmed = entry.unconfirmed || reader_.epoch() < epoch_;
        return true;
      }
      if (!reader_.status().ok()) return reader_.status();
      scan_.Next();
      if (scan_.valid()) reader_ = BlockReader(scan_.value());
    }
    if (absl::Status s = scan_.status(); !s.ok()) return s;
    return false;
  }

 private:
  const uint32_t epoch_;
  Scan scan_;
  BlockReader reader_;
  std::array<char, 1 + identity_mapping::kMaxRecordPayload> bytes_ = {};
};

absl::Status DamagedIndex() {
  return Damaged("a stored index of runs cannot be read");
}

}  // namespace

absl::StatusOr<KeptRuns> SettleKeptRuns(Core& core, ListNumber list,
                                        CommitNumber through,
                                        std::optional<CommitNumber> kept_from,
                                        WriteSet& set) {
  KeptRuns kept;
  const CommitNumber bound =
      std::min(kept_from.value_or(through + 1), through + 1);
  // What was kept before and is needed no longer.
  const KeyRange old{NumberKey(kKeptKey, list, 0),
                     NumberKey(kKeptKey, list, bound)};
  Scan before(core.database, Family::kCounters, old);
  for (before.SeekToFirst(); before.valid(); before.Next()) {
    const std::optional<PendingRow> row = DecodePending(before.value());
    if (!row.has_value()) return DamagedIndex();
    kept.dropped_bytes += row->bytes;
  }
  if (absl::Status s = before.status(); !s.ok()) return s;
  set.DeleteRange(Family::kCounters, old);
  for (Change change : {Change::kRemove, Change::kAdd}) {
    set.DeleteRange(Family::kRuns, RunRange(list, change, 0, bound - 1));
  }

  const KeyRange index{NumberKey(kPendingKey, list, 0),
                       NumberKey(kPendingKey, list, through + 1)};
  Scan scan(core.database, Family::kCounters, index);
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    const std::optional<NumberKeyParts> key = ParseNumberKey(scan.key());
    const std::optional<PendingRow> row = DecodePending(scan.value());
    if (!key.has_value() || !row.has_value()) return DamagedIndex();
    if (key->second < bound || row->runs.empty()) continue;
    set.Put(Family::kCounters, NumberKey(kKeptKey, list, key->second),
            scan.value());
    kept.added_bytes += row->bytes;
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  set.DeleteRange(Family::kCounters, index);
  return kept;
}

std::vector<FullSyncNumber> ForgottenFullSyncs(const ListState& list) {
  std::vector<FullSyncNumber> forgotten;
  size_t ended = 0;
  for (auto row = list.full_syncs.rbegin(); row != list.full_syncs.rend();
       ++row) {
    if (!row->second.ended() || !row->second.cleaned) continue;
    if (++ended > kRememberedFullSyncs) forgotten.push_back(row->first);
  }
  return forgotten;
}

void FullSyncPart::SetFullSyncListener(std::function<void()> listener) {
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.full_sync_listener = std::move(listener);
}

std::vector<FullSync> FullSyncPart::FindFullSyncs(ListNumber list) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<FullSync> full_syncs;
  const ListState* state = core_.tables.FindList(list);
  if (state == nullptr) return full_syncs;
  for (const auto& [number, row] : state->full_syncs) full_syncs.push_back(row);
  return full_syncs;
}

std::vector<FullSync> FullSyncPart::UndecidedFullSyncs() {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<FullSync> full_syncs;
  for (ListNumber list : core_.tables.full_sync_lists) {
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr) continue;
    for (const auto& [number, row] : state->full_syncs) {
      if (!row.ended() && row.state != FullSyncState::kReleased) {
        full_syncs.push_back(row);
      }
    }
  }
  return full_syncs;
}

absl::StatusOr<std::unique_ptr<RunCursor>> FullSyncPart::ReadDeclared(
    ListNumber list, FullSyncNumber number) {
  return MakeRunCursor(core_.database, DeclaredRange(list, number));
}

absl::StatusOr<std::unique_ptr<DeliveredScan>> FullSyncPart::ScanDelivered(
    ListNumber list) {
  uint32_t epoch = 0;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr) return DestinationNotFound();
    epoch = state->row.epoch;
  }
  return std::make_unique<BlockScan>(core_.database, list, epoch);
}

absl::Status FullSyncPart::Clean(const std::vector<ListNumber>& lists) {
  for (ListNumber list : lists) {
    if (absl::Status s = CleanList(list); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status FullSyncPart::CleanAll() {
  std::vector<ListNumber> lists;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    for (const auto& [list, state] : core_.tables.lists) {
      if (!state.full_syncs.empty()) lists.push_back(list);
    }
  }
  return Clean(lists);
}

absl::Status FullSyncPart::CleanList(ListNumber list) {
  Tables& tables = core_.tables;
  absl::ReaderMutexLock use(&tables.use);
  // Runs are settled and kept within a step, too.
  ExportProgress::Step step(progress_);
  std::vector<FullSync> ended;
  std::vector<FullSyncNumber> numbers;
  DestinationNumber destination = 0;
  CommitNumber bound = 0;
  {
    absl::MutexLock lock(&tables.mutex);
    const ListState* state = tables.FindList(list);
    if (state == nullptr) return absl::OkStatus();
    destination = state->row.destination;
    for (const auto& [number, row] : state->full_syncs) {
      if (!row.ended() || row.cleaned) continue;
      ended.push_back(row);
      numbers.push_back(number);
    }
    const CommitNumber settled = state->row.settled + 1;
    bound = std::min(KeptFrom(*state).value_or(settled), settled);
  }
  if (ended.empty()) return absl::OkStatus();

  WriteSet set(core_.database);
  int64_t bytes = 0;
  for (FullSync& row : ended) {
    set.DeleteRange(Family::kRuns, DeclaredRange(list, row.number));
    row.cleaned = true;
    bytes += row.bytes;
    set.Put(Family::kMeta, NumberKey(kFullSyncKey, list, row.number),
            EncodeFullSync(row));
  }
  const KeyRange old{NumberKey(kKeptKey, list, 0),
                     NumberKey(kKeptKey, list, bound)};
  int64_t dropped = 0;
  Scan scan(core_.database, Family::kCounters, old);
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    const std::optional<PendingRow> row = DecodePending(scan.value());
    if (!row.has_value()) return DamagedIndex();
    dropped += row->bytes;
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  if (dropped > 0) {
    set.DeleteRange(Family::kCounters, old);
    for (Change change : {Change::kRemove, Change::kAdd}) {
      set.DeleteRange(Family::kRuns, RunRange(list, change, 0, bound - 1));
    }
  }
  if (absl::Status s = step.Settle(list, 0, std::move(numbers), set); !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kFullSyncUncleaned);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kFullSyncCleaned);
  absl::MutexLock lock(&tables.mutex);
  ListState& state = tables.lists.at(list);
  for (const FullSync& row : ended) state.full_syncs[row.number] = row;
  state.kept_bytes -= dropped;
  DestinationState& of = tables.destinations.at(destination);
  of.pending_bytes -= bytes + dropped;
  of.full_sync_bytes -= bytes + dropped;
  if (!KeptFrom(state).has_value()) tables.full_sync_lists.erase(list);
  step.Publish(core_.clock.Now());
  return absl::OkStatus();
}

}  // namespace connector::membership
