// What is deleted of an identity that is forgotten.

#include <algorithm>
#include <optional>
#include <utility>

#include "connector/base/crash_point.h"
#include "connector/membership/block.h"
#include "connector/membership/delivered_cursor.h"
#include "connector/membership/forget_part.h"
#include "connector/membership/run.h"
#include "connector/membership/run_filter.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordKind;
using identity_mapping::RecordView;
using Outcome = ForgetList::Outcome;

// A range of records whose end is moved outward keeps so much of its record:
// two bytes, so that it grows by one in 65,536 records of a kind.
constexpr size_t kKeptBytes = 2;

// A record before or after this one that no longer tells it.
Record MoveEnd(RecordView record, bool up) {
  const absl::string_view payload = record.payload();
  std::string encoded(1, record.encoded()[0]);
  if (record.kind() == RecordKind::kOpaque) {
    // A shorter id sorts before a longer one that begins with it.
    encoded +=
        std::string(payload.substr(0, std::max<size_t>(1, payload.size() / 2)));
    if (up) encoded.resize(1 + identity_mapping::kMaxRecordPayload, '\xff');
  } else {
    encoded += std::string(payload.substr(0, kKeptBytes));
    encoded.resize(1 + payload.size(), up ? '\xff' : '\0');
  }
  return Record::FromView(*RecordView::FromEncoded(encoded));
}

// Every key of a run ends with the commit and a part.
std::optional<CommitNumber> CommitOfRun(absl::string_view key) {
  if (key.size() < 12) return std::nullopt;
  WireReader wire(key.substr(key.size() - 12));
  return wire.Fixed64();
}

absl::Status DamagedRow(absl::string_view what) {
  return absl::DataLossError(std::string(what) + " is damaged");
}

}  // namespace

ForgottenForms::ForgottenForms(std::vector<ForgottenForm> forms)
    : forms_(std::move(forms)) {
  // Of one record the newest request stands.
  std::sort(forms_.begin(), forms_.end(),
            [](const ForgottenForm& a, const ForgottenForm& b) {
              if (a.record != b.record) return a.record < b.record;
              return a.through > b.through;
            });
  forms_.erase(std::unique(forms_.begin(), forms_.end(),
                           [](const ForgottenForm& a, const ForgottenForm& b) {
                             return a.record == b.record;
                           }),
               forms_.end());
  for (const ForgottenForm& form : forms_) {
    newest_commit_ = std::max(newest_commit_, form.through);
  }
}

const ForgottenForm* ForgottenForms::Find(RecordView record) const {
  const auto found =
      std::lower_bound(forms_.begin(), forms_.end(), record,
                       [](const ForgottenForm& form, RecordView wanted) {
                         return form.record.view() < wanted;
                       });
  return found != forms_.end() && found->record.view() == record ? &*found
                                                                 : nullptr;
}

ForgottenForms ForgetPart::FormsFor(DestinationNumber destination,
                                    ListNumber list) {
  std::vector<ForgottenForm> forms;
  for (const auto& [key, row] : RowsIn(ForgetPhase::kPurging, destination)) {
    const bool gone = std::any_of(
        row.forget.lists.begin(), row.forget.lists.end(),
        [list](const ForgetList& each) {
          return each.list == list && each.outcome == Outcome::kGone;
        });
    for (const Record& record : row.records) {
      forms.push_back({record, row.forget.commit, gone});
    }
  }
  return ForgottenForms(std::move(forms));
}

absl::Status ForgetPart::PurgeList(ListNumber list) {
  absl::MutexLock steps(&mutex_);
  ListRow list_row;
  std::vector<FullSyncNumber> full_syncs;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr) return absl::OkStatus();
    list_row = state->row;
    for (const auto& [number, full_sync] : state->full_syncs) {
      full_syncs.push_back(number);
    }
  }
  const ForgottenForms forms = FormsFor(list_row.destination, list);
  if (forms.empty()) return absl::OkStatus();
  // First what adds, then what takes away: whatever a crash leaves, nobody is
  // added whom a removal would have kept off.
  const CommitNumber through = forms.newest_commit();
  for (FullSyncNumber number : full_syncs) {
    if (absl::Status s =
            PurgeRuns(list, DeclaredRange(list, number), number, forms);
        !s.ok()) {
      return s;
    }
  }
  for (const KeyRange& range :
       {RunRange(list, Change::kAdd, 0, through), ExitRange(list, through),
        RunRange(list, Change::kRemove, 0, through)}) {
    if (absl::Status s = PurgeRuns(list, range, 0, forms); !s.ok()) return s;
  }
  const absl::StatusOr<KnownForms> known = LookAtBlocks(list_row, forms);
  if (!known.ok()) return known.status();
  // What the entries tell is noted before they go.
  auto rows = RowsIn(ForgetPhase::kPurging, list_row.destination);
  for (auto& [key, row] : rows) {
    const auto has = [&records = row.records](const Record& record) {
      return std::binary_search(records.begin(), records.end(), record);
    };
    for (ForgetList& each : row.forget.lists) {
      if (each.list != list) continue;
      if (std::any_of(known->refused.begin(), known->refused.end(), has)) {
        each.outcome = Outcome::kRefused;
      }
      each.later_event |=
          std::any_of(known->later.begin(), known->later.end(), has);
    }
  }
  if (absl::Status s = Store(rows, Database::Sync::kNo); !s.ok()) return s;
  if (absl::Status s = PurgeBlocks(list_row, forms, *known); !s.ok()) return s;
  if (absl::Status s = PurgeDoubts(list, forms); !s.ok()) return s;
  if (absl::Status s = PurgePosition(list, forms); !s.ok()) return s;
  ReachCrashPoint(CrashPoint::kForgetListPurged);
  return absl::OkStatus();
}

absl::Status ForgetPart::PurgeRuns(ListNumber list, const KeyRange& range,
                                   FullSyncNumber full_sync,
                                   const ForgottenForms& forms) {
  // Found without a lock that anybody waits for; there are few of them.
  std::vector<std::string> keys;
  {
    Scan scan(core_.database, Family::kRuns, range,
              {.fill_cache = false, .readahead = 256 << 10});
    for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
      const std::optional<CommitNumber> commit = CommitOfRun(scan.key());
      absl::StatusOr<RunReader> reader = RunReader::Open(scan.value());
      if (!commit.has_value()) return DamagedRow("the key of a stored run");
      if (!reader.ok()) return reader.status();
      if (*commit > forms.newest_commit()) continue;
      RunEntry entry;
      while (reader->Next(&entry)) {
        if (!forms.Drops(*commit, entry.record)) continue;
        keys.emplace_back(scan.key());
        break;
      }
      if (!reader->status().ok()) return reader->status();
    }
    if (absl::Status s = scan.status(); !s.ok()) return s;
  }
  for (const std::string& key : keys) {
    if (absl::Status s = PurgeRun(list, key, full_sync, forms); !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

absl::Status ForgetPart::PurgeRun(ListNumber list, const std::string& key,
                                  FullSyncNumber full_sync,
                                  const ForgottenForms& forms) {
  // Nobody settles, deletes or decides meanwhile.
  absl::MutexLock change(&core_.change_mutex);
  absl::MutexLock use(&core_.tables.use);
  const GroupHold hold(core_.tables);
  const CommitNumber commit = *CommitOfRun(key);
  absl::StatusOr<std::optional<std::string>> value =
      core_.database.Get(Family::kRuns, key);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return absl::OkStatus();
  absl::StatusOr<FilteredRun> filtered = FilterRun(
      **value, [&](RecordView record) { return forms.Drops(commit, record); });
  if (!filtered.ok()) return filtered.status();
  WriteSet set(core_.database);
  // Its place in the index and its bytes there stay.
  set.Put(Family::kRuns, key, filtered->value);

  // What counts and was not settled is settled by this.
  SegmentNumber segment = 0;
  PassCounts settled;
  std::optional<FullSync> declared;
  bool counts = false;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr) return absl::OkStatus();
    segment = state->row.segment;
    const SegmentState& owner = core_.tables.segments.at(segment);
    settled = owner.settled;
    counts = owner.row.list == list && filtered->dropped_counted > 0;
    if (full_sync != 0) {
      const auto row = state->full_syncs.find(full_sync);
      counts &= row != state->full_syncs.end() && !row->second.ended();
      if (counts) declared = row->second;
    } else {
      // Not the exits that are remembered, nor what is kept for a full sync.
      counts &= commit > state->row.settled && key[4] != 2;
    }
  }
  if (counts) {
    (filtered->replay ? settled.refused : settled.superseded) +=
        filtered->dropped_counted;
    set.Put(Family::kCounters, NumberKey(kPassKey, segment),
            EncodePassCounts(settled));
    if (declared.has_value()) {
      declared->declared -= filtered->dropped_counted;
      set.Put(Family::kMeta, NumberKey(kFullSyncKey, list, full_sync),
              EncodeFullSync(*declared));
    }
  }
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  if (counts) {
    absl::MutexLock lock(&core_.tables.mutex);
    core_.tables.segments.at(segment).settled = settled;
    if (declared.has_value()) {
      core_.tables.lists.at(list).full_syncs[full_sync] = *declared;
    }
  }
  ReachCrashPoint(CrashPoint::kForgetRunPurged);
  return absl::OkStatus();
}

absl::StatusOr<ForgetPart::KnownForms> ForgetPart::LookAtBlocks(
    const ListRow& row, const ForgottenForms& forms) {
  KnownForms known;
  BlockCursor cursor(core_.database, row.number, row.epoch);
  for (const ForgottenForm& form : forms.all()) {
    absl::StatusOr<DeliveredEntry> entry = cursor.Find(form.record);
    if (!entry.ok()) return entry.status();
    if (!entry->state.has_value()) continue;
    // The confirmed removal left no entry: an addition that is known now was
    // asked for later.
    if (!form.gone && (*entry->state == DeliveredState::kThere ||
                       *entry->state == DeliveredState::kRefusedAdd)) {
      known.later.push_back(form.record);
      continue;
    }
    if (*entry->state == DeliveredState::kRefusedRemove) {
      known.refused.push_back(form.record);
    }
    known.dropped.push_back(form.record);
  }
  return known;
}

absl::Status ForgetPart::PurgeBlocks(const ListRow& row,
                                     const ForgottenForms& forms,
                                     const KnownForms& known) {
  absl::ReaderMutexLock use(&core_.tables.use);
  {
    absl::MutexLock lock(&core_.tables.mutex);
    if (core_.tables.FindList(row.number) == nullptr) return absl::OkStatus();
  }
  if (!known.dropped.empty()) {
    std::vector<BlockUpdate> updates;
    for (const Record& record : known.dropped) {
      updates.emplace_back().record = record;
    }
    if (absl::Status s = ledger_.UpdateBlocks(row, updates, Database::Sync::kNo,
                                              [](WriteSet&) {});
        !s.ok()) {
      return s;
    }
  }
  // A block begins with a record's name, also when that is no longer in it.
  WriteSet set(core_.database);
  for (const ForgottenForm& form : forms.all()) {
    const std::string key = BlockKey(row.number, form.record.encoded());
    absl::StatusOr<std::optional<std::string>> value =
        core_.database.Get(Family::kBlocks, key);
    if (!value.ok()) return value.status();
    if (!value->has_value()) continue;
    BlockReader reader(**value);
    BlockEntry entry;
    if (!reader.Next(&entry)) {
      if (!reader.status().ok()) return reader.status();
      set.Delete(Family::kBlocks, key);
      continue;
    }
    if (CompareEntry(entry, form.record) == 0) continue;
    std::string encoded(1, static_cast<char>(entry.kind));
    encoded.append(entry.payload.data(), entry.payload.size());
    set.Put(Family::kBlocks, BlockKey(row.number, encoded), **value);
    set.Delete(Family::kBlocks, key);
  }
  if (set.empty()) return absl::OkStatus();
  absl::Status status = core_.database.Write(set, Database::Sync::kNo);
  ReachCrashPoint(CrashPoint::kForgetBlocksPurged);
  return status;
}

absl::Status ForgetPart::PurgeDoubts(ListNumber list,
                                     const ForgottenForms& forms) {
  absl::MutexLock use(&core_.tables.use);
  WriteSet set(core_.database);
  Scan scan(core_.database, Family::kDoubts,
            PrefixRange(NumberKey(kDoubtKey, list)));
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    std::optional<Doubt> doubt = DecodeDoubt(scan.value());
    if (!doubt.has_value()) return DamagedRow("a stored doubt");
    const bool first = forms.Find(doubt->first) != nullptr;
    const bool last = forms.Find(doubt->last) != nullptr;
    if (!first && !last) continue;
    // Too wide, never too narrow.
    if (first) doubt->first = MoveEnd(doubt->first, /*up=*/false);
    if (last) doubt->last = MoveEnd(doubt->last, /*up=*/true);
    set.Put(Family::kDoubts, scan.key(), EncodeDoubt(*doubt));
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  if (set.empty()) return absl::OkStatus();
  return core_.database.Write(set, Database::Sync::kNo);
}

absl::Status ForgetPart::PurgePosition(ListNumber list,
                                       const ForgottenForms& forms) {
  absl::MutexLock change(&core_.change_mutex);
  absl::ReaderMutexLock use(&core_.tables.use);
  ListOperation operation;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const auto found = core_.tables.operations.find(list);
    if (found == core_.tables.operations.end()) return absl::OkStatus();
    operation = found->second;
  }
  const auto position = RecordView::FromEncoded(operation.position);
  if (!position.has_value() || forms.Find(*position) == nullptr) {
    return absl::OkStatus();
  }
  // What is dealt with twice does no harm.
  operation.position =
      std::string(MoveEnd(*position, /*up=*/false).view().encoded());
  WriteSet set(core_.database);
  set.Put(Family::kMeta, NumberKey(kOperationKey, list),
          EncodeOperation(operation));
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.operations[list] = operation;
  return absl::OkStatus();
}

absl::Status ForgetPart::PurgeOutsideLists(DestinationNumber destination,
                                           const ForgottenForms& forms) {
  absl::ReaderMutexLock use(&core_.tables.use);
  WriteSet set(core_.database);
  // The rejection log: whole lines.
  Scan scan(core_.database, Family::kJournal,
            PrefixRange(PlainKey(destination)));
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    const std::optional<JournalRejection> line = DecodeRejection(scan.value());
    if (!line.has_value()) return DamagedRow("a stored rejection");
    if (line->refused.has_value() &&
        forms.Find(line->refused->refusal.record) != nullptr) {
      set.Delete(Family::kJournal, scan.key());
    }
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  if (set.empty()) return absl::OkStatus();
  return core_.database.Write(set, Database::Sync::kNo);
}

std::vector<SegmentNumber> ForgetPart::HeldSegmentsOf(
    DestinationNumber destination) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<SegmentNumber> held;
  const DestinationState* state = core_.tables.FindDestination(destination);
  if (state == nullptr) return held;
  for (SegmentNumber number : state->segments) {
    if (core_.tables.segments.at(number).held.has_value()) {
      held.push_back(number);
    }
  }
  return held;
}

std::vector<std::pair<Family, KeyRange>> ForgetPart::RangesToClean(
    DestinationNumber destination) {
  std::vector<std::pair<Family, KeyRange>> ranges;
  const std::vector<ListNumber> lists = ListsOf(destination);
  // Lists in a row are one range.
  for (size_t i = 0; i < lists.size();) {
    size_t end = i + 1;
    while (end < lists.size() && lists[end] == lists[end - 1] + 1) ++end;
    const ListNumber first = lists[i];
    const ListNumber behind = lists[end - 1] + 1;
    for (Family family : {Family::kRuns, Family::kBlocks}) {
      ranges.emplace_back(family, KeyRange{PlainKey(first), PlainKey(behind)});
    }
    for (char letter : {kDoubtKey, kEchoKey}) {
      ranges.emplace_back(Family::kDoubts, KeyRange{NumberKey(letter, first),
                                                    NumberKey(letter, behind)});
    }
    i = end;
  }
  // Places of operations.
  ranges.emplace_back(Family::kMeta,
                      PrefixRange(absl::string_view(&kOperationKey, 1)));
  ranges.emplace_back(Family::kJournal, PrefixRange(PlainKey(destination)));
  const std::vector<SegmentNumber> held = HeldSegmentsOf(destination);
  for (SegmentNumber segment : held) {
    for (char letter : {kHeldKey, kHoldersKey}) {
      ranges.emplace_back(Family::kPeople,
                          PrefixRange(NumberKey(letter, segment)));
    }
  }
  if (!held.empty()) {
    for (char letter : {kStatementKey, kPersonKey}) {
      ranges.emplace_back(Family::kPeople,
                          PrefixRange(NumberKey(letter, destination)));
    }
  }
  return ranges;
}

}  // namespace connector::membership
