// Exits that are remembered, and forgotten.
#include <string>
#include <vector>

#include "connector/membership/rows.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ExitsTest : public StoreTest {
 protected:
  static constexpr absl::Duration kWindow = absl::Hours(1);

  Batch MakeExit(const SegmentRow& segment, uint64_t record,
                 absl::Time time = absl::FromUnixSeconds(50)) {
    Batch batch = MakeBatch(segment, {});
    batch.segments[0].run.Add(Change::kRemove, TestRecord(record), true, time);
    batch.segments[0].counts.received = 1;
    return batch;
  }
  void CommitExit(const SegmentRow& segment, uint64_t record) {
    ASSERT_TRUE(Commit(MakeExit(segment, record)).ok());
  }
  std::vector<RunEntry> Entries(ListNumber list,
                                CommitNumber through = ~uint64_t{0} - 1,
                                const ExitFilter& filter = {}) {
    std::vector<RunEntry> entries;
    records_.clear();
    auto cursor = store_->ReadRememberedExits(list, through, filter);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    RunEntry entry;
    while ((*cursor)->Next(&entry)) {
      entries.push_back(entry);
      records_.push_back(Record::FromView(entry.record));
    }
    EXPECT_TRUE((*cursor)->status().ok()) << (*cursor)->status();
    return entries;
  }
  std::vector<Record> Exits(ListNumber list) {
    Entries(list);
    return records_;
  }

  std::vector<Record> records_;
};

TEST_F(ExitsTest, AnExitOutlivesItsSettlement) {
  const auto destination = MakeDestination();
  const SegmentRow segment = MakeSegment(destination);
  CommitExit(segment, 1);
  ASSERT_TRUE(SettleAll(segment.list).ok());
  EXPECT_THAT(Runs(segment.list, Change::kRemove), IsEmpty());
  const auto entries = Entries(segment.list);
  ASSERT_THAT(records_, ElementsAre(TestRecord(1)));
  EXPECT_EQ(entries[0].event_time, absl::FromUnixSeconds(50));
  EXPECT_EQ(entries[0].commit_time, clock_.Now());
  Reopen();
  EXPECT_THAT(Exits(segment.list), ElementsAre(TestRecord(1)));
}

TEST_F(ExitsTest, OnlyExitsWithATimeAreRemembered) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  ASSERT_TRUE(
      Commit(MakeBatch(segment, {TestRecord(1)}, {TestRecord(2)})).ok());
  // Another form that an addition removes.
  ASSERT_TRUE(Commit(MakeExit(segment, 3, absl::InfinitePast())).ok());
  EXPECT_THAT(Exits(segment.list), IsEmpty());
  CommitExit(segment, 4);
  EXPECT_THAT(Exits(segment.list), ElementsAre(TestRecord(4)));
}

TEST_F(ExitsTest, ExitsAreReadUpToACommit) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  CommitExit(segment, 1);
  const CommitNumber first = store_->SyncedCommit();
  CommitExit(segment, 2);
  EXPECT_THAT(Entries(segment.list, first), SizeIs(1));
  EXPECT_THAT(Entries(segment.list), SizeIs(2));
}

TEST_F(ExitsTest, CommitsWithoutAnExitWithinTheFilterAreNotRead) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  std::vector<Record> all;
  // Of each two commits one tells when its exit happened.
  for (uint64_t i = 0; i < 20; ++i) {
    const absl::Time time =
        i % 2 == 0 ? clock_.Now() - absl::Seconds(5) : absl::InfiniteFuture();
    ASSERT_TRUE(Commit(MakeExit(segment, i, time)).ok());
    all.push_back(TestRecord(i));
    clock_.Advance(absl::Seconds(10));
  }
  const absl::Time began = clock_.Now() - absl::Seconds(200);
  for (int pass = 0; pass < 2; ++pass) {
    Entries(segment.list);
    EXPECT_EQ(records_, all);
    ExitFilter filter;
    filter.committed_from = began + absl::Seconds(170);
    EXPECT_THAT(Entries(segment.list, ~uint64_t{0} - 1, filter), SizeIs(3));
    EXPECT_THAT(records_,
                ElementsAre(TestRecord(17), TestRecord(18), TestRecord(19)));
    filter.committed_from = began;
    filter.happened_from = began + absl::Seconds(176);
    // The exit of 180 s happened at 175 s.
    Entries(segment.list, ~uint64_t{0} - 1, filter);
    EXPECT_THAT(records_, ElementsAre(TestRecord(19)));
    filter.happened_from = began + absl::Seconds(175);
    EXPECT_THAT(Entries(segment.list, ~uint64_t{0} - 1, filter), SizeIs(2));
    Reopen();
  }
  // Both of a commit are read if one of them is within the filter.
  Batch two = MakeExit(segment, 30, began);
  two.segments[0].run.Add(Change::kRemove, TestRecord(31), true, clock_.Now());
  ASSERT_TRUE(Commit(std::move(two)).ok());
  ExitFilter filter;
  filter.happened_from = clock_.Now();
  Entries(segment.list, ~uint64_t{0} - 1, filter);
  EXPECT_THAT(records_, ElementsAre(TestRecord(30), TestRecord(31)));
}

// What earlier builds wrote says nothing of the times.
TEST_F(ExitsTest, AnIndexWithoutTimesIsReadWhole) {
  PendingRow row;
  row.commit_time = absl::FromUnixSeconds(1);
  row.bytes = 5;
  row.runs.emplace_back(3, Change::kRemove);
  const std::string old_row = EncodePending(row);
  EXPECT_EQ(DecodePending(old_row)->newest_event, absl::InfiniteFuture());
  row.newest_event = absl::FromUnixMicros(17);
  const std::string value = EncodePending(row);
  EXPECT_EQ(value.substr(0, old_row.size()), old_row);
  EXPECT_EQ(DecodePending(value)->newest_event, row.newest_event);
}

TEST_F(ExitsTest, TheyGoAfterTheWindow) {
  const auto destination = MakeDestination();
  const SegmentRow segment = MakeSegment(destination);
  CommitExit(segment, 1);
  clock_.Advance(absl::Minutes(40));
  CommitExit(segment, 2);
  ASSERT_TRUE(SettleAll(segment.list).ok());
  ASSERT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  EXPECT_THAT(Exits(segment.list), SizeIs(2));
  clock_.Advance(absl::Minutes(30));
  Reopen();
  ASSERT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  EXPECT_THAT(Exits(segment.list), ElementsAre(TestRecord(2)));
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  EXPECT_THAT(Exits(segment.list), IsEmpty());
  Reopen();
  EXPECT_THAT(Exits(segment.list), IsEmpty());
}

// An addition that was committed within the window may wait for long.
TEST_F(ExitsTest, TheyStayWhileAnAdditionThatMayMeetThemIsPending) {
  const auto destination = MakeDestination();
  const SegmentRow segment = MakeSegment(destination);
  CommitExit(segment, 1);
  ASSERT_TRUE(SettleAll(segment.list).ok());
  clock_.Advance(absl::Minutes(50));
  ASSERT_TRUE(Commit(MakeBatch(segment, {TestRecord(1)})).ok());
  clock_.Advance(absl::Hours(48));
  ASSERT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  EXPECT_THAT(Exits(segment.list), ElementsAre(TestRecord(1)));
  ASSERT_TRUE(SettleAll(segment.list).ok());
  ASSERT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  EXPECT_THAT(Exits(segment.list), IsEmpty());
}

TEST_F(ExitsTest, WithoutAWindowNoneIsKept) {
  const auto destination = MakeDestination();
  const SegmentRow segment = MakeSegment(destination);
  CommitExit(segment, 1);
  ASSERT_TRUE(SettleAll(segment.list).ok());
  clock_.Advance(absl::Milliseconds(1));
  ASSERT_TRUE(store_->ForgetExits(destination, absl::ZeroDuration()).ok());
  EXPECT_THAT(Exits(segment.list), IsEmpty());
}

TEST_F(ExitsTest, TooManyGoOldestFirst) {
  tuning_.max_exit_bytes = 1'000;
  Reopen();
  const auto destination = MakeDestination();
  const SegmentRow segments[] = {MakeSegment(destination, 0),
                                 MakeSegment(destination, 1)};
  for (uint64_t i = 0; i < 100; ++i) {
    CommitExit(segments[i % 2], i);
    clock_.Advance(absl::Seconds(10));
  }
  for (const SegmentRow& segment : segments) {
    ASSERT_TRUE(SettleAll(segment.list).ok());
  }
  ASSERT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  for (int i : {0, 1}) {
    const auto exits = Exits(segments[i].list);
    EXPECT_GT(exits.size(), 0u);
    EXPECT_LT(exits.size(), 20u);
    EXPECT_EQ(exits.back(), TestRecord(static_cast<uint64_t>(98 + i)));
  }
}

TEST_F(ExitsTest, TheyGoWithTheirDestinationAndWithNoOther) {
  const auto destination = MakeDestination();
  const auto other = MakeDestination("550");
  const SegmentRow segment = MakeSegment(destination);
  const SegmentRow kept = MakeSegment(other);
  CommitExit(segment, 1);
  CommitExit(kept, 2);
  ASSERT_TRUE(store_->DeleteDestination(destination).ok());
  EXPECT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(SettleAll(kept.list).ok());
  ASSERT_TRUE(store_->ForgetExits(destination, kWindow).ok());
  EXPECT_THAT(Exits(kept.list), ElementsAre(TestRecord(2)));
  Reopen();
  EXPECT_THAT(Exits(kept.list), ElementsAre(TestRecord(2)));
}

}  // namespace
}  // namespace connector::membership
