#include "connector/membership/ledger_part.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/membership/block.h"
#include "connector/membership/damage.h"
#include "connector/membership/delivered_cursor.h"
#include "connector/membership/run_cursor.h"

namespace connector::membership {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;

PendingList Describe(const ListState& state) {
  const PendingSpan total = state.pending.Total();
  PendingList pending;
  pending.list = state.row.number;
  pending.destination = state.row.destination;
  pending.newest_commit = total.last;
  pending.oldest_change_time = total.oldest_time;
  pending.has_removals = total.has_removals;
  pending.bytes = total.bytes;
  return pending;
}

absl::Status NotAscending() {
  return absl::InternalError("records are not in ascending order");
}

}  // namespace

void LedgerPart::SetCommitListener(
    std::function<void(ListNumber, bool)> listener) {
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.commit_listener = std::move(listener);
}

CommitNumber LedgerPart::SyncedCommit() {
  absl::MutexLock lock(&core_.tables.mutex);
  return core_.tables.newest.commit;
}

std::vector<PendingList> LedgerPart::PendingLists() {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<PendingList> pending;
  for (ListNumber list : core_.tables.pending_lists) {
    const ListState* state = core_.tables.FindList(list);
    if (state != nullptr) pending.push_back(Describe(*state));
  }
  return pending;
}

std::optional<PendingList> LedgerPart::FindPendingList(ListNumber list) {
  absl::MutexLock lock(&core_.tables.mutex);
  const ListState* state = core_.tables.FindList(list);
  if (state == nullptr || state->pending.empty()) return std::nullopt;
  return Describe(*state);
}

absl::StatusOr<ListRow> LedgerPart::FindRow(ListNumber list) {
  absl::MutexLock lock(&core_.tables.mutex);
  const ListState* state = core_.tables.FindList(list);
  if (state == nullptr) return DestinationNotFound();
  return state->row;
}

absl::StatusOr<ListRow> LedgerPart::GetList(ListNumber list) {
  return FindRow(list);
}

absl::StatusOr<SegmentRow> LedgerPart::GetSegment(SegmentNumber segment) {
  absl::MutexLock lock(&core_.tables.mutex);
  const SegmentState* state = core_.tables.FindSegment(segment);
  if (state == nullptr) return DestinationNotFound();
  return state->row;
}

absl::StatusOr<std::unique_ptr<RunCursor>> LedgerPart::ReadRuns(
    ListNumber list, Change change, CommitNumber after, CommitNumber through) {
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  return MakeRunCursor(core_.database, RunRange(list, change, after, through));
}

absl::StatusOr<std::unique_ptr<DeliveredCursor>> LedgerPart::ReadDelivered(
    ListNumber list) {
  absl::StatusOr<ListRow> row = FindRow(list);
  if (!row.ok()) return row.status();
  return std::make_unique<BlockCursor>(core_.database, list, row->epoch);
}

absl::Status LedgerPart::UpdateList(const ListRow& row) {
  absl::ReaderMutexLock use(&core_.tables.use);
  absl::StatusOr<ListRow> stored = FindRow(row.number);
  if (!stored.ok()) return stored.status();
  stored->customer_list_id = row.customer_list_id;
  stored->epoch = row.epoch;
  stored->unknown_members = row.unknown_members;
  stored->creation_attempt_time = row.creation_attempt_time;
  stored->learnt_max_records = row.learnt_max_records;
  stored->ignored_through = row.ignored_through;
  stored->look_for_newer = row.look_for_newer;
  WriteSet set(core_.database);
  set.Put(Family::kMeta, NumberKey(kListKey, row.number), EncodeList(*stored));
  ReachCrashPoint(CrashPoint::kListUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kListWritten);
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.lists.at(row.number).row = *std::move(stored);
  return absl::OkStatus();
}

absl::StatusOr<DoubtNumber> LedgerPart::BeginRequest(ListNumber list,
                                                     Change change,
                                                     RecordView first,
                                                     RecordView last) {
  absl::ReaderMutexLock use(&core_.tables.use);
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  Doubt doubt;
  doubt.change = change;
  doubt.first = Record::FromView(first);
  doubt.last = Record::FromView(last);
  {
    absl::MutexLock lock(&core_.tables.mutex);
    doubt.number = core_.tables.next_request++;
  }
  WriteSet set(core_.database);
  set.Put(Family::kDoubts, NumberKey(kDoubtKey, list, doubt.number),
          EncodeDoubt(doubt));
  ReachCrashPoint(CrashPoint::kDoubtUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kDoubtWritten);
  return doubt.number;
}

absl::Status LedgerPart::CancelRequest(ListNumber list, DoubtNumber doubt) {
  absl::ReaderMutexLock use(&core_.tables.use);
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  WriteSet set(core_.database);
  set.Delete(Family::kDoubts, NumberKey(kDoubtKey, list, doubt));
  absl::Status status = core_.database.Write(set, Database::Sync::kNo);
  ReachCrashPoint(CrashPoint::kDoubtCancelled);
  return status;
}

absl::StatusOr<std::vector<Doubt>> LedgerPart::Doubts(ListNumber list) {
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  std::vector<Doubt> doubts;
  Scan scan(core_.database, Family::kDoubts,
            PrefixRange(NumberKey(kDoubtKey, list)));
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    const std::optional<NumberKeyParts> key = ParseNumberKey(scan.key());
    std::optional<Doubt> doubt = DecodeDoubt(scan.value());
    if (!key.has_value() || !doubt.has_value()) {
      return Damaged("a stored doubt cannot be read");
    }
    doubt->number = key->second;
    doubts.push_back(*doubt);
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return doubts;
}

absl::Status LedgerPart::UpdateBlocks(
    const ListRow& row, absl::Span<const BlockUpdate> updates,
    Database::Sync sync, absl::FunctionRef<void(WriteSet&)> last_piece) {
  Tables& tables = core_.tables;
  WriteSet set(core_.database);
  int64_t members = 0;
  {
    absl::MutexLock lock(&tables.mutex);
    members = tables.lists.at(row.number).members;
  }
  // The number of members goes with every piece, so that it is right whatever
  // piece a crash leaves as the last one.
  const auto write = [&](BlockUpdater& updater) -> absl::Status {
    const int64_t delta = updater.TakeMembersDelta();
    members += delta;
    if (delta != 0) {
      set.Put(Family::kCounters, NumberKey(kMembersKey, row.number),
              EncodeNumber(static_cast<uint64_t>(members)));
    }
    if (!set.empty()) {
      if (absl::Status s = core_.database.Write(set, sync); !s.ok()) return s;
    }
    set.Clear();
    absl::MutexLock lock(&tables.mutex);
    tables.lists.at(row.number).members = members;
    return absl::OkStatus();
  };
  do {
    const size_t records =
        std::min(updates.size(), core_.tuning.confirm_piece_records);
    BlockUpdater updater(core_.database, core_.tuning, row.number, row.epoch,
                         set);
    if (absl::Status s = updater.Apply(updates.subspan(0, records),
                                       [&] { return write(updater); });
        !s.ok()) {
      return s;
    }
    updates.remove_prefix(records);
    if (updates.empty()) last_piece(set);
    // The next walk must see what this one wrote.
    if (absl::Status s = write(updater); !s.ok()) return s;
    if (!updates.empty()) ReachCrashPoint(CrashPoint::kConfirmPieceWritten);
  } while (!updates.empty());
  return absl::OkStatus();
}

absl::Status LedgerPart::Confirm(ListNumber list, Change change,
                                 absl::Span<const RecordView> records,
                                 DoubtNumber doubt,
                                 absl::Span<const RecordView> echoes,
                                 absl::Time echo_time) {
  absl::ReaderMutexLock use(&core_.tables.use);
  absl::StatusOr<ListRow> row = FindRow(list);
  if (!row.ok()) return row.status();

  const int64_t now = absl::ToUnixSeconds(core_.clock.Now());
  std::vector<BlockUpdate> updates;
  updates.reserve(records.size());
  size_t echo = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (i > 0 && !(records[i - 1] < records[i])) return NotAscending();
    BlockUpdate& update = updates.emplace_back();
    update.record = records[i];
    const bool echoed = echo < echoes.size() && echoes[echo] == records[i];
    if (echoed) ++echo;
    if (change == Change::kAdd) {
      update.state = DeliveredState::kThere;
    } else if (echoed) {
      update.state = DeliveredState::kAbsentSince;
      update.absent_since = now;
    }
  }
  if (echo != echoes.size()) return NotAscending();

  uint64_t echo_number = 0;
  if (!echoes.empty()) {
    absl::MutexLock lock(&core_.tables.mutex);
    echo_number = core_.tables.next_request++;
  }
  ReachCrashPoint(CrashPoint::kConfirmBegun);
  absl::Status status =
      UpdateBlocks(*row, updates, Database::Sync::kNo, [&](WriteSet& set) {
        set.Delete(Family::kDoubts, NumberKey(kDoubtKey, list, doubt));
        if (!echoes.empty()) {
          set.Put(Family::kDoubts, NumberKey(kEchoKey, list, echo_number),
                  EncodeEcho(echo_time, echoes));
        }
      });
  ReachCrashPoint(CrashPoint::kConfirmWritten);
  if (!status.ok() || echoes.empty()) return status;
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.lists.at(list).echoes.emplace(echo_time, echo_number);
  core_.tables.echo_lists.insert(list);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Echo>> LedgerPart::Echoes(ListNumber list,
                                                     absl::Time due,
                                                     size_t at_most) {
  std::vector<uint64_t> numbers;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr) return DestinationNotFound();
    for (const auto& [time, number] : state->echoes) {
      if (time > due || numbers.size() == at_most) break;
      numbers.push_back(number);
    }
  }
  std::vector<Echo> echoes;
  for (uint64_t number : numbers) {
    absl::StatusOr<std::optional<std::string>> value =
        core_.database.Get(Family::kDoubts, NumberKey(kEchoKey, list, number));
    if (!value.ok()) return value.status();
    if (!value->has_value()) continue;  // the destination was just deleted
    std::optional<Echo> echo = DecodeEcho(**value);
    if (!echo.has_value()) {
      return Damaged("a stored echo cannot be read");
    }
    echo->number = number;
    echoes.push_back(*std::move(echo));
  }
  return echoes;
}

std::vector<std::pair<ListNumber, absl::Time>> LedgerPart::EchoTimes() {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<std::pair<ListNumber, absl::Time>> times;
  for (ListNumber list : core_.tables.echo_lists) {
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr || state->echoes.empty()) continue;
    times.emplace_back(list, state->echoes.begin()->first);
  }
  return times;
}

absl::Status LedgerPart::EndEcho(ListNumber list, uint64_t number) {
  absl::ReaderMutexLock use(&core_.tables.use);
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  WriteSet set(core_.database);
  set.Delete(Family::kDoubts, NumberKey(kEchoKey, list, number));
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kEchoEnded);
  absl::MutexLock lock(&core_.tables.mutex);
  auto& echoes = core_.tables.lists.at(list).echoes;
  const auto found =
      std::find_if(echoes.begin(), echoes.end(),
                   [&](const auto& echo) { return echo.second == number; });
  if (found != echoes.end()) echoes.erase(found);
  if (echoes.empty()) core_.tables.echo_lists.erase(list);
  return absl::OkStatus();
}

std::string LedgerPart::CallHistory(absl::string_view credential_id) {
  absl::MutexLock lock(&core_.tables.mutex);
  const auto found =
      core_.tables.call_histories.find(std::string(credential_id));
  return found == core_.tables.call_histories.end() ? "" : found->second;
}

absl::Status LedgerPart::PutCallHistory(absl::string_view credential_id,
                                        absl::string_view history) {
  WriteSet set(core_.database);
  set.Put(Family::kCounters, CallHistoryKey(credential_id), history);
  ReachCrashPoint(CrashPoint::kCallHistoryUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kCallHistoryWritten);
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.call_histories[std::string(credential_id)] =
      std::string(history);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RefusedRecord>> LedgerPart::RefusedRecords(
    ListNumber list, const std::optional<Record>& after, size_t at_most) {
  if (absl::Status s = FindRow(list).status(); !s.ok()) return s;
  std::vector<RefusedRecord> refused;
  Scan scan(core_.database, Family::kBlocks, PrefixRange(PlainKey(list)),
            {.fill_cache = false, .readahead = 256 << 10});
  if (after.has_value()) {
    scan.SeekForPrev(BlockKey(list, after->view().encoded()));
  }
  if (!scan.valid()) scan.SeekToFirst();
  for (; scan.valid() && refused.size() < at_most; scan.Next()) {
    BlockReader reader(scan.value());
    BlockEntry entry;
    while (refused.size() < at_most && reader.Next(&entry)) {
      if (entry.state != DeliveredState::kRefusedAdd &&
          entry.state != DeliveredState::kRefusedRemove) {
        continue;
      }
      const std::string encoded = absl::StrCat(
          std::string(1, static_cast<char>(entry.kind)), entry.payload);
      const std::optional<RecordView> record = RecordView::FromEncoded(encoded);
      if (!record.has_value()) {
        return Damaged("a stored block cannot be read");
      }
      if (after.has_value() && !(after->view() < *record)) continue;
      refused.push_back(
          {Record::FromView(*record), entry.state == DeliveredState::kRefusedAdd
                                          ? Change::kAdd
                                          : Change::kRemove});
    }
    if (!reader.status().ok()) return reader.status();
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return refused;
}

absl::Status LedgerPart::Refuse(ListNumber list,
                                absl::Span<const Refusal> refusals) {
  absl::ReaderMutexLock use(&core_.tables.use);
  absl::StatusOr<ListRow> row = FindRow(list);
  if (!row.ok()) return row.status();
  const absl::Time now = core_.clock.Now();
  std::vector<BlockUpdate> updates;
  std::vector<JournalRejection> lines;
  for (size_t i = 0; i < refusals.size(); ++i) {
    if (i > 0 && !(refusals[i - 1].record < refusals[i].record)) {
      return NotAscending();
    }
    BlockUpdate& update = updates.emplace_back();
    update.record = refusals[i].record.view();
    update.state = refusals[i].change == Change::kAdd
                       ? DeliveredState::kRefusedAdd
                       : DeliveredState::kRefusedRemove;
    JournalRejection& line = lines.emplace_back();
    line.time = now;
    line.refused = {row->segment, row->customer_list_id, refusals[i]};
  }
  ReachCrashPoint(CrashPoint::kRefusalUnwritten);
  absl::Status status = UpdateBlocks(
      *row, updates, Database::Sync::kYes,
      [&](WriteSet& set) { rejections_.Append(row->destination, lines, set); });
  ReachCrashPoint(CrashPoint::kRefusalWritten);
  return status;
}

}  // namespace connector::membership
