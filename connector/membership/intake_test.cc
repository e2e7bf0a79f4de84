#include <thread>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class IntakeTest : public StoreTest {
 protected:
  IntakeTest() {
    destination_ = MakeDestination();
    segment_ = MakeSegment(destination_);
  }

  // A batch of one record under a number.
  Batch Small(int64_t number, uint64_t fence = 0,
              const std::string& export_id = "e") {
    return Numbered(MakeBatch(segment_, {TestRecord(number)}), export_id,
                    number, fence);
  }
  OpenedExport Open(const std::string& export_id = "e",
                    std::weak_ptr<ExportListener> listener = {}) {
    auto opened = store_->OpenExport(destination_, export_id, listener);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.value_or(OpenedExport());
  }

  DestinationNumber destination_ = 0;
  SegmentRow segment_;
};

TEST_F(IntakeTest, ACommittedBatchIsThereAfterReopening) {
  const std::vector<Record> adds = {TestRecord(3), TestRecord(1)};
  const std::vector<Record> removes = {TestRecord(2)};
  auto outcome = Commit(MakeBatch(segment_, adds, removes));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_FALSE(outcome->repeat);
  EXPECT_EQ(outcome->position.export_id, "");
  for (int reopened = 0; reopened < 2; ++reopened) {
    EXPECT_EQ(store_->SyncedCommit(), 1);
    EXPECT_EQ(Runs(segment_.list, Change::kAdd), adds);
    EXPECT_EQ(Runs(segment_.list, Change::kRemove), removes);
    auto pending = store_->FindPendingList(segment_.list);
    ASSERT_TRUE(pending.has_value());
    EXPECT_EQ(pending->newest_commit, 1);
    EXPECT_EQ(pending->destination, destination_);
    EXPECT_TRUE(pending->has_removals);
    EXPECT_EQ(pending->oldest_change_time, clock_.Now());
    EXPECT_GT(pending->bytes, 3 * 33);
    Reopen();
  }
}

TEST_F(IntakeTest, OrdersFollowTheOrderOfCommits) {
  ASSERT_TRUE(
      Commit(MakeBatch(segment_, {TestRecord(1)}, {TestRecord(2)})).ok());
  Reopen();
  ASSERT_TRUE(
      Commit(MakeBatch(segment_, {TestRecord(3)}, {TestRecord(4)})).ok());
  std::vector<EventOrder> orders;
  for (CommitNumber commit = 1; commit <= 2; ++commit) {
    for (Change change : {Change::kAdd, Change::kRemove}) {
      auto cursor = store_->ReadRuns(segment_.list, change, commit - 1, commit);
      RunEntry entry;
      while ((*cursor)->Next(&entry)) orders.push_back(entry.order);
    }
  }
  EXPECT_THAT(orders, ElementsAre(2, 3, 4, 5));
}

TEST_F(IntakeTest, NumbersMustFollowOneAnother) {
  const uint64_t fence = Open().fence;
  EXPECT_EQ(CommitReason(Small(1, fence)), "OK");
  EXPECT_EQ(CommitReason(Small(2, fence)), "OK");
  absl::Status gap = Commit(Small(4, fence)).status();
  EXPECT_EQ(gap.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Reason(gap), "SEQUENCE_GAP");
  EXPECT_EQ(GetErrorDetail(gap).metadata["expected"], "3");
  EXPECT_EQ(CommitReason(Small(0, fence)), "SEQUENCE_GAP");
  EXPECT_EQ(Runs(segment_.list, Change::kAdd).size(), 2);
}

TEST_F(IntakeTest, ARepeatChangesNothingAndOtherContentIsRefused) {
  const uint64_t fence = Open().fence;
  for (int i = 1; i <= 3; ++i) ASSERT_EQ(CommitReason(Small(i, fence)), "OK");
  for (int reopened = 0; reopened < 2; ++reopened) {
    for (int i = 1; i <= 3; ++i) {
      auto repeat = Commit(Small(i));
      ASSERT_TRUE(repeat.ok()) << repeat.status();
      EXPECT_TRUE(repeat->repeat);
      EXPECT_EQ(repeat->position.durable, 3);
      Batch other = Small(i);
      other.digest[15] ^= 1;
      absl::Status refused = Commit(std::move(other)).status();
      EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(Reason(refused), "SEQUENCE_REUSED");
    }
    EXPECT_EQ(store_->SyncedCommit(), 3);
    Reopen();
  }
  // Once delivered only the last one is compared.
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  Batch other = Small(2);
  other.digest[0] ^= 1;
  EXPECT_EQ(CommitReason(std::move(other)), "OK");
  other = Small(3);
  other.digest[0] ^= 1;
  EXPECT_EQ(CommitReason(std::move(other)), "SEQUENCE_REUSED");
}

TEST_F(IntakeTest, ANewerStreamFencesTheOlderOne) {
  auto first_listener = std::make_shared<TestListener>();
  auto second_listener = std::make_shared<TestListener>();
  const OpenedExport first = Open("e", first_listener);
  EXPECT_EQ(CommitReason(Small(1, first.fence)), "OK");
  EXPECT_EQ(first_listener->fenced(), 0);
  const OpenedExport second = Open("e", second_listener);
  EXPECT_EQ(first_listener->fenced(), 1);
  EXPECT_EQ(second.position.durable, 1);
  absl::Status fenced = Commit(Small(2, first.fence)).status();
  EXPECT_EQ(fenced.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Reason(fenced), "STREAM_FENCED");
  EXPECT_EQ(CommitReason(Small(2, second.fence)), "OK");
  // Another export is not touched, and a unary call is not fenced.
  EXPECT_EQ(CommitReason(Small(3)), "OK");
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  EXPECT_THAT(first_listener->delivered(), IsEmpty());
  EXPECT_THAT(second_listener->delivered(), ElementsAre(3));
  EXPECT_EQ(second_listener->fenced(), 0);
}

TEST_F(IntakeTest, FencesDoNotOutliveTheProcess) {
  const uint64_t fence = Open().fence;
  ASSERT_EQ(CommitReason(Small(1, fence)), "OK");
  Reopen();
  EXPECT_EQ(CommitReason(Small(2, fence)), "STREAM_FENCED");
  EXPECT_EQ(Open().position.durable, 1);
}

TEST_F(IntakeTest, AnEndedExportTakesNoMore) {
  const uint64_t fence = Open().fence;
  ASSERT_EQ(CommitReason(Small(1, fence)), "OK");
  EXPECT_EQ(CommitReason(EndOf(destination_, "e", 2, fence)), "SEQUENCE_GAP");
  EXPECT_EQ(CommitReason(EndOf(destination_, "e", 0, fence)),
            "SEQUENCE_REUSED");
  auto ended = Commit(EndOf(destination_, "e", 1, fence));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_FALSE(ended->repeat);
  EXPECT_TRUE(ended->position.ended);
  for (int reopened = 0; reopened < 2; ++reopened) {
    auto again = Commit(EndOf(destination_, "e", 1));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->repeat);
    auto repeat = Commit(Small(1));
    ASSERT_TRUE(repeat.ok());
    EXPECT_TRUE(repeat->repeat);
    absl::Status refused = Commit(Small(2)).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(Reason(refused), "EXPORT_ENDED");
    EXPECT_EQ(Reason(store_->OpenExport(destination_, "e", {}).status()),
              "EXPORT_ENDED");
    Reopen();
  }
}

TEST_F(IntakeTest, AnEmptyExportCanEnd) {
  const uint64_t fence = Open().fence;
  ASSERT_EQ(CommitReason(EndOf(destination_, "e", 0, fence)), "OK");
  Reopen();
  auto exports = store_->Exports(destination_);
  ASSERT_EQ(exports.size(), 1);
  EXPECT_TRUE(exports[0].ended);
  EXPECT_EQ(exports[0].durable, 0);
  EXPECT_EQ(exports[0].delivered, 0);
}

TEST_F(IntakeTest, AFullBacklogRefusesUntilItIsSettled) {
  Batch batch = Small(1);
  batch.max_backlog_bytes = 0;
  EXPECT_EQ(CommitReason(std::move(batch)), "OK");
  batch = Small(2);
  batch.max_backlog_bytes = 10;
  absl::Status full = Commit(std::move(batch)).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(full), "BACKLOG_FULL");
  EXPECT_TRUE(GetErrorDetail(full).retry_delay.has_value());
  // A repeat and the end are answered all the same.
  batch = Small(1);
  batch.max_backlog_bytes = 10;
  EXPECT_EQ(CommitReason(std::move(batch)), "OK");
  Reopen();
  batch = Small(2);
  batch.max_backlog_bytes = 10;
  EXPECT_EQ(CommitReason(std::move(batch)), "BACKLOG_FULL");
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  batch = Small(2);
  batch.max_backlog_bytes = 10;
  EXPECT_EQ(CommitReason(std::move(batch)), "OK");
}

TEST_F(IntakeTest, TheBacklogCountsWhatWaitsInTheSameGroup) {
  // All are queued before the first one is answered, so several share a group.
  std::atomic<int> stored{0};
  std::atomic<int> refused{0};
  absl::Notification done;
  constexpr int kBatches = 50;
  for (int i = 0; i < kBatches; ++i) {
    Batch batch = MakeBatch(segment_, {TestRecord(i)});
    batch.max_backlog_bytes = 200;
    store_->Commit(std::move(batch), [&](absl::StatusOr<CommitOutcome> o) {
      ++(o.ok() ? stored : refused);
      if (stored + refused == kBatches) done.Notify();
    });
  }
  done.WaitForNotification();
  // One takes about 60 bytes, and one is taken while not more than 200 wait.
  EXPECT_EQ(stored, 4);
  EXPECT_EQ(Runs(segment_.list, Change::kAdd).size(), 4);
}

TEST_F(IntakeTest, UnknownDestinationsAndForeignSegmentsAreRefused) {
  Batch batch = Small(1);
  batch.destination = 77;
  EXPECT_EQ(CommitReason(std::move(batch)), "DESTINATION_NOT_FOUND");
  EXPECT_EQ(Reason(store_->OpenExport(77, "e", {}).status()),
            "DESTINATION_NOT_FOUND");
  batch = Small(1);
  batch.destination = MakeDestination("550");
  EXPECT_EQ(Commit(std::move(batch)).status().code(),
            absl::StatusCode::kInternal);
}

TEST_F(IntakeTest, DeliveredPositionsFollowTheirLists) {
  const SegmentRow other = MakeSegment(destination_, 1);
  auto listener = std::make_shared<TestListener>();
  const uint64_t fence = Open("e", listener).fence;
  // 1: first list; 2: nothing; 3: both; 4: second list.
  ASSERT_EQ(CommitReason(Small(1, fence)), "OK");
  ASSERT_EQ(CommitReason(Numbered(MakeBatch(segment_, {}), "e", 2, fence)),
            "OK");
  Batch both = Small(3, fence);
  both.segments.push_back(
      std::move(MakeBatch(other, {TestRecord(9)}).segments[0]));
  ASSERT_EQ(CommitReason(std::move(both)), "OK");
  ASSERT_EQ(
      CommitReason(Numbered(MakeBatch(other, {TestRecord(8)}), "e", 4, fence)),
      "OK");
  EXPECT_THAT(listener->delivered(), IsEmpty());
  const CommitNumber last = store_->SyncedCommit();

  ASSERT_TRUE(store_->Settle(segment_.list, 1, 0, {}, clock_.Now()).ok());
  EXPECT_THAT(listener->delivered(), ElementsAre(2));
  ASSERT_TRUE(store_->Settle(other.list, last, 0, {}, clock_.Now()).ok());
  EXPECT_THAT(listener->delivered(), ElementsAre(2));
  Reopen();
  EXPECT_EQ(store_->Exports(destination_)[0].delivered, 2);
  EXPECT_EQ(Open("e", listener).position.delivered, 2);
  ASSERT_TRUE(store_->Settle(segment_.list, last, 0, {}, clock_.Now()).ok());
  EXPECT_THAT(listener->delivered(), ElementsAre(2, 4));
  Reopen();
  EXPECT_EQ(store_->Exports(destination_)[0].delivered, 4);
  EXPECT_EQ(store_->Exports(destination_)[0].durable, 4);
}

TEST_F(IntakeTest, ABatchWithoutChangesIsDeliveredAtOnce) {
  auto listener = std::make_shared<TestListener>();
  const uint64_t fence = Open("e", listener).fence;
  Batch batch = Numbered(MakeBatch(segment_, {}), "e", 1, fence);
  batch.segments[0].counts = {5, 3, 2};
  ASSERT_EQ(CommitReason(std::move(batch)), "OK");
  // The position moves after the answer: the next answer comes later still.
  ASSERT_EQ(CommitReason(Small(1, 0, "other")), "OK");
  EXPECT_THAT(listener->delivered(), ElementsAre(1));
  EXPECT_FALSE(store_->FindPendingList(segment_.list)->bytes == 0);
  Reopen();
  EXPECT_EQ(store_->Exports(destination_)[0].delivered, 1);
}

TEST_F(IntakeTest, ManyUndeliveredBatchesNeedNoMemory) {
  tuning_.export_window = 3;
  tuning_.range_delete_keys = 5;
  Reopen();
  auto listener = std::make_shared<TestListener>();
  uint64_t fence = Open("e", listener).fence;
  for (int i = 1; i <= 40; ++i) ASSERT_EQ(CommitReason(Small(i, fence)), "OK");
  ASSERT_TRUE(store_->Settle(segment_.list, 2, 0, {}, clock_.Now()).ok());
  ASSERT_TRUE(store_->Settle(segment_.list, 9, 0, {}, clock_.Now()).ok());
  Reopen();
  fence = Open("e", listener).fence;
  for (int i = 41; i <= 50; ++i) ASSERT_EQ(CommitReason(Small(i, fence)), "OK");
  ASSERT_TRUE(store_->Settle(segment_.list, 45, 0, {}, clock_.Now()).ok());
  ASSERT_TRUE(store_->Settle(segment_.list, 50, 0, {}, clock_.Now()).ok());
  EXPECT_THAT(listener->delivered(), ElementsAre(2, 9, 45, 50));
  ASSERT_EQ(CommitReason(Small(51, fence)), "OK");
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  EXPECT_EQ(listener->delivered().back(), 51);
}

TEST_F(IntakeTest, ForgetsExportsAfterTheirTime) {
  ASSERT_EQ(CommitReason(Small(1, 0, "old")), "OK");
  ASSERT_EQ(CommitReason(Small(1, 0, "waiting")), "OK");
  ASSERT_TRUE(store_->Settle(segment_.list, 1, 0, {}, clock_.Now()).ok());
  clock_.Advance(options_.export_expiry + absl::Seconds(1));
  // Listed no more; the one with a batch that waits stays.
  auto exports = store_->Exports(destination_);
  ASSERT_EQ(exports.size(), 1);
  EXPECT_EQ(exports[0].export_id, "waiting");
  // Its id starts anew.
  EXPECT_EQ(CommitReason(Small(2, 0, "old")), "SEQUENCE_GAP");
  EXPECT_EQ(Open("old").position.durable, 0);
  ASSERT_EQ(CommitReason(Small(1, 0, "old")), "OK");
  Reopen();
  EXPECT_EQ(store_->Exports(destination_).size(), 2);
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  clock_.Advance(options_.export_expiry + absl::Seconds(1));
  Reopen();
  EXPECT_THAT(store_->Exports(destination_), IsEmpty());
}

TEST_F(IntakeTest, AnOpenStreamKeepsItsExport) {
  auto listener = std::make_shared<TestListener>();
  const uint64_t fence = Open("e", listener).fence;
  ASSERT_EQ(CommitReason(Small(1, fence)), "OK");
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  clock_.Advance(options_.export_expiry + absl::Seconds(1));
  ASSERT_EQ(CommitReason(Small(1, 0, "other")), "OK");
  EXPECT_EQ(CommitReason(Small(2, fence)), "OK");
}

TEST_F(IntakeTest, ADestinationHasOnlySoManyExports) {
  tuning_.max_exports_per_destination = 3;
  Reopen();
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_EQ(CommitReason(Small(1, 0, id)), "OK");
  }
  absl::Status refused = Commit(Small(1, 0, "d")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(refused), "TOO_MANY_EXPORTS");
  EXPECT_EQ(Reason(store_->OpenExport(destination_, "d", {}).status()),
            "TOO_MANY_EXPORTS");
  EXPECT_EQ(CommitReason(Small(2, 0, "a")), "OK");
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  clock_.Advance(options_.export_expiry + absl::Seconds(1));
  const uint64_t fence = Open("d").fence;
  EXPECT_EQ(CommitReason(Small(1, fence, "d")), "OK");
  // The expired ones are gone from the disk too.
  Reopen();
  EXPECT_EQ(store_->Exports(destination_).size(), 1);
}

TEST_F(IntakeTest, GroupsKeepTheOrderOfCalls) {
  constexpr int kBatches = 300;
  std::vector<int> answered;
  absl::Notification done;
  const uint64_t fence = Open().fence;
  for (int i = 1; i <= kBatches; ++i) {
    store_->Commit(Small(i, fence), [&, i](absl::StatusOr<CommitOutcome> o) {
      EXPECT_TRUE(o.ok()) << o.status();
      EXPECT_EQ(o->position.durable, i);
      answered.push_back(i);
      if (i == kBatches) done.Notify();
    });
  }
  done.WaitForNotification();
  std::vector<Record> expected;
  for (int i = 1; i <= kBatches; ++i) {
    EXPECT_EQ(answered[i - 1], i);
    expected.push_back(TestRecord(i));
  }
  EXPECT_EQ(Runs(segment_.list, Change::kAdd), expected);
  // They shared syncs, or this says nothing.
  EXPECT_LT(store_->SyncedCommit(), kBatches);
}

TEST_F(IntakeTest, RepeatsWithinAGroupAreCompared) {
  const uint64_t fence = Open().fence;
  std::vector<std::string> answers;
  absl::Notification done;
  const auto note = [&](absl::StatusOr<CommitOutcome> o) {
    answers.push_back(o.ok() ? (o->repeat ? "repeat" : "new")
                             : Reason(o.status()));
    if (answers.size() == 6) done.Notify();
  };
  store_->Commit(Small(1, fence), note);
  store_->Commit(Small(2, fence), note);
  store_->Commit(Small(3, fence), note);
  store_->Commit(Small(2, fence), note);
  Batch other = Small(2, fence);
  other.digest[3] ^= 1;
  store_->Commit(std::move(other), note);
  store_->Commit(Small(5, fence), note);
  done.WaitForNotification();
  EXPECT_THAT(answers, ElementsAre("new", "new", "new", "repeat",
                                   "SEQUENCE_REUSED", "SEQUENCE_GAP"));
}

TEST_F(IntakeTest, ManyThreadsLoseNothing) {
  constexpr int kThreads = 8;
  constexpr int kBatches = 100;
  std::vector<SegmentRow> segments;
  for (int i = 0; i < kThreads; ++i) {
    segments.push_back(MakeSegment(destination_, i));
  }
  std::atomic<int> changes_told{0};
  store_->SetCommitListener([&](ListNumber, bool) { ++changes_told; });
  std::atomic<bool> stop{false};
  // One settles while the others commit; what the report says always adds up.
  std::thread settler([&] {
    while (!stop) {
      for (const PendingList& pending : store_->PendingLists()) {
        const CommitNumber through = store_->SyncedCommit();
        PassCounts counts;
        for (Change change : {Change::kAdd, Change::kRemove}) {
          auto cursor = store_->ReadRuns(pending.list, change, 0, through);
          RunEntry entry;
          while ((*cursor)->Next(&entry)) ++counts.delivered;
        }
        EXPECT_TRUE(
            store_->Settle(pending.list, through, 0, counts, absl::UnixEpoch())
                .ok());
      }
      auto report = store_->Report(destination_);
      for (const SegmentReport& segment : report->segments) {
        EXPECT_GE(segment.counts.pending(), 0);
        EXPECT_EQ(segment.counts.pending() > 0, segment.backlog_bytes > 0);
      }
    }
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string id = absl::StrCat("e", t);
      const uint64_t fence = Open(id).fence;
      for (int i = 1; i <= kBatches; ++i) {
        Batch batch = Numbered(
            MakeBatch(segments[t], {TestRecord(i)}, {TestRecord(1000 + i)}), id,
            i, fence);
        EXPECT_EQ(CommitReason(std::move(batch)), "OK");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  settler.join();
  EXPECT_GT(changes_told, 0);
  Reopen();
  auto report = store_->Report(destination_);
  for (const SegmentReport& segment : report->segments) {
    if (segment.segment.number > segments.back().number) continue;
    EXPECT_EQ(segment.counts.intake.received, 2 * kBatches);
    EXPECT_EQ(segment.counts.pending(),
              static_cast<int64_t>(
                  Runs(segment.list.number, Change::kAdd).size() +
                  Runs(segment.list.number, Change::kRemove).size()));
  }
}

}  // namespace
}  // namespace connector::membership
