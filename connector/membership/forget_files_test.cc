// Who is forgotten is in no file of the store: neither in what its rows were
// before, nor in a log, nor in the file that lists the tables.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "connector/base/error.h"
#include "connector/membership/run_filter.h"
#include "connector/membership/store_fixture.h"
#include "gtest/gtest.h"

namespace connector::membership {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordKind;
using identity_mapping::RecordView;

class ForgetFilesTest : public testing::Test {
 protected:
  ForgetFilesTest()
      : directory_(absl::StrCat(testing::TempDir(), "/forget-files")) {
    std::filesystem::remove_all(directory_);
    for (int i = 0; i < 3'000; ++i) {
      const Record record = TestRecord(i, static_cast<RecordKind>(1 + i % 4));
      // Not what may be a part of anything.
      if (record.payload().size() >= 12) records_.push_back(record);
    }
    std::sort(records_.begin(), records_.end());
    records_.erase(std::unique(records_.begin(), records_.end()),
                   records_.end());
    Open();
    destination_ = store_->PutDestination("549", "c")->number;
    segment_ = *store_->EnsureSegment(destination_, "ns", "s", "", 10);
  }

  void Open() {
    store_.reset();
    StoreOptions options;
    options.path = directory_;
    options.clock = &clock_;
    options.random = &random_;
    options.memory_budget = 8 << 20;
    StoreTuning tuning;
    tuning.block_target_bytes = 300;
    tuning.block_max_bytes = 450;
    tuning.block_small_bytes = 150;
    // Flushes and compactions all the time.
    tuning.write_buffer_bytes = 64 << 10;
    auto store = OpenRocksdbStore(options, tuning);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  CommitOutcome Commit(Batch batch) {
    absl::Notification done;
    absl::StatusOr<CommitOutcome> outcome;
    batch.max_backlog_bytes = int64_t{1} << 40;
    store_->Commit(std::move(batch), [&](auto answer) {
      outcome = std::move(answer);
      done.Notify();
    });
    done.WaitForNotification();
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? *outcome : CommitOutcome();
  }
  // The change of some records, committed, confirmed and settled.
  void Deliver(Change change, const std::vector<Record>& records) {
    Batch batch;
    batch.destination = destination_;
    SegmentChanges& changes = batch.segments.emplace_back();
    changes.segment = segment_.number;
    changes.list = segment_.list;
    std::vector<RecordView> views;
    for (const Record& record : records) {
      changes.run.Add(change, record, true);
      ++changes.counts.received;
      views.push_back(record);
    }
    Commit(std::move(batch));
    Confirm(change, views);
    PassCounts counts;
    counts.delivered = static_cast<int64_t>(records.size());
    ASSERT_TRUE(store_
                    ->Settle(segment_.list, store_->SyncedCommit(), 0, counts,
                             clock_.Now())
                    .ok());
  }
  void Confirm(Change change, const std::vector<RecordView>& views) {
    auto doubt = store_->BeginRequest(segment_.list, change, views.front(),
                                      views.back());
    ASSERT_TRUE(doubt.ok());
    ASSERT_TRUE(store_
                    ->Confirm(segment_.list, change, views, *doubt, {},
                              absl::InfiniteFuture())
                    .ok());
  }
  // Of the records, those that some file holds; only of the names that start
  // so.
  std::set<size_t> InFiles(const std::vector<Record>& records,
                           const std::string& start = "") {
    std::set<size_t> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(directory_)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || name.rfind(start, 0) != 0) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::stringstream content;
      content << file.rdbuf();
      const std::string bytes = content.str();
      for (size_t i = 0; i < records.size(); ++i) {
        if (bytes.find(std::string(records[i].payload())) !=
            std::string::npos) {
          found.insert(i);
        }
      }
    }
    return found;
  }

  const std::string directory_;
  FakeClock clock_;
  FakeRandom random_{1};
  std::vector<Record> records_;
  std::unique_ptr<MembershipStore> store_;
  DestinationNumber destination_ = 0;
  SegmentRow segment_;
};

TEST_F(ForgetFilesTest, NoFileHoldsThemAnyMore) {
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < records_.size(); i += 500) {
      Deliver(Change::kAdd,
              {records_.begin() + i,
               records_.begin() + std::min(i + 500, records_.size())});
    }
    if (round < 2) Deliver(Change::kRemove, records_);
  }
  // Nearly all: among them are the first records of blocks and of tables.
  std::vector<Record> forgotten;
  std::vector<Record> others;
  for (size_t i = 0; i < records_.size(); ++i) {
    (i % 10 != 0 ? forgotten : others).push_back(records_[i]);
  }
  EXPECT_EQ(InFiles(forgotten).size(), forgotten.size());
  EXPECT_FALSE(InFiles(forgotten, "MANIFEST").empty());

  Batch batch;
  batch.destination = destination_;
  batch.forget = ForgetRequest{forgotten, "request", "receipt"};
  const ForgetNumber number = Commit(std::move(batch)).forget;
  EXPECT_EQ(store_->ForcedRemovals(segment_.list, 0, store_->SyncedCommit()),
            forgotten);
  EXPECT_FALSE(*store_->NoteProgress());
  Confirm(Change::kRemove, {forgotten.begin(), forgotten.end()});
  ASSERT_TRUE(
      store_->Settle(segment_.list, store_->SyncedCommit(), 0, {}, clock_.Now())
          .ok());
  EXPECT_TRUE(*store_->NoteProgress());
  // Somebody still reads what was there.
  auto reader = store_->ReadDelivered(segment_.list);
  ASSERT_TRUE((*reader)->Find(others[0]).ok());
  ASSERT_TRUE(store_->PurgeList(segment_.list).ok());
  const absl::Status purged = store_->EndPurge(destination_, {number});
  ASSERT_TRUE(purged.ok()) << purged;
  EXPECT_EQ(GetErrorDetail(store_->EraseRows(destination_)).reason,
            "FILES_IN_USE");
  reader->reset();
  const absl::Status erased = store_->EraseRows(destination_);
  ASSERT_TRUE(erased.ok()) << erased;
  EXPECT_EQ(store_->FindForgets(destination_)[0].phase, ForgetPhase::kDone);
  EXPECT_EQ(InFiles(forgotten), std::set<size_t>());
  EXPECT_EQ(InFiles(others).size(), others.size());

  // All the others are known as before, also to the next process.
  Open();
  EXPECT_EQ(InFiles(forgotten), std::set<size_t>());
  auto delivered = store_->ReadDelivered(segment_.list);
  ASSERT_TRUE(delivered.ok());
  for (size_t i = 0; i < records_.size(); ++i) {
    auto entry = (*delivered)->Find(records_[i]);
    ASSERT_TRUE(entry.ok());
    EXPECT_EQ(entry->state.has_value(), i % 10 == 0);
  }
  auto report = store_->Report(destination_);
  EXPECT_EQ(report->segments[0].members, static_cast<int64_t>(others.size()));
}

TEST(FilterRunTest, WhatStaysKeepsItsPlace) {
  RunBuilder builder;
  std::vector<Record> records;
  for (int i = 0; i < 40; ++i) {
    records.push_back(TestRecord(i, static_cast<RecordKind>(1 + i % 4)));
    builder.Add(i % 3 == 0 ? Change::kRemove : Change::kAdd, records.back(),
                i % 5 != 0, absl::FromUnixSeconds(i));
  }
  for (Change change : {Change::kAdd, Change::kRemove}) {
    const std::string value =
        RunHead(builder.flags(change), absl::FromUnixMillis(77), 100) +
        builder.Body(change);
    const auto drop = [&](RecordView record) {
      for (int i = 0; i < 40; i += 2) {
        if (records[i].view() == record) return true;
      }
      return false;
    };
    const auto filtered = FilterRun(value, drop);
    ASSERT_TRUE(filtered.ok());
    std::vector<std::pair<EventOrder, std::string>> expected;
    std::vector<std::pair<EventOrder, std::string>> kept;
    int64_t dropped = 0;
    int64_t counted = 0;
    RunEntry entry;
    auto reader = RunReader::Open(value);
    while (reader->Next(&entry)) {
      if (drop(entry.record)) {
        ++dropped;
        counted += entry.counted;
        continue;
      }
      expected.emplace_back(
          entry.order, absl::StrCat(entry.record.encoded(), entry.counted,
                                    absl::ToUnixSeconds(*entry.event_time)));
    }
    reader = RunReader::Open(filtered->value);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(reader->commit_time(), absl::FromUnixMillis(77));
    while (reader->Next(&entry)) {
      kept.emplace_back(entry.order,
                        absl::StrCat(entry.record.encoded(), entry.counted,
                                     absl::ToUnixSeconds(*entry.event_time)));
    }
    EXPECT_TRUE(reader->status().ok());
    EXPECT_EQ(kept, expected);
    EXPECT_EQ(filtered->dropped, dropped);
    EXPECT_EQ(filtered->dropped_counted, counted);
    // Nothing is left of nothing.
    const auto none = FilterRun(value, [](RecordView) { return true; });
    ASSERT_TRUE(none.ok());
    reader = RunReader::Open(none->value);
    ASSERT_TRUE(reader.ok());
    EXPECT_FALSE(reader->Next(&entry));
    EXPECT_TRUE(reader->status().ok());
  }
}

}  // namespace
}  // namespace connector::membership
