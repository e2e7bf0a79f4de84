#ifndef CONNECTOR_MEMBERSHIP_STORE_FIXTURE_H_
#define CONNECTOR_MEMBERSHIP_STORE_FIXTURE_H_

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/types/span.h"
#include "connector/base/error.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/membership/rocksdb_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "identity_mapping/record.h"

// What the tests of the store share.
namespace connector::membership {

using identity_mapping::Record;
using identity_mapping::RecordKind;
using identity_mapping::RecordView;

inline Record EncodedRecord(const std::string& encoded) {
  std::optional<RecordView> view = RecordView::FromEncoded(encoded);
  if (!view.has_value()) std::abort();
  return Record::FromView(*view);
}

// A record that `number` decides, of the given kind. They do not come in the
// order of their numbers.
inline Record TestRecord(uint64_t number,
                         RecordKind kind = RecordKind::kSha256) {
  std::mt19937_64 generator(number);
  const size_t size = kind == RecordKind::kSha256 ? 32
                      : kind == RecordKind::kSha1 ? 20
                      : kind == RecordKind::kMd5  ? 16
                                                  : 1 + generator() % 40;
  std::string encoded(1, static_cast<char>(kind));
  for (size_t i = 0; i < size; ++i) {
    encoded.push_back(kind == RecordKind::kOpaque
                          ? static_cast<char>('a' + generator() % 26)
                          : static_cast<char>(generator()));
  }
  return EncodedRecord(encoded);
}

// Ascending, without repeats.
inline std::vector<RecordView> Sorted(const std::vector<Record>& records) {
  std::vector<RecordView> views(records.begin(), records.end());
  std::sort(views.begin(), views.end());
  views.erase(std::unique(views.begin(), views.end()), views.end());
  return views;
}

// A directory of its own that goes when the test ends.
class TempDirectory {
 public:
  TempDirectory() {
    static std::atomic<int> next{0};
    const char* base = std::getenv("TEST_TMPDIR");
    path_ = absl::StrCat(base != nullptr ? base : "/tmp", "/membership-",
                         getpid(), "-", next++);
    std::filesystem::remove_all(path_);
  }
  ~TempDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string Reason(const absl::Status& status) {
  return GetErrorDetail(status).reason;
}

class TestListener : public ExportListener {
 public:
  void OnDelivered(int64_t sequence_number) override {
    absl::MutexLock lock(&mutex_);
    delivered_.push_back(sequence_number);
  }
  void OnFenced() override {
    absl::MutexLock lock(&mutex_);
    ++fenced_;
  }
  std::vector<int64_t> delivered() {
    absl::MutexLock lock(&mutex_);
    return delivered_;
  }
  int fenced() {
    absl::MutexLock lock(&mutex_);
    return fenced_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<int64_t> delivered_ ABSL_GUARDED_BY(mutex_);
  int fenced_ ABSL_GUARDED_BY(mutex_) = 0;
};

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    options_.path = directory_.path();
    options_.clock = &clock_;
    options_.random = &random_;
    options_.memory_budget = 8 << 20;
    Reopen();
  }

  void Reopen() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<MembershipStore>> store =
        OpenRocksdbStore(options_, tuning_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  // A destination, and segment i of it.
  DestinationNumber MakeDestination(absl::string_view account = "549") {
    return store_->PutDestination(account, "config")->number;
  }
  SegmentRow MakeSegment(DestinationNumber destination, int i = 0) {
    return *store_->EnsureSegment(destination, "ups", absl::StrCat("s", i), "",
                                  250);
  }

  // A batch that adds and removes records of one segment.
  static Batch MakeBatch(const SegmentRow& segment,
                         const std::vector<Record>& adds,
                         const std::vector<Record>& removes = {}) {
    Batch batch;
    batch.destination = segment.destination;
    batch.max_backlog_bytes = int64_t{1} << 40;
    SegmentChanges& changes = batch.segments.emplace_back();
    changes.segment = segment.number;
    changes.list = segment.list;
    for (const Record& record : adds) {
      changes.run.Add(Change::kAdd, record, true);
    }
    for (const Record& record : removes) {
      changes.run.Add(Change::kRemove, record, true);
    }
    changes.counts.received =
        static_cast<int64_t>(adds.size() + removes.size());
    return batch;
  }
  static Batch Numbered(Batch batch, const std::string& export_id,
                        int64_t number, uint64_t fence = 0) {
    batch.export_id = export_id;
    batch.sequence_number = number;
    batch.fence = fence;
    batch.digest.fill(static_cast<uint8_t>(number));
    return batch;
  }
  static Batch EndOf(DestinationNumber destination,
                     const std::string& export_id, int64_t number,
                     uint64_t fence = 0) {
    Batch batch;
    batch.destination = destination;
    batch = Numbered(std::move(batch), export_id, number, fence);
    batch.end_of_export = true;
    return batch;
  }

  absl::StatusOr<CommitOutcome> Commit(Batch batch) {
    absl::StatusOr<CommitOutcome> outcome = absl::UnknownError("");
    absl::Notification done;
    store_->Commit(std::move(batch), [&](absl::StatusOr<CommitOutcome> o) {
      outcome = std::move(o);
      done.Notify();
    });
    done.WaitForNotification();
    return outcome;
  }
  // The reason of the refusal; "OK" if there is none.
  std::string CommitReason(Batch batch) {
    absl::StatusOr<CommitOutcome> outcome = Commit(std::move(batch));
    return outcome.ok() ? "OK" : Reason(outcome.status());
  }

  // All entries of runs of one kind.
  std::vector<Record> Runs(ListNumber list, Change change,
                           CommitNumber after = 0,
                           CommitNumber through = ~uint64_t{0}) {
    std::vector<Record> records;
    auto cursor = store_->ReadRuns(list, change, after, through);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    RunEntry entry;
    while ((*cursor)->Next(&entry)) {
      records.push_back(Record::FromView(entry.record));
    }
    EXPECT_TRUE((*cursor)->status().ok()) << (*cursor)->status();
    return records;
  }

  DeliveredEntry Find(ListNumber list, RecordView record) {
    auto cursor = store_->ReadDelivered(list);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    auto entry = (*cursor)->Find(record);
    EXPECT_TRUE(entry.ok()) << entry.status();
    return entry.value_or(DeliveredEntry());
  }

  // A request that was confirmed at once.
  void Deliver(ListNumber list, Change change,
               const std::vector<Record>& records) {
    const std::vector<RecordView> sorted = Sorted(records);
    auto doubt =
        store_->BeginRequest(list, change, sorted.front(), sorted.back());
    ASSERT_TRUE(doubt.ok()) << doubt.status();
    absl::Status status =
        store_->Confirm(list, change, sorted, *doubt, {}, absl::InfinitePast());
    ASSERT_TRUE(status.ok()) << status;
  }

  absl::Status SettleAll(ListNumber list, const PassCounts& counts = {}) {
    return store_->Settle(list, store_->SyncedCommit(), 0, counts,
                          clock_.Now());
  }

  TempDirectory directory_;
  FakeClock clock_;
  FakeRandom random_{1};
  StoreOptions options_;
  StoreTuning tuning_;
  std::unique_ptr<MembershipStore> store_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_STORE_FIXTURE_H_
