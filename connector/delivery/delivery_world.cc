#include "connector/delivery/delivery_world.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "connector/membership/rocksdb_store.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using identity_mapping::RecordView;
using membership::Change;

// 32 bytes that look like a digest, the same for one number everywhere.
std::string Payload(int record) {
  std::string payload(32, '\0');
  uint64_t state = static_cast<uint64_t>(record) * 0x9e3779b97f4a7c15 + 1;
  for (char& byte : payload) {
    state ^= state >> 29;
    state *= 0xbf58476d1ce4e5b9;
    byte = static_cast<char>(state >> 56);
  }
  payload[31] = static_cast<char>(record);
  payload[30] = static_cast<char>(record >> 8);
  payload[29] = static_cast<char>(record >> 16);
  return payload;
}

std::string MakeDirectory() {
  for (const std::string& place :
       {std::string("/dev/shm"), testing::TempDir()}) {
    std::string name = place + "/delivery-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) return name;
  }
  ADD_FAILURE() << "no place for a directory";
  return "";
}

}  // namespace

DeliveryWorld::DeliveryWorld(uint64_t seed, Backend backend)
    : directory_(MakeDirectory()),
      random_(seed),
      pinterest_(&clock_),
      disk_(backend == Backend::kMemory
                ? std::make_unique<membership::MemoryDisk>()
                : nullptr) {
  auto* credential = config_.add_credentials();
  credential->set_credential_id("main");
  credential->set_access_token_file("token");
  auto* destination = config_.add_destinations();
  destination->set_ad_account_id(kAdAccount);
  destination->set_display_name("test");
  destination->set_credential_id("main");
}

DeliveryWorld::~DeliveryWorld() {
  Close();
  std::filesystem::remove_all(directory_);
}

void DeliveryWorld::Close(size_t kept) {
  forget_runner_.reset();
  deliverer_.reset();
  registry_.reset();
  store_.reset();
  if (disk_ != nullptr) disk_->LoseUnsynced(kept);
}

void DeliveryWorld::Open() {
  if (store_ != nullptr) Close();
  opened_.push_back(clock_.Now());
  membership::StoreOptions options;
  options.path = directory_ + "/store";
  options.clock = &clock_;
  options.random = &random_;
  membership::StoreTuning tuning;
  if (disk_ != nullptr) tuning.open_db = disk_->Opener();
  if (tuning_) tuning_(tuning);
  auto store = membership::OpenRocksdbStore(options, tuning);
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  auto registry = config::Registry::Load(store_.get(), config_);
  ASSERT_TRUE(registry.ok()) << registry.status();
  registry_ = *std::move(registry);
  DelivererOptions delivery;
  delivery.ledger =
      ledger_wrapper_ ? ledger_wrapper_(store_.get()) : store_.get();
  delivery.operations = store_.get();
  delivery.operation_piece = 4;
  delivery.counters = store_.get();
  delivery.registry = registry_.get();
  delivery.forgets = store_.get();
  delivery.full_syncs = store_.get();
  delivery.min_members_to_confirm = min_members_to_confirm_;
  delivery.intake = store_.get();
  delivery.people = store_.get();
  delivery.clients = &pinterest_;
  delivery.clock = &clock_;
  delivery.random = &random_;
  delivery.spill_directory = directory_ + "/spill";
  delivery.max_passes = max_passes_;
  delivery.observer = [this](const DeliveryEvent& event) {
    events_.push_back(event);
  };
  auto deliverer = Deliverer::Create(std::move(delivery));
  ASSERT_TRUE(deliverer.ok()) << deliverer.status();
  deliverer_ = *std::move(deliverer);
  ForgetRunner::Options forgetting;
  forgetting.forgets = store_.get();
  forgetting.ledger = store_.get();
  forgetting.deliverer = deliverer_.get();
  forgetting.registry = registry_.get();
  forgetting.clock = &clock_;
  forget_runner_ = std::make_unique<ForgetRunner>(std::move(forgetting));
}

membership::DestinationNumber DeliveryWorld::destination() {
  return registry_->FindDestination(absl::string_view(kAdAccount))->number;
}

membership::ListNumber DeliveryWorld::ListOf(const std::string& segment) {
  auto row = store_->FindSegment(destination(), "ups", segment);
  EXPECT_TRUE(row.has_value()) << segment;
  return row.has_value() ? row->list : 0;
}

void DeliveryWorld::Commit(const std::vector<Event>& events) {
  for (const Event& event : events) {
    model_[event.segment][event.record] = event.change;
    commits_.emplace_back(clock_.Now(), event);
  }
  CommitTo(kAdAccount, events);
}

void DeliveryWorld::CommitTo(const std::string& ad_account,
                             const std::vector<Event>& events) {
  const absl::Status status = TryCommitTo(ad_account, events);
  ASSERT_TRUE(status.ok()) << status;
}

absl::Time DeliveryWorld::TimeOf(const Event& event) {
  if (event.time >= 0) return absl::FromUnixSeconds(1'700'000'000 + event.time);
  return event.change == membership::Change::kRemove &&
                 event.time == Event::kNoTime
             ? absl::InfinitePast()
             : absl::InfiniteFuture();
}

membership::Batch DeliveryWorld::MakeBatch(const std::string& ad_account,
                                           const std::string& export_id) {
  membership::Batch batch;
  batch.destination =
      registry_->FindDestination(absl::string_view(ad_account))->number;
  batch.max_backlog_bytes = int64_t{1} << 40;
  batch.export_id = export_id;
  if (export_id.empty()) return batch;
  batch.sequence_number = 1;
  for (const auto& position : store_->Exports(batch.destination)) {
    if (position.export_id == export_id) {
      batch.sequence_number = position.durable + 1;
    }
  }
  return batch;
}

absl::Status DeliveryWorld::CommitAndWait(membership::Batch batch,
                                          membership::CommitOutcome* outcome) {
  absl::Notification done;
  absl::Status status;
  store_->Commit(std::move(batch),
                 [&](absl::StatusOr<membership::CommitOutcome> answer) {
                   status = answer.status();
                   if (answer.ok() && outcome != nullptr) *outcome = *answer;
                   done.Notify();
                 });
  done.WaitForNotification();
  return status;
}

absl::Status DeliveryWorld::TryFullSyncFrame(
    const std::string& ad_account, const std::string& export_id,
    const std::string& segment, membership::FullSyncFrame::Kind kind,
    absl::Duration expire_after) {
  membership::Batch batch = MakeBatch(ad_account, export_id);
  auto row = store_->EnsureSegment(batch.destination, "ups", segment, "", 1000);
  if (!row.ok()) return row.status();
  batch.full_sync =
      membership::FullSyncFrame{kind, row->number, row->list, expire_after};
  return CommitAndWait(std::move(batch));
}

absl::Status DeliveryWorld::TryEndExport(const std::string& ad_account,
                                         const std::string& export_id) {
  membership::Batch batch = MakeBatch(ad_account, export_id);
  --batch.sequence_number;
  batch.end_of_export = true;
  return CommitAndWait(std::move(batch));
}

absl::Status DeliveryWorld::TryDecide(
    const membership::FullSyncDecision& decision) {
  membership::Batch batch;
  batch.full_sync_decision = decision;
  return CommitAndWait(std::move(batch));
}

absl::Status DeliveryWorld::TryCommitTo(const std::string& ad_account,
                                        const std::vector<Event>& events,
                                        const std::string& export_id) {
  membership::Batch batch = MakeBatch(ad_account, export_id);
  for (const Event& event : events) {
    auto segment = store_->EnsureSegment(batch.destination, "ups",
                                         event.segment, "", 1000);
    if (!segment.ok()) return segment.status();
    auto changes = std::find_if(
        batch.segments.begin(), batch.segments.end(),
        [&](const auto& c) { return c.segment == segment->number; });
    if (changes == batch.segments.end()) {
      changes = batch.segments.emplace(batch.segments.end());
      changes->segment = segment->number;
      changes->list = segment->list;
    }
    if (event.counted) ++changes->counts.received;
    const bool timed =
        std::any_of(events.begin(), events.end(), [&](const Event& other) {
          return other.change == event.change && other.time != Event::kNoTime;
        });
    changes->run.Add(event.change, RecordOf(event.record), event.counted,
                     timed ? std::make_optional(TimeOf(event)) : std::nullopt);
  }
  return CommitAndWait(std::move(batch));
}

absl::StatusOr<membership::CommitOutcome> DeliveryWorld::TryForget(
    const std::vector<int>& records, const std::string& request_id) {
  membership::Batch batch;
  batch.destination = destination();
  membership::ForgetRequest& request = batch.forget.emplace();
  for (int record : records) request.forms.push_back(RecordOf(record));
  std::sort(request.forms.begin(), request.forms.end());
  request.request_id = request_id;
  request.receipt_id = "receipt-" + request_id;
  membership::CommitOutcome outcome;
  const absl::Status status = CommitAndWait(std::move(batch), &outcome);
  if (!status.ok()) return status;
  if (outcome.repeat) return outcome;
  for (auto& [segment, changes] : model_) {
    for (int record : records) changes[record] = Change::kRemove;
  }
  return outcome;
}

bool DeliveryWorld::RunUntilForgotten(absl::Duration at_most) {
  const absl::Time end = clock_.Now() + at_most;
  while (clock_.Now() < end) {
    if (!RunUntilQuiet(at_most)) return false;
    if (RunForgetting()) continue;
    if (store_->UnfinishedForgets().empty()) return true;
    clock_.Advance(absl::Seconds(30));
  }
  return false;
}

int DeliveryWorld::RunSteps(int at_most) {
  int run = 0;
  do {
    while (run < at_most && deliverer_->RunReadyStep()) ++run;
  } while (run < at_most && TellAudiences());
  return run;
}

bool DeliveryWorld::TellAudiences() {
  const auto tasks = store_->AudienceTasks();
  for (const auto& task : tasks) {
    if (!store_->EndAudienceTask(task).ok()) return false;
  }
  return !tasks.empty();
}

bool DeliveryWorld::RunUntilQuiet(absl::Duration at_most) {
  const absl::Time end = clock_.Now() + at_most;
  while (true) {
    RunSteps();
    const absl::Time next = deliverer_->NextStepTime();
    if (next == absl::InfiniteFuture()) return true;
    if (next > end) return false;
    clock_.Advance(std::max(next - clock_.Now(), absl::Milliseconds(1)));
  }
}

void DeliveryWorld::ExpectConverged() {
  EXPECT_TRUE(store_->PendingLists().empty());
  std::map<std::string, int> lists;
  for (const auto& [id, list] : pinterest_.Lists()) ++lists[list.name];
  for (const auto& [segment, records] : model_) {
    std::set<int> expected;
    for (const auto& [record, change] : records) {
      if (change == Change::kAdd) expected.insert(record);
    }
    EXPECT_LE(lists[Name(segment)], 1) << segment;
    if (lists[Name(segment)] == 1 || !expected.empty()) {
      const std::set<int> on_list = OnList(segment);
      EXPECT_EQ(on_list, expected) << segment;
      for (const auto& [record, change] : records) {
        if (on_list.count(record) != expected.count(record)) {
          ADD_FAILURE() << "record " << record << "\n"
                        << HistoryOf(segment, record);
        }
      }
    }
    const membership::SyncCounts counts = Counts(segment);
    EXPECT_EQ(counts.pending(), 0) << segment;
  }
}

std::set<int> DeliveryWorld::OnListOrEmpty(const std::string& segment) {
  for (const auto& [id, list] : pinterest_.Lists()) {
    if (list.name == Name(segment)) return OnList(segment);
  }
  return {};
}

std::string DeliveryWorld::HistoryOf(const std::string& segment, int record) {
  std::string list_id;
  for (const auto& [id, list] : pinterest_.Lists()) {
    if (list.name == Name(segment)) list_id = id;
  }
  std::map<absl::Time, std::string> lines;
  for (const auto& [time, line] : commits_) {
    if (line.segment != segment || line.record != record) continue;
    absl::StrAppend(&lines[time], "  commit ",
                    line.change == Change::kAdd ? "add" : "remove", "\n");
  }
  for (const auto& call : pinterest_.Calls()) {
    if (!call.list_id.empty() && call.list_id != list_id) continue;
    for (const std::string& text : call.records) {
      if (text != WireText(record)) continue;
      absl::StrAppend(&lines[call.time], "  call ", call.what, " fault ",
                      static_cast<int>(call.fault), "\n");
    }
  }
  for (absl::Time time : opened_) absl::StrAppend(&lines[time], "  opened\n");
  std::string history;
  for (const auto& [time, text] : lines) {
    absl::StrAppend(&history, absl::ToUnixMillis(time) % 10'000'000, "\n",
                    text);
  }
  return history;
}

std::set<int> DeliveryWorld::OnList(const std::string& segment) {
  std::map<std::string, int> numbers;
  for (const auto& [record, change] : model_[segment]) {
    numbers[WireText(record)] = record;
  }
  std::set<int> on_list;
  for (const std::string& text : pinterest_.Records(Name(segment))) {
    auto found = numbers.find(text);
    on_list.insert(found == numbers.end() ? -1 : found->second);
  }
  return on_list;
}

int DeliveryWorld::CallCount(const std::string& what) {
  int count = 0;
  for (const auto& call : pinterest_.Calls()) count += call.what == what;
  return count;
}

membership::SyncCounts DeliveryWorld::Counts(const std::string& segment) {
  auto report = store_->Report(destination());
  EXPECT_TRUE(report.ok()) << report.status();
  if (report.ok()) {
    for (const auto& row : report->segments) {
      if (row.segment.segment_id == segment) return row.counts;
    }
  }
  ADD_FAILURE() << "no segment " << segment;
  return {};
}

identity_mapping::Record DeliveryWorld::RecordOf(int record) {
  const std::string encoded = "\x01" + Payload(record);
  return identity_mapping::Record::FromView(*RecordView::FromEncoded(encoded));
}

std::string DeliveryWorld::WireText(int record) {
  return absl::BytesToHexString(Payload(record));
}

}  // namespace connector::delivery
