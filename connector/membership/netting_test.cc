// What is overtaken is taken out of what waits, and nothing else changes.
#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

class NettingTest : public StoreTest {
 protected:
  int64_t number_ = 0;
  int64_t bytes_ = 0;

  // Orders of what waits for a list, with the record and the change.
  using Waiting = std::map<EventOrder, std::pair<Record, Change>>;
  Waiting Read(ListNumber list) {
    Waiting waiting;
    for (Change change : {Change::kRemove, Change::kAdd}) {
      auto cursor = store_->ReadRuns(list, change, 0, ~uint64_t{0});
      EXPECT_TRUE(cursor.ok()) << cursor.status();
      RunEntry entry;
      while ((*cursor)->Next(&entry)) {
        if (entry.replay) continue;
        waiting.emplace(entry.order,
                        std::make_pair(Record::FromView(entry.record), change));
      }
      EXPECT_TRUE((*cursor)->status().ok()) << (*cursor)->status();
    }
    return waiting;
  }
  static std::set<EventOrder> LastOfEach(const Waiting& waiting) {
    std::map<Record, EventOrder> last;
    for (const auto& [order, event] : waiting) last[event.first] = order;
    std::set<EventOrder> orders;
    for (const auto& [record, order] : last) orders.insert(order);
    return orders;
  }
  absl::Status Net(ListNumber list, CommitNumber through,
                   const std::set<EventOrder>& standing) {
    EventOrder before = 0;
    return store_->DropOvertaken(list, through,
                                 [&](EventOrder order) -> absl::StatusOr<bool> {
                                   EXPECT_GT(order, before);
                                   before = order;
                                   return standing.count(order) > 0;
                                 });
  }
  SegmentReport Report(const SegmentRow& segment) {
    const auto report = store_->Report(segment.destination);
    for (const auto& each : report->segments) {
      if (each.segment.number == segment.number) return each;
    }
    return {};
  }
};

TEST_F(NettingTest, OnlyWhatStandsIsLeft) {
  tuning_.pending_spans = 3;
  tuning_.confirm_piece_bytes = 400;
  for (int seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    Reopen();
    const auto destination = MakeDestination(absl::StrCat(600 + seed));
    const SegmentRow segment = MakeSegment(destination, 0);
    const SegmentRow other = MakeSegment(destination, 1);
    const auto commit = [&] {
      std::vector<Record> adds;
      std::vector<Record> removes;
      for (int i = static_cast<int>(random() % 6); i >= 0; --i) {
        (random() % 2 == 0 ? adds : removes)
            .push_back(TestRecord(random() % 15));
      }
      ASSERT_TRUE(Commit(Numbered(MakeBatch(random() % 4 == 0 ? other : segment,
                                            adds, removes),
                                  "e", ++number_))
                      .ok());
    };
    number_ = 0;
    for (int i = 0; i < 40; ++i) commit();
    const CommitNumber through = store_->SyncedCommit();
    const Waiting before = Read(segment.list);
    const Waiting untouched = Read(other.list);
    const std::set<EventOrder> standing = LastOfEach(before);
    for (int i = 0; i < 10; ++i) commit();
    Waiting expected = Read(segment.list);
    for (const auto& [order, event] : before) {
      if (standing.count(order) == 0) expected.erase(order);
    }
    const int64_t pending = Report(segment).counts.pending();
    const int64_t bytes = Report(segment).backlog_bytes;

    ASSERT_TRUE(Net(segment.list, through, standing).ok());
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(Read(segment.list), expected);
      const SegmentReport report = Report(segment);
      EXPECT_EQ(report.counts.settled.superseded,
                static_cast<int64_t>(before.size() - standing.size()));
      EXPECT_EQ(report.counts.pending(),
                pending - report.counts.settled.superseded);
      EXPECT_LT(report.backlog_bytes, bytes);
      if (round == 0) bytes_ = report.backlog_bytes;
      EXPECT_EQ(report.backlog_bytes, bytes_);
      // Again it changes nothing.
      ASSERT_TRUE(Net(segment.list, through, standing).ok());
      if (seed % 2 == 0) Reopen();
    }
    for (const auto& [order, event] : untouched) {
      EXPECT_EQ(Read(other.list).count(order), 1u);
    }
    // Settled in parts, also up to commits of which nothing is left.
    for (CommitNumber settled = through - 45; settled <= store_->SyncedCommit();
         settled += 1 + random() % 4) {
      ASSERT_TRUE(
          store_->Settle(segment.list, settled, 0, {}, clock_.Now()).ok());
    }
    PassCounts rest;
    rest.delivered = static_cast<int64_t>(expected.size());
    ASSERT_TRUE(SettleAll(segment.list, rest).ok());
    EXPECT_EQ(Report(segment).counts.pending(), 0);
    EXPECT_EQ(Report(segment).backlog_bytes, 0);
    EXPECT_FALSE(store_->FindPendingList(segment.list).has_value());
    ASSERT_TRUE(SettleAll(other.list).ok());
    EXPECT_EQ(store_->Exports(destination).at(0).delivered, number_);
    // Nothing counts as waiting, whatever the sums went through.
    Batch last = MakeBatch(segment, {TestRecord(1)});
    last.max_backlog_bytes = 0;
    EXPECT_EQ(CommitReason(std::move(last)), "OK");
  }
}

TEST_F(NettingTest, EventsOfWhichNotOnlyTheOrderCountsAreLeftAlone) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  Batch timed = MakeBatch(segment, {});
  timed.segments[0].run.Add(Change::kRemove, TestRecord(1), true,
                            absl::FromUnixSeconds(50));
  timed.segments[0].run.Add(Change::kAdd, TestRecord(2), true,
                            absl::FromUnixSeconds(50));
  ASSERT_TRUE(Commit(std::move(timed)).ok());
  Batch replay = MakeBatch(segment, {TestRecord(3)});
  replay.segments[0].run.MarkAsReplay();
  ASSERT_TRUE(Commit(std::move(replay)).ok());
  Batch held = MakeBatch(segment, {});
  const std::array<uint8_t, 16> holder = {7};
  held.segments[0].run.Add(Change::kAdd, TestRecord(4), true, std::nullopt,
                           &holder);
  ASSERT_TRUE(Commit(std::move(held)).ok());
  ASSERT_TRUE(Commit(MakeBatch(segment, {TestRecord(5)})).ok());
  ASSERT_TRUE(Net(segment.list, store_->SyncedCommit(), {}).ok());
  EXPECT_EQ(Runs(segment.list, Change::kAdd).size(), 3u);
  EXPECT_EQ(Runs(segment.list, Change::kRemove).size(), 1u);
  EXPECT_EQ(Report(segment).counts.settled.superseded, 1);
}

}  // namespace
}  // namespace connector::membership
