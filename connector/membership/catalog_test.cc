#include <thread>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using testing::IsEmpty;

using CatalogTest = StoreTest;

TEST_F(CatalogTest, DestinationsKeepTheirNumberAndHistory) {
  auto first = store_->PutDestination("549", "one");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->number, 1);
  EXPECT_EQ(first->history_id.size(), 16 + 2);
  auto second = store_->PutDestination("550", "two");
  EXPECT_EQ(second->number, 2);
  EXPECT_NE(second->history_id, first->history_id);
  ASSERT_TRUE(store_->SetDestinationPaused(1, true).ok());
  for (int reopened = 0; reopened < 2; ++reopened) {
    auto changed = store_->PutDestination("549", "one more");
    EXPECT_EQ(changed->number, 1);
    EXPECT_EQ(changed->history_id, first->history_id);
    Reopen();
    auto found = store_->FindDestination("549");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->config, "one more");
    EXPECT_TRUE(found->paused);
    EXPECT_EQ(store_->Destinations().size(), 2);
    EXPECT_FALSE(store_->FindDestination("551").has_value());
  }
  EXPECT_EQ(Reason(store_->SetDestinationPaused(9, true)),
            "DESTINATION_NOT_FOUND");
}

TEST_F(CatalogTest, CredentialsComeAndGo) {
  ASSERT_TRUE(store_->PutCredential("a", "1").ok());
  ASSERT_TRUE(store_->PutCredential("b", std::string("2\0", 2)).ok());
  ASSERT_TRUE(store_->PutCredential("a", "3").ok());
  Reopen();
  auto rows = store_->Credentials();
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].credential_id, "a");
  EXPECT_EQ(rows[0].config, "3");
  EXPECT_EQ(rows[1].config, std::string("2\0", 2));
  ASSERT_TRUE(store_->DeleteCredential("a").ok());
  EXPECT_EQ(Reason(store_->DeleteCredential("a")), "CREDENTIAL_NOT_FOUND");
  Reopen();
  EXPECT_EQ(store_->Credentials().size(), 1);
}

TEST_F(CatalogTest, ASegmentIsMadeOnce) {
  const DestinationNumber destination = MakeDestination();
  auto made = store_->EnsureSegment(destination, "ups", "s", "Name", 10);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->number, 1);
  EXPECT_EQ(made->list, 1);
  auto again = store_->EnsureSegment(destination, "ups", "s", "", 10);
  EXPECT_EQ(again->number, 1);
  EXPECT_EQ(again->display_name, "Name");
  auto renamed = store_->EnsureSegment(destination, "ups", "s", "New", 10);
  EXPECT_EQ(renamed->display_name, "New");
  // Parts are not run together, and may hold any byte.
  auto other = store_->EnsureSegment(destination, "up", "ss", "", 10);
  EXPECT_EQ(other->number, 2);
  auto odd = store_->EnsureSegment(destination, std::string("\0", 1),
                                   std::string("\xff\0s", 3), "", 10);
  EXPECT_EQ(odd->number, 3);
  ASSERT_TRUE(store_->SetSegmentPaused(1, true).ok());
  Reopen();
  auto found = store_->FindSegment(destination, "ups", "s");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->display_name, "New");
  EXPECT_TRUE(found->paused);
  EXPECT_EQ(store_->Segments(destination).size(), 3);
  EXPECT_EQ(store_->GetSegment(3)->segment_id, std::string("\xff\0s", 3));
  auto list = store_->GetList(made->list);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->segment, 1);
  EXPECT_EQ(list->destination, destination);
  EXPECT_EQ(list->epoch, 1);
  EXPECT_EQ(list->creation_attempt_time, absl::InfinitePast());
  EXPECT_EQ(Reason(store_->SetSegmentPaused(9, true)), "SEGMENT_NOT_FOUND");
}

TEST_F(CatalogTest, ADestinationHasOnlySoManyLists) {
  const DestinationNumber destination = MakeDestination();
  ASSERT_TRUE(store_->EnsureSegment(destination, "n", "1", "", 2).ok());
  ASSERT_TRUE(store_->EnsureSegment(destination, "n", "2", "", 2).ok());
  absl::Status refused =
      store_->EnsureSegment(destination, "n", "3", "", 2).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Reason(refused), "TOO_MANY_CUSTOMER_LISTS");
  EXPECT_TRUE(store_->EnsureSegment(destination, "n", "1", "", 2).ok());
  EXPECT_EQ(Reason(store_->EnsureSegment(77, "n", "3", "", 2).status()),
            "DESTINATION_NOT_FOUND");
}

TEST_F(CatalogTest, SegmentsMadeByManyThreadsAreOne) {
  const DestinationNumber destination = MakeDestination();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) MakeSegment(destination, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_->Segments(destination).size(), 20);
}

TEST_F(CatalogTest, DeletingADestinationForgetsAllOfIt) {
  const DestinationNumber kept = MakeDestination("1");
  const SegmentRow kept_segment = MakeSegment(kept);
  const DestinationNumber gone = MakeDestination("2");
  const SegmentRow gone_segment = MakeSegment(gone);
  for (const SegmentRow& segment : {kept_segment, gone_segment}) {
    Batch batch =
        Numbered(MakeBatch(segment, {TestRecord(1)}, {TestRecord(2)}), "e", 1);
    batch.rejections.resize(3);
    ASSERT_TRUE(Commit(std::move(batch)).ok());
    Deliver(segment.list, Change::kAdd, {TestRecord(3)});
    ASSERT_TRUE(store_
                    ->BeginRequest(segment.list, Change::kAdd, TestRecord(3),
                                   TestRecord(3))
                    .ok());
    const Record echo = TestRecord(3);
    ASSERT_TRUE(store_
                    ->Confirm(segment.list, Change::kRemove, {echo.view()}, 0,
                              {echo.view()}, clock_.Now())
                    .ok());
  }
  ASSERT_TRUE(store_->DeleteDestination(gone).ok());
  EXPECT_EQ(Reason(store_->DeleteDestination(gone)), "DESTINATION_NOT_FOUND");
  for (int reopened = 0; reopened < 2; ++reopened) {
    EXPECT_FALSE(store_->FindDestination("2").has_value());
    EXPECT_EQ(CommitReason(MakeBatch(gone_segment, {TestRecord(1)})),
              "DESTINATION_NOT_FOUND");
    EXPECT_EQ(Reason(store_->Settle(gone_segment.list, 1, 0, {}, clock_.Now())),
              "DESTINATION_NOT_FOUND");
    EXPECT_EQ(Reason(store_->Report(gone).status()), "DESTINATION_NOT_FOUND");
    EXPECT_EQ(Reason(store_->Rejections(gone, 5, "").status()),
              "DESTINATION_NOT_FOUND");
    EXPECT_THAT(store_->Exports(gone), IsEmpty());
    EXPECT_EQ(store_->PendingLists().size(), 1);
    EXPECT_EQ(store_->EchoTimes().size(), 1);
    // The other one has all of its own.
    EXPECT_EQ(Runs(kept_segment.list, Change::kAdd).size(), 1);
    EXPECT_EQ(store_->Doubts(kept_segment.list)->size(), 1);
    EXPECT_EQ(store_->Rejections(kept, 5, "")->rejections.size(), 3);
    EXPECT_EQ(store_->Exports(kept).size(), 1);
    Reopen();
  }
  // What comes next has other numbers, and nothing is left under them.
  const DestinationNumber next = MakeDestination("2");
  EXPECT_GT(next, gone);
  const SegmentRow next_segment = MakeSegment(next);
  EXPECT_GT(next_segment.number, gone_segment.number);
  EXPECT_GT(next_segment.list, gone_segment.list);
  EXPECT_THAT(Runs(next_segment.list, Change::kAdd), IsEmpty());
  EXPECT_EQ(store_->Report(next)->segments[0].members, 0);
  EXPECT_NE(store_->FindDestination("2")->history_id, "");
}

TEST_F(CatalogTest, ADeletionMayComeAmidCommitsAndPasses) {
  for (int round = 0; round < 5; ++round) {
    const DestinationNumber destination = MakeDestination();
    const SegmentRow segment = MakeSegment(destination);
    std::atomic<bool> stop{false};
    std::thread committer([&] {
      for (int i = 1; !stop; ++i) {
        Batch batch = Numbered(MakeBatch(segment, {}), "e", i);
        if (i % 3 == 0) {
          batch.segments[0].run.Add(Change::kAdd, TestRecord(i), true);
        }
        const std::string reason = CommitReason(std::move(batch));
        EXPECT_TRUE(reason == "OK" || reason == "DESTINATION_NOT_FOUND")
            << reason;
      }
    });
    std::thread pass([&] {
      while (!stop) {
        std::vector<Record> records;
        for (int i = 0; i < 100; ++i) records.push_back(TestRecord(i));
        const std::vector<RecordView> sorted = Sorted(records);
        absl::Status status = store_->Confirm(segment.list, Change::kAdd,
                                              sorted, 0, {}, clock_.Now());
        EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << status;
        status = SettleAll(segment.list);
        EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << status;
      }
    });
    while (store_->SyncedCommit() < static_cast<CommitNumber>(5 * round + 5)) {
      std::this_thread::yield();
    }
    EXPECT_TRUE(store_->DeleteDestination(destination).ok());
    stop = true;
    committer.join();
    pass.join();
  }
  Reopen();
  EXPECT_THAT(store_->Destinations(), IsEmpty());
}

TEST_F(CatalogTest, ReportAddsUpPerDestination) {
  const DestinationNumber destination = MakeDestination();
  const SegmentRow segment = MakeSegment(destination);
  Batch batch = MakeBatch(segment, {TestRecord(1)}, {TestRecord(2)});
  batch.segments[0].counts = {10, 5, 3};
  batch.counts_without_segment = {4, 1, 3};
  ASSERT_TRUE(Commit(std::move(batch)).ok());
  Reopen();
  auto report = store_->Report(destination);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->counts_without_segment.received, 4);
  EXPECT_EQ(report->counts_without_segment.excluded, 1);
  EXPECT_EQ(report->counts_without_segment.rejected, 3);
  ASSERT_EQ(report->segments.size(), 1);
  EXPECT_EQ(report->segments[0].counts.pending(), 2);
}

TEST_F(CatalogTest, TheRejectionLogKeepsTheNewest) {
  options_.max_rejections = 25;
  Reopen();
  const DestinationNumber destination = MakeDestination();
  const SegmentRow segment = MakeSegment(destination);
  int32_t next = 0;
  for (int i = 0; i < 10; ++i) {
    Batch batch = Numbered(MakeBatch(segment, {}), "e", i + 1);
    for (int j = 0; j < 7; ++j) batch.rejections.push_back({next++, 1, 2, 5});
    ASSERT_TRUE(Commit(std::move(batch)).ok());
    if (i == 5) Reopen();
  }
  Batch batch = MakeBatch(segment, {});
  for (int j = 0; j < 40; ++j) batch.rejections.push_back({next++, -1, -1, 6});
  ASSERT_TRUE(Commit(std::move(batch)).ok());
  std::vector<int32_t> seen;
  std::string token;
  do {
    auto page = store_->Rejections(destination, 10, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const JournalRejection& line : page->rejections) {
      ASSERT_TRUE(line.intake.has_value());
      EXPECT_FALSE(line.refused.has_value());
      seen.push_back(line.intake->rejection.profile_index);
    }
    token = page->next_page_token;
  } while (!token.empty());
  std::vector<int32_t> expected;
  for (int i = 1; i <= 25; ++i) expected.push_back(next - i);
  EXPECT_EQ(seen, expected);
  for (const char* bad : {"x", "1-", "1-0", "2-5", "1-999", "1-5 ", "01-5"}) {
    EXPECT_EQ(store_->Rejections(destination, 10, bad).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

}  // namespace
}  // namespace connector::membership
