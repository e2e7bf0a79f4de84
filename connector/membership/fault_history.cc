#include "connector/membership/fault_history.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

constexpr int kRecords = 160;
constexpr int kSegments = 3;
constexpr size_t kPieceRecords = 20;
constexpr int kMaxRejections = 15;
constexpr absl::string_view kAccount = "549";

std::string Text(const SyncCounts& counts) {
  return absl::StrCat(counts.intake.received, "/", counts.intake.excluded, "/",
                      counts.intake.rejected, "=", counts.settled.delivered,
                      "+", counts.settled.already_there, "+",
                      counts.settled.netted_out, "+", counts.settled.superseded,
                      "+", counts.settled.refused, "+", counts.pending());
}

void AddTo(std::string& dump, absl::string_view what,
           const std::vector<std::string>& items) {
  absl::StrAppend(&dump, what, ": ", absl::StrJoin(items, " "), "\n");
}

}  // namespace

std::string FaultModel::Dump() const {
  std::string dump;
  absl::StrAppend(&dump, "commit ", commit, "\n");
  if (!destination) return dump;
  for (const auto& [number, list] : lists) {
    absl::StrAppend(&dump, "list ", number, " ", list.segment, " epoch ",
                    list.epoch, " settled ", list.settled, " ",
                    Text(list.counts), "\n");
    for (Change change : {Change::kRemove, Change::kAdd}) {
      std::vector<std::string> items;
      for (const Entry& entry : list.runs) {
        if (entry.change != change) continue;
        items.push_back(absl::StrCat(entry.order, ":", entry.record,
                                     entry.counted ? "" : "-"));
      }
      AddTo(dump, change == Change::kAdd ? "additions" : "removals", items);
    }
    std::vector<std::string> items;
    int64_t members = 0;
    for (const auto& [record, state] : list.delivered) {
      members += state.first == DeliveredState::kThere;
      items.push_back(absl::StrCat(record, ":", static_cast<int>(state.first),
                                   state.second < list.epoch ? "?" : ""));
    }
    AddTo(dump, absl::StrCat("delivered ", members), items);
    items.clear();
    for (const auto& [doubt, range] : list.doubts) {
      items.push_back(absl::StrCat(doubt, ":", static_cast<int>(range.first),
                                   ":", range.second.first, "-",
                                   range.second.second));
    }
    AddTo(dump, "doubts", items);
    items.clear();
    for (const auto& [echo, records] : list.echoes) {
      items.push_back(absl::StrCat(echo, ":", absl::StrJoin(records, ",")));
    }
    AddTo(dump, "echoes", items);
  }
  for (const auto& [id, sent] : exports) {
    int64_t delivered = 0;
    for (const auto& [commit_number, batch_lists] : sent.batches) {
      bool settled = true;
      for (ListNumber list : batch_lists) {
        settled = settled && lists.at(list).settled >= commit_number;
      }
      if (!settled) break;
      ++delivered;
    }
    absl::StrAppend(&dump, "export ", id, " ", sent.batches.size(), " ",
                    delivered, sent.ended ? " ended" : "", "\n");
  }
  absl::StrAppend(&dump, "without segment ", without_segment.received, "\n");
  absl::StrAppend(&dump, "rejections ", absl::StrJoin(rejections, " "), "\n");
  return dump;
}

FaultHistory::FaultHistory(uint64_t seed, std::string directory)
    : directory_(std::move(directory)),
      generator_(seed),
      random_(seed ^ 0x5eed),
      files_(std::make_shared<FaultFileSystem>()),
      env_(rocksdb::NewCompositeEnv(files_)) {
  options_.path = directory_;
  options_.clock = &clock_;
  options_.random = &random_;
  options_.memory_budget = 8 << 20;
  options_.max_rejections = kMaxRejections;
  options_.export_expiry = absl::Hours(1'000'000);
  options_.on_failure = [this](const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    ++failures_;
    failure_ = status;
  };
  tuning_.env = env_.get();
  tuning_.block_target_bytes = 300;
  tuning_.block_max_bytes = 450;
  tuning_.block_small_bytes = 150;
  tuning_.confirm_piece_records = kPieceRecords;
  tuning_.range_delete_keys = 8;
  // Flushes and compactions all the time.
  tuning_.write_buffer_bytes = 64 << 10;
  tuning_.stale_bytes = 64 << 10;
  for (int i = 0; i < kRecords; ++i) {
    universe_.push_back(TestRecord(i, static_cast<RecordKind>(1 + i % 4)));
  }
  std::sort(universe_.begin(), universe_.end());
  universe_.erase(std::unique(universe_.begin(), universe_.end()),
                  universe_.end());
  possible_.push_back(model_);
}

FaultHistory::~FaultHistory() = default;

int FaultHistory::failures() {
  absl::MutexLock lock(&mutex_);
  return failures_;
}

absl::Status FaultHistory::failure() {
  absl::MutexLock lock(&mutex_);
  return failure_;
}

std::string FaultHistory::Trail() const { return absl::StrJoin(trail_, "\n"); }

absl::StatusOr<std::string> FaultHistory::DumpStore() {
  std::string dump;
  absl::StrAppend(&dump, "commit ", store_->SyncedCommit(), "\n");
  const auto row = store_->FindDestination(kAccount);
  if (!row.has_value()) return dump;
  if (!history_id_.empty() && row->history_id != history_id_) {
    return absl::InternalError("another history id");
  }
  auto report = store_->Report(row->number);
  if (!report.ok()) return report.status();
  const auto place = [this](RecordView record) {
    return std::lower_bound(
               universe_.begin(), universe_.end(), record,
               [](const Record& a, RecordView b) { return a.view() < b; }) -
           universe_.begin();
  };
  for (const SegmentReport& segment : report->segments) {
    const ListNumber list = segment.list.number;
    absl::StrAppend(&dump, "list ", list, " ", segment.segment.segment_id,
                    " epoch ", segment.list.epoch, " settled ",
                    segment.list.settled, " ", Text(segment.counts), "\n");
    int64_t waiting = 0;
    for (Change change : {Change::kRemove, Change::kAdd}) {
      std::vector<std::string> items;
      auto cursor = store_->ReadRuns(list, change, 0, ~uint64_t{0});
      if (!cursor.ok()) return cursor.status();
      RunEntry entry;
      while ((*cursor)->Next(&entry)) {
        waiting += entry.counted;
        items.push_back(absl::StrCat(entry.order, ":", place(entry.record),
                                     entry.counted ? "" : "-"));
      }
      if (!(*cursor)->status().ok()) return (*cursor)->status();
      AddTo(dump, change == Change::kAdd ? "additions" : "removals", items);
    }
    // The accounts balance whatever the model says.
    if (waiting != segment.counts.pending()) {
      return absl::InternalError("what waits is not what is counted");
    }
    auto cursor = store_->ReadDelivered(list);
    if (!cursor.ok()) return cursor.status();
    std::vector<std::string> items;
    for (size_t i = 0; i < universe_.size(); ++i) {
      auto entry = (*cursor)->Find(universe_[i]);
      if (!entry.ok()) return entry.status();
      if (!entry->state.has_value()) continue;
      items.push_back(absl::StrCat(i, ":", static_cast<int>(*entry->state),
                                   entry->unconfirmed ? "?" : ""));
    }
    AddTo(dump, absl::StrCat("delivered ", segment.members), items);
    auto doubts = store_->Doubts(list);
    if (!doubts.ok()) return doubts.status();
    items.clear();
    for (const Doubt& doubt : *doubts) {
      items.push_back(absl::StrCat(doubt.number, ":",
                                   static_cast<int>(doubt.change), ":",
                                   place(doubt.first), "-", place(doubt.last)));
    }
    AddTo(dump, "doubts", items);
    auto echoes = store_->Echoes(list, absl::InfiniteFuture(), 1'000);
    if (!echoes.ok()) return echoes.status();
    std::map<uint64_t, std::string> by_number;
    for (const Echo& echo : *echoes) {
      std::vector<int64_t> records;
      for (const Record& record : echo.records) {
        records.push_back(place(record));
      }
      by_number[echo.number] = absl::StrJoin(records, ",");
    }
    items.clear();
    for (const auto& [number, text] : by_number) {
      items.push_back(absl::StrCat(number, ":", text));
    }
    AddTo(dump, "echoes", items);
  }
  std::map<std::string, ExportPosition> exports;
  for (const ExportPosition& position : report->exports) {
    exports[position.export_id] = position;
  }
  for (const auto& [id, position] : exports) {
    absl::StrAppend(&dump, "export ", id, " ", position.durable, " ",
                    position.delivered, position.ended ? " ended" : "", "\n");
  }
  absl::StrAppend(&dump, "without segment ",
                  report->counts_without_segment.received, "\n");
  auto page = store_->Rejections(row->number, 1'000, "");
  if (!page.ok()) return page.status();
  std::vector<std::string> lines;
  for (const JournalRejection& line : page->rejections) {
    lines.push_back(line.refused.has_value()
                        ? line.refused->refusal.message
                        : absl::StrCat(line.intake->export_id, "/",
                                       line.intake->sequence_number, "/",
                                       line.intake->rejection.profile_index));
  }
  std::reverse(lines.begin(), lines.end());
  absl::StrAppend(&dump, "rejections ", absl::StrJoin(lines, " "), "\n");
  return dump;
}

absl::Status FaultHistory::Open() {
  auto opened = OpenRocksdbStore(options_, tuning_);
  if (!opened.ok()) return opened.status();
  store_ = *std::move(opened);
  auto dump = DumpStore();
  if (!dump.ok()) return dump.status();
  // The newest first: most often all of it is there.
  for (size_t i = possible_.size(); i > 0; --i) {
    if (possible_[i - 1].Dump() != *dump) continue;
    model_ = possible_[i - 1];
    possible_ = {model_};
    next_request_ = 1;
    if (!model_.destination) history_id_.clear();
    trail_.push_back("opened");
    return absl::OkStatus();
  }
  const FaultModel& least = possible_.front();
  return absl::InternalError(absl::StrCat(
      "holds what no crash may leave\n", *dump,
      "\nthe least it should hold (of ", possible_.size(), ")\n", least.Dump(),
      "\nthe most\n", possible_.back().Dump(), "\n", Trail()));
}

absl::Status FaultHistory::Reopen() {
  auto opened = OpenRocksdbStore(options_, tuning_);
  if (!opened.ok()) return opened.status();
  store_ = *std::move(opened);
  auto dump = DumpStore();
  if (!dump.ok()) return dump.status();
  if (*dump == model_.Dump()) return absl::OkStatus();
  for (const FaultModel& earlier : past_) {
    if (*dump == earlier.Dump()) return absl::OutOfRangeError("an older state");
  }
  // Where it differs from the states with the same newest commit.
  std::string differences;
  const std::vector<std::string> lines = absl::StrSplit(*dump, '\n');
  for (const FaultModel& earlier : past_) {
    const std::vector<std::string> other = absl::StrSplit(earlier.Dump(), '\n');
    if (other[0] != lines[0]) continue;
    for (size_t i = 0; i < std::min(lines.size(), other.size()); ++i) {
      if (lines[i] == other[i]) continue;
      absl::StrAppend(&differences, "\n- ", lines[i], "\n+ ", other[i]);
    }
  }
  return absl::InternalError(
      absl::StrCat("holds what it never held", differences));
}

absl::Status FaultHistory::Done(const absl::Status& status, bool synced) {
  trail_.push_back(absl::StrCat("  ", status.ok() ? "done" : "refused"));
  while (trail_.size() > 60) trail_.pop_front();
  if (!status.ok()) {
    // It may have been written none the less.
    possible_.push_back(model_);
    return status;
  }
  if (synced) possible_.clear();
  past_.push_back(model_);
  possible_.push_back(model_);
  return status;
}

FaultHistory::List* FaultHistory::PickList() {
  if (model_.lists.empty()) return nullptr;
  auto it = model_.lists.begin();
  std::advance(it, Pick(static_cast<int>(model_.lists.size())));
  list_ = it->first;
  return &it->second;
}

absl::Status FaultHistory::StepCatalog() {
  if (!model_.destination) {
    trail_.push_back("destination");
    auto row = store_->PutDestination(kAccount, "c");
    model_.destination = true;
    if (row.ok()) history_id_ = row->history_id;
    return Done(row.status(), true);
  }
  const std::string id = absl::StrCat("s", model_.lists.size());
  trail_.push_back(absl::StrCat("segment ", id));
  auto segment = store_->EnsureSegment(
      store_->FindDestination(kAccount)->number, "ns", id, "", 100);
  const ListNumber list =
      segment.ok() ? segment->list
                   : static_cast<ListNumber>(model_.lists.size()) + 1;
  model_.lists[list].segment = id;
  return Done(segment.status(), true);
}

absl::Status FaultHistory::StepCommit() {
  const DestinationRow destination = *store_->FindDestination(kAccount);
  Batch batch;
  batch.destination = destination.number;
  batch.max_backlog_bytes = int64_t{1} << 40;
  FaultModel::Export* sent = nullptr;
  if (Chance(70)) {
    batch.export_id = absl::StrCat("e", Pick(3));
    const auto known = model_.exports.find(batch.export_id);
    if (known != model_.exports.end() && known->second.ended) return {};
    sent = &model_.exports[batch.export_id];
    batch.sequence_number = static_cast<int64_t>(sent->batches.size()) + 1;
    for (uint8_t& byte : batch.digest) byte = generator_();
  }
  trail_.push_back(
      absl::StrCat("commit ", batch.export_id, " ", batch.sequence_number));
  const bool end = sent != nullptr && !sent->batches.empty() && Chance(4);
  ++model_.commit;
  if (end) {
    batch.end_of_export = true;
    batch.sequence_number -= 1;
    sent->ended = true;
  } else {
    std::vector<ListNumber> lists;
    for (auto& [number, list] : model_.lists) {
      if (!Chance(60)) continue;
      SegmentChanges& changes = batch.segments.emplace_back();
      changes.list = number;
      changes.segment = store_->GetList(number)->segment;
      const int entries = Chance(15) ? 0 : Pick(Chance(50) ? 10 : 120);
      for (int i = 0; i < entries; ++i) {
        FaultModel::Entry& entry = list.runs.emplace_back();
        entry.commit = model_.commit;
        entry.order = model_.order++;
        entry.change = Chance(60) ? Change::kAdd : Change::kRemove;
        entry.record = Pick(static_cast<int>(universe_.size()));
        entry.counted = Chance(80);
        changes.run.Add(entry.change, RecordAt(entry.record), entry.counted);
        changes.counts.received += entry.counted;
      }
      changes.counts.received += 3;
      changes.counts.excluded += 1;
      changes.counts.rejected += 2;
      list.counts.intake.received += changes.counts.received;
      list.counts.intake.excluded += 1;
      list.counts.intake.rejected += 2;
      if (entries > 0) lists.push_back(number);
    }
    if (Chance(20)) {
      batch.counts_without_segment = {4, 1, 3};
      model_.without_segment.received += 4;
    }
    if (Chance(20)) {
      for (int i = Pick(5); i > 0; --i) {
        batch.rejections.push_back({Pick(100), -1, -1, 1});
        model_.rejections.push_back(
            absl::StrCat(batch.export_id, "/", batch.sequence_number, "/",
                         batch.rejections.back().profile_index));
        if (model_.rejections.size() > kMaxRejections) {
          model_.rejections.pop_front();
        }
      }
    }
    if (sent != nullptr) {
      sent->batches.emplace_back(model_.commit, std::move(lists));
    }
  }
  absl::Status status;
  absl::Notification done;
  store_->Commit(std::move(batch), [&](absl::StatusOr<CommitOutcome> outcome) {
    status = outcome.status();
    done.Notify();
  });
  done.WaitForNotification();
  return Done(status, true);
}

absl::Status FaultHistory::StepRequest() {
  List* list = PickList();
  if (list == nullptr) return absl::OkStatus();
  const Change change = Chance(60) ? Change::kAdd : Change::kRemove;
  std::vector<int> records;
  const int from = Pick(static_cast<int>(universe_.size()));
  const int span = Chance(50) ? static_cast<int>(universe_.size()) : 30;
  const int percent = Chance(50) ? 10 : 80;
  for (int i = from;
       i < std::min(from + span, static_cast<int>(universe_.size())); ++i) {
    if (Chance(percent)) records.push_back(i);
  }
  if (records.empty()) records.push_back(from);
  std::vector<RecordView> views;
  for (int record : records) views.push_back(RecordAt(record));

  trail_.push_back(absl::StrCat("request list ", list_));
  auto doubt = store_->BeginRequest(list_, change, views.front(), views.back());
  DoubtNumber number = next_request_;
  for (const auto& [other, rest] : model_.lists) {
    if (!rest.doubts.empty()) {
      number = std::max(number, rest.doubts.rbegin()->first + 1);
    }
    if (!rest.echoes.empty()) {
      number = std::max(number, rest.echoes.rbegin()->first + 1);
    }
  }
  if (doubt.ok()) number = *doubt;
  next_request_ = number + 1;
  list->doubts[number] = {change, {records.front(), records.back()}};
  // The doubt is on stable storage before the request goes out.
  if (absl::Status s = Done(doubt.status(), true); !s.ok()) return s;
  if (Chance(25)) return absl::OkStatus();  // the answer was lost

  std::vector<RecordView> echoes;
  std::vector<int> echo_records;
  if (Chance(30)) {
    for (int record : records) {
      if (!Chance(30)) continue;
      echo_records.push_back(record);
      echoes.push_back(RecordAt(record));
    }
  }
  const uint64_t echo_number = number + 1;
  trail_.push_back(absl::StrCat("confirm ", number));
  // A crash may leave any of its pieces, in order.
  for (size_t i = 0; i < records.size(); ++i) {
    const int record = records[i];
    if (i > 0 && i % kPieceRecords == 0) {
      possible_.push_back(model_);
      past_.push_back(model_);
    }
    if (change == Change::kAdd) {
      list->delivered[record] = {DeliveredState::kThere, list->epoch};
    } else if (std::binary_search(echo_records.begin(), echo_records.end(),
                                  record)) {
      list->delivered[record] = {DeliveredState::kAbsentSince, list->epoch};
    } else {
      list->delivered.erase(record);
    }
  }
  list->doubts.erase(number);
  if (!echoes.empty()) {
    list->echoes[echo_number] = echo_records;
    next_request_ = echo_number + 1;
  }
  return Done(store_->Confirm(list_, change, views, number, echoes,
                              clock_.Now() + absl::Seconds(Pick(100))),
              false);
}

absl::Status FaultHistory::StepRefuse() {
  List* list = PickList();
  if (list == nullptr) return absl::OkStatus();
  std::vector<Refusal> refusals;
  int record = Pick(static_cast<int>(universe_.size()) - 10);
  for (int i = 1 + Pick(4); i > 0; --i) {
    Refusal& refusal = refusals.emplace_back();
    refusal.record = RecordAt(record);
    refusal.change = Chance(50) ? Change::kAdd : Change::kRemove;
    refusal.http_status = 400;
    refusal.message = absl::StrCat("m", Pick(1'000));
    list->delivered[record] = {refusal.change == Change::kAdd
                                   ? DeliveredState::kRefusedAdd
                                   : DeliveredState::kRefusedRemove,
                               list->epoch};
    record += 1 + Pick(2);
  }
  for (const Refusal& refusal : refusals) {
    model_.rejections.push_back(refusal.message);
    if (model_.rejections.size() > kMaxRejections) {
      model_.rejections.pop_front();
    }
  }
  trail_.push_back(absl::StrCat("refuse list ", list_));
  return Done(store_->Refuse(list_, refusals), true);
}

absl::Status FaultHistory::StepSettle() {
  List* list = PickList();
  if (list == nullptr) return absl::OkStatus();
  CommitNumber through = store_->SyncedCommit();
  if (Chance(40)) through -= std::min<CommitNumber>(through, Pick(8));
  DoubtNumber last_doubt = 0;
  if (!list->doubts.empty() && Chance(70)) {
    last_doubt = list->doubts.rbegin()->first - Pick(2);
  }
  PassCounts counts;
  for (const FaultModel::Entry& entry : list->runs) {
    if (entry.commit > through || !entry.counted) continue;
    ++(Chance(50) ? counts.delivered : counts.netted_out);
  }
  auto& runs = list->runs;
  runs.erase(std::remove_if(runs.begin(), runs.end(),
                            [&](const FaultModel::Entry& entry) {
                              return entry.commit <= through;
                            }),
             runs.end());
  list->doubts.erase(list->doubts.begin(),
                     list->doubts.upper_bound(last_doubt));
  list->settled = std::max(list->settled, through);
  list->counts.settled.delivered += counts.delivered;
  list->counts.settled.netted_out += counts.netted_out;
  trail_.push_back(absl::StrCat("settle list ", list_, " ", through));
  return Done(store_->Settle(list_, through, last_doubt, counts, clock_.Now()),
              false);
}

absl::Status FaultHistory::StepEpoch() {
  List* list = PickList();
  if (list == nullptr) return absl::OkStatus();
  ListRow row = *store_->GetList(list_);
  row.epoch = ++list->epoch;
  trail_.push_back(absl::StrCat("epoch list ", list_));
  return Done(store_->UpdateList(row), true);
}

absl::Status FaultHistory::StepEndEcho() {
  List* list = PickList();
  if (list == nullptr || list->echoes.empty()) return absl::OkStatus();
  const uint64_t number = list->echoes.begin()->first;
  list->echoes.erase(number);
  trail_.push_back(absl::StrCat("end echo ", number));
  return Done(store_->EndEcho(list_, number), false);
}

absl::Status FaultHistory::Step() {
  clock_.Advance(absl::Seconds(1));
  if (!model_.destination || model_.lists.size() < kSegments) {
    return StepCatalog();
  }
  const int kind = Pick(100);
  if (kind < 45) return StepCommit();
  if (kind < 70) return StepRequest();
  if (kind < 76) return StepRefuse();
  if (kind < 90) return StepSettle();
  if (kind < 94) return StepEpoch();
  return StepEndEcho();
}

absl::Status FaultHistory::Steps(int steps) {
  for (int i = 0; i < steps; ++i) {
    if (absl::Status s = Step(); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace connector::membership
