// Full syncs in the store: what is kept aside, what is kept for it, how it
// ends, and that nothing of it is left.
#include <fstream>
#include <random>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = FullSyncFrame::Kind;

class FullSyncTest : public StoreTest {
 protected:
  FullSyncTest() {
    destination_ = MakeDestination();
    segment_ = MakeSegment(destination_);
  }

  Batch Frame(Kind kind, int64_t number,
              absl::Duration expire_after = absl::Hours(1)) {
    Batch batch;
    batch.destination = destination_;
    batch.full_sync =
        FullSyncFrame{kind, segment_.number, segment_.list, expire_after};
    return Numbered(std::move(batch), "e", number);
  }
  Batch Declare(int64_t number, const std::vector<Record>& members,
                const std::vector<Record>& exits = {}) {
    return Numbered(MakeBatch(segment_, members, exits), "e", number);
  }
  FullSync Newest() {
    const auto all = store_->FindFullSyncs(segment_.list);
    return all.empty() ? FullSync() : all.back();
  }
  std::string Decide(FullSyncDecision::Kind kind, FullSyncState expected) {
    Batch batch;
    FullSyncDecision& decision = batch.full_sync_decision.emplace();
    decision.list = segment_.list;
    decision.number = Newest().number;
    decision.kind = kind;
    decision.expected = expected;
    decision.expire_time = clock_.Now() + absl::Hours(1);
    return CommitReason(std::move(batch));
  }
  std::vector<Record> Declared() {
    std::vector<Record> records;
    auto cursor = store_->ReadDeclared(segment_.list, Newest().number);
    EXPECT_TRUE(cursor.ok());
    RunEntry entry;
    while ((*cursor)->Next(&entry)) {
      EXPECT_EQ(entry.order, Newest().addition_order());
      records.push_back(Record::FromView(entry.record));
    }
    return records;
  }
  SegmentReport Report() { return store_->Report(destination_)->segments[0]; }
  int64_t Delivered() { return store_->Exports(destination_).at(0).delivered; }

  DestinationNumber destination_ = 0;
  SegmentRow segment_;
};

TEST_F(FullSyncTest, WhatIsDeclaredIsSeenByNoPassBeforeTheRelease) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1), TestRecord(2)})), "OK");
  EXPECT_FALSE(store_->FindPendingList(segment_.list).has_value());
  EXPECT_THAT(Runs(segment_.list, Change::kAdd), IsEmpty());
  EXPECT_THAT(Declared(), ElementsAre(TestRecord(1), TestRecord(2)));
  EXPECT_EQ(Report().counts.pending(), 2);
  EXPECT_GT(Report().backlog_bytes, 60);
  Reopen();
  EXPECT_THAT(Declared(), SizeIs(2));
  EXPECT_GT(Report().backlog_bytes, 60);
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 3)), "OK");
  EXPECT_EQ(Newest().state, FullSyncState::kJudging);
  EXPECT_FALSE(store_->FindPendingList(segment_.list).has_value());
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kRelease, FullSyncState::kJudging),
            "OK");
  EXPECT_TRUE(store_->FindPendingList(segment_.list).has_value());
  EXPECT_TRUE(store_->FindPendingList(segment_.list)->has_removals);
  EXPECT_EQ(Delivered(), 1);
  Reopen();
  EXPECT_TRUE(store_->FindPendingList(segment_.list)->has_removals);
  PassCounts counts;
  counts.delivered = 2;
  ASSERT_TRUE(SettleAll(segment_.list, counts).ok());
  EXPECT_EQ(Newest().state, FullSyncState::kApplied);
  EXPECT_THAT(Declared(), IsEmpty());
  EXPECT_EQ(Report().counts.pending(), 0);
  EXPECT_EQ(Report().backlog_bytes, 0);
  EXPECT_EQ(Delivered(), 3);
}

TEST_F(FullSyncTest, ExitsInItAndOtherExportsAreOrdinaryEvents) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1)}, {TestRecord(2)})), "OK");
  ASSERT_EQ(CommitReason(MakeBatch(segment_, {TestRecord(3)})), "OK");
  EXPECT_THAT(Runs(segment_.list, Change::kRemove), ElementsAre(TestRecord(2)));
  EXPECT_THAT(Runs(segment_.list, Change::kAdd), ElementsAre(TestRecord(3)));
}

TEST_F(FullSyncTest, RunsSinceTheBeginAreKeptWhileItIsNotOver) {
  ASSERT_EQ(CommitReason(MakeBatch(segment_, {TestRecord(1)})), "OK");
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(MakeBatch(segment_, {TestRecord(2)})), "OK");
  PassCounts counts;
  counts.delivered = 2;
  ASSERT_TRUE(SettleAll(segment_.list, counts).ok());
  EXPECT_FALSE(store_->FindPendingList(segment_.list).has_value());
  EXPECT_THAT(Runs(segment_.list, Change::kAdd), ElementsAre(TestRecord(2)));
  EXPECT_EQ(Report().counts.pending(), 0);
  const int64_t kept = Report().backlog_bytes;
  EXPECT_GT(kept, 30);
  Reopen();
  EXPECT_EQ(Report().backlog_bytes, kept);
  EXPECT_THAT(Runs(segment_.list, Change::kAdd), ElementsAre(TestRecord(2)));
  clock_.Advance(absl::Hours(2));
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kExpire, FullSyncState::kOpen),
            "OK");
  Reopen();  // the answer comes before what it leaves behind is deleted
  EXPECT_THAT(Runs(segment_.list, Change::kAdd), IsEmpty());
  EXPECT_EQ(Report().backlog_bytes, 0);
}

TEST_F(FullSyncTest, OneThatExpiresCountsAsRejected) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1), TestRecord(2)})), "OK");
  EXPECT_EQ(Decide(FullSyncDecision::Kind::kExpire, FullSyncState::kOpen),
            "FULL_SYNC_NOT_WAITING");
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(CommitReason(Frame(Kind::kCommit, 3)), "FULL_SYNC_NOT_OPEN");
  EXPECT_EQ(Decide(FullSyncDecision::Kind::kExpire, FullSyncState::kOpen),
            "OK");
  // What still comes of it is no ordinary addition.
  ASSERT_EQ(CommitReason(Declare(3, {TestRecord(3)}, {TestRecord(4)})), "OK");
  Reopen();
  EXPECT_EQ(Report().counts.intake.received, 4);
  EXPECT_EQ(Report().counts.intake.rejected, 3);
  EXPECT_EQ(Report().counts.pending(), 1);
  EXPECT_THAT(Runs(segment_.list, Change::kAdd), IsEmpty());
  const auto page = store_->Rejections(destination_, 10, "");
  ASSERT_THAT(page->rejections, SizeIs(2));
  EXPECT_EQ(page->rejections[1].intake->sequence_number, 1);
  EXPECT_EQ(page->rejections[1].intake->rejection.reason,
            kFullSyncExpiredReason);
  // Begun anew it takes them again.
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 4)), "OK");
  ASSERT_EQ(CommitReason(Declare(5, {TestRecord(3)})), "OK");
  EXPECT_THAT(Declared(), ElementsAre(TestRecord(3)));
}

TEST_F(FullSyncTest, ANewBeginAndTheEndOfTheExportDiscardAnOpenOne) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1)})), "OK");
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 3)), "OK");
  ASSERT_EQ(CommitReason(Declare(4, {TestRecord(2)})), "OK");
  EXPECT_THAT(Declared(), ElementsAre(TestRecord(2)));
  EXPECT_EQ(Report().counts.intake.rejected, 1);
  ASSERT_EQ(CommitReason(EndOf(destination_, "e", 4)), "OK");
  EXPECT_EQ(Newest().state, FullSyncState::kDiscarded);
  EXPECT_EQ(Report().counts.intake.rejected, 2);
  EXPECT_EQ(Report().counts.pending(), 0);
  Reopen();
  EXPECT_EQ(Report().backlog_bytes, 0);
  EXPECT_EQ(Delivered(), 4);
}

// What a batch holds that may wait in so many bytes.
Batch Bounded(Batch batch, int64_t bytes) {
  batch.max_backlog_bytes = bytes;
  return batch;
}

TEST_F(FullSyncTest, WhatIsDeclaredHasABoundOfItsOwn) {
  constexpr int64_t kBound = 500;
  const SegmentRow other = MakeSegment(destination_, 1);
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  int64_t number = 2;
  absl::Status refused;
  while (refused.ok() && number < 40) {
    refused =
        Commit(Bounded(Declare(number, {TestRecord(number)}), kBound)).status();
    if (refused.ok()) ++number;
  }
  EXPECT_GT(number, 6);
  EXPECT_EQ(Reason(refused), "FULL_SYNC_TOO_LARGE");
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(GetErrorDetail(refused).retry_delay.has_value());
  EXPECT_THAT(refused.message(), testing::HasSubstr("max_backlog_bytes (500)"));
  for (int round = 0; round < 2; ++round) {
    // It takes nobody else's place, nor that of its own segment's events.
    EXPECT_EQ(CommitReason(Bounded(MakeBatch(other, {TestRecord(50)}), kBound)),
              "OK");
    EXPECT_EQ(
        CommitReason(Bounded(MakeBatch(segment_, {TestRecord(51)}), kBound)),
        "OK");
    EXPECT_EQ(
        CommitReason(Bounded(Declare(number, {TestRecord(number)}), kBound)),
        "FULL_SYNC_TOO_LARGE");
    ASSERT_TRUE(SettleAll(other.list).ok());
    ASSERT_TRUE(SettleAll(segment_.list).ok());
    Reopen();
  }
  // With a larger bound it goes on, although events fill theirs.
  for (uint64_t i = 60; i < 90; ++i) {
    ASSERT_EQ(CommitReason(MakeBatch(other, {TestRecord(i)})), "OK");
  }
  EXPECT_EQ(CommitReason(Bounded(MakeBatch(other, {TestRecord(1)}), 1'200)),
            "BACKLOG_FULL");
  EXPECT_EQ(CommitReason(Bounded(Declare(number, {TestRecord(number)}), 1'200)),
            "OK");
  // An exit is an event, and waits with them.
  EXPECT_EQ(CommitReason(Bounded(
                Declare(number + 1, {TestRecord(1)}, {TestRecord(2)}), 1'200)),
            "BACKLOG_FULL");
  ASSERT_EQ(CommitReason(EndOf(destination_, "e", number)), "OK");
  Reopen();
  EXPECT_EQ(Report().backlog_bytes, 0);
}

TEST_F(FullSyncTest, FullSyncsOfADestinationShareTheirBound) {
  constexpr int64_t kBound = 300;
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  std::vector<Record> many;
  for (uint64_t i = 0; i < 20; ++i) many.push_back(TestRecord(i));
  ASSERT_EQ(CommitReason(Declare(2, many)), "OK");
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 3)), "OK");
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kHoldBack, FullSyncState::kJudging),
            "OK");
  const SegmentRow other = MakeSegment(destination_, 1);
  const auto begin = [&] {
    Batch batch;
    batch.destination = destination_;
    batch.full_sync =
        FullSyncFrame{Kind::kBegin, other.number, other.list, absl::Hours(1)};
    return Numbered(std::move(batch), "f", 1);
  };
  ASSERT_EQ(CommitReason(begin()), "OK");
  const auto declare = [&] {
    return Bounded(Numbered(MakeBatch(other, {TestRecord(1)}), "f", 2), kBound);
  };
  const absl::Status full = Commit(declare()).status();
  EXPECT_EQ(Reason(full), "FULL_SYNCS_FULL");
  EXPECT_TRUE(GetErrorDetail(full).retry_delay.has_value());
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kDiscard, FullSyncState::kWaiting),
            "OK");
  Reopen();  // what it left is deleted now
  EXPECT_EQ(CommitReason(declare()), "OK");
}

TEST_F(FullSyncTest, OneThatIsReleasedIsAppliedBeforeTheListIsReplaced) {
  ListRow row = *store_->GetList(segment_.list);
  row.customer_list_id = "643";
  ASSERT_TRUE(store_->UpdateList(row).ok());
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1)})), "OK");
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 3)), "OK");
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kRelease, FullSyncState::kJudging),
            "OK");
  ASSERT_TRUE(store_->RequestReplacement(segment_.number, {}).ok());
  // Whatever the pass saw before.
  const auto early = store_->TakeUp(segment_.list, /*vanished=*/false);
  EXPECT_EQ(early.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reason(early.status()), "FULL_SYNC_RELEASED");
  EXPECT_EQ(store_->GetList(segment_.list)->customer_list_id, "643");
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  EXPECT_TRUE(store_->TakeUp(segment_.list, /*vanished=*/false).ok());
}

TEST_F(FullSyncTest, AListThatVanishedIsReplacedWithoutWaitingForAFullSync) {
  ListRow row = *store_->GetList(segment_.list);
  row.customer_list_id = "643";
  ASSERT_TRUE(store_->UpdateList(row).ok());
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 2)), "OK");
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kRelease, FullSyncState::kJudging),
            "OK");
  ASSERT_TRUE(store_->RequestReplacement(segment_.number, {}).ok());
  EXPECT_TRUE(store_->TakeUp(segment_.list, /*vanished=*/true).ok());
}

TEST_F(FullSyncTest, OneThatAnUnmapDiscardsIsInTheRejectionLog) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1), TestRecord(2)})), "OK");
  ASSERT_TRUE(store_->UnmapSegment(segment_.number, /*empty=*/false).ok());
  EXPECT_EQ(Report().counts.intake.rejected, 2);
  for (int round = 0; round < 2; ++round) {
    const auto page = store_->Rejections(destination_, 10, "");
    ASSERT_THAT(page->rejections, SizeIs(1));
    EXPECT_EQ(page->rejections[0].time, clock_.Now());
    EXPECT_EQ(page->rejections[0].intake->export_id, "e");
    EXPECT_EQ(page->rejections[0].intake->sequence_number, 1);
    EXPECT_EQ(page->rejections[0].intake->rejection.reason,
              kFullSyncExpiredReason);
    Reopen();
  }
}

TEST_F(FullSyncTest, OneThatWaitedWhenItsSegmentIsUnmappedCountsAsRefused) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1)})), "OK");
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 3)), "OK");
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kHoldBack, FullSyncState::kJudging),
            "OK");
  ASSERT_TRUE(store_->UnmapSegment(segment_.number, /*empty=*/true).ok());
  const auto page = store_->Rejections(destination_, 10, "");
  ASSERT_THAT(page->rejections, SizeIs(1));
  EXPECT_EQ(page->rejections[0].intake->rejection.reason,
            kFullSyncRefusedReason);
}

TEST_F(FullSyncTest, FramesFollowTheRulesOfBatches) {
  EXPECT_EQ(CommitReason(Frame(Kind::kBegin, 2)), "SEQUENCE_GAP");
  EXPECT_EQ(CommitReason(Frame(Kind::kCommit, 1)), "FULL_SYNC_NOT_OPEN");
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  const auto repeat = Commit(Frame(Kind::kBegin, 1));
  ASSERT_TRUE(repeat.ok());
  EXPECT_TRUE(repeat->repeat);
  EXPECT_THAT(store_->FindFullSyncs(segment_.list), SizeIs(1));
  Batch other = Frame(Kind::kBegin, 1);
  other.digest.fill(99);
  EXPECT_EQ(CommitReason(std::move(other)), "SEQUENCE_REUSED");
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 2)), "OK");
  EXPECT_EQ(CommitReason(Frame(Kind::kCommit, 3)), "FULL_SYNC_NOT_OPEN");
  EXPECT_TRUE(Commit(Frame(Kind::kCommit, 2))->repeat);
}

TEST_F(FullSyncTest, OneThatWaitsIsDecidedOrEndsByANewerCommit) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1)})), "OK");
  EXPECT_EQ(Decide(FullSyncDecision::Kind::kDiscard, FullSyncState::kWaiting),
            "FULL_SYNC_NOT_WAITING");
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 3)), "OK");
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kHoldBack, FullSyncState::kJudging),
            "OK");
  Reopen();
  EXPECT_EQ(Newest().state, FullSyncState::kWaiting);
  const FullSyncNumber first = Newest().number;
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 4)), "OK");
  EXPECT_EQ(store_->FindFullSyncs(segment_.list)[0].state,
            FullSyncState::kWaiting);
  ASSERT_EQ(CommitReason(Frame(Kind::kCommit, 5)), "OK");
  const auto all = store_->FindFullSyncs(segment_.list);
  EXPECT_EQ(all[0].number, first);
  EXPECT_EQ(all[0].state, FullSyncState::kDiscarded);
  EXPECT_EQ(Report().counts.intake.rejected, 1);
  EXPECT_EQ(store_->Rejections(destination_, 10, "")
                ->rejections[0]
                .intake->rejection.reason,
            kFullSyncRefusedReason);
  ASSERT_EQ(Decide(FullSyncDecision::Kind::kRelease, FullSyncState::kJudging),
            "OK");
  // Once more is no error, the opposite is.
  EXPECT_EQ(Decide(FullSyncDecision::Kind::kRelease, FullSyncState::kWaiting),
            "OK");
  EXPECT_EQ(Decide(FullSyncDecision::Kind::kDiscard, FullSyncState::kWaiting),
            "FULL_SYNC_NOT_WAITING");
}

TEST_F(FullSyncTest, FormerFormsAreNoEventsOfAFullSync) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  Batch batch = Declare(2, {TestRecord(1)});
  batch.segments[0].former_forms.Add(Change::kRemove, TestRecord(2), false);
  ASSERT_EQ(CommitReason(batch), "OK");
  EXPECT_THAT(Runs(segment_.list, Change::kRemove), IsEmpty());
  batch.export_id.clear();
  batch.sequence_number = 0;
  ASSERT_EQ(CommitReason(std::move(batch)), "OK");
  EXPECT_THAT(Runs(segment_.list, Change::kRemove), ElementsAre(TestRecord(2)));
}

TEST_F(FullSyncTest, ADeletedDestinationTakesItsFullSyncsAlong) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1)})), "OK");
  ASSERT_TRUE(store_->DeleteDestination(destination_).ok());
  EXPECT_THAT(store_->UndecidedFullSyncs(), IsEmpty());
  Reopen();
  EXPECT_THAT(store_->UndecidedFullSyncs(), IsEmpty());
  auto cursor = store_->ReadDeclared(segment_.list, 2);
  RunEntry entry;
  EXPECT_FALSE((*cursor)->Next(&entry));
}

TEST_F(FullSyncTest, ARestoreDropsWhatWasNotReleased) {
  ASSERT_EQ(CommitReason(Frame(Kind::kBegin, 1)), "OK");
  ASSERT_EQ(CommitReason(Declare(2, {TestRecord(1)}, {TestRecord(2)})), "OK");
  store_.reset();
  std::ofstream(options_.path + "/restored").close();
  Reopen();
  EXPECT_EQ(Newest().state, FullSyncState::kDiscarded);
  EXPECT_EQ(Report().counts.intake.rejected, 1);
  const auto page = store_->Rejections(destination_, 10, "");
  ASSERT_THAT(page->rejections, SizeIs(1));
  EXPECT_EQ(page->rejections[0].intake->export_id, "e");
  EXPECT_EQ(page->rejections[0].intake->rejection.reason,
            kFullSyncExpiredReason);
  EXPECT_EQ(Report().counts.pending(), 1);
  EXPECT_THAT(Declared(), IsEmpty());
  // Another export may have the id.
  ASSERT_EQ(CommitReason(Declare(1, {TestRecord(3)})), "OK");
  EXPECT_THAT(Runs(segment_.list, Change::kAdd), ElementsAre(TestRecord(3)));
}

// Random frames, batches, decisions, passes and restarts: what is pending is
// what the runs hold, and when all is over nothing is left of anything.
TEST_F(FullSyncTest, AccountsAddUpInRandomHistories) {
  for (uint32_t seed = 1; seed <= 8; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int size) {
      return static_cast<int>(random() % size);
    };
    segment_ = MakeSegment(destination_, static_cast<int>(seed));
    const auto number = [&] {
      for (const auto& position : store_->Exports(destination_)) {
        if (position.export_id == "e") return position.durable + 1;
      }
      return int64_t{1};
    };
    const auto report = [&] {
      const auto all = *store_->Report(destination_);
      for (const auto& each : all.segments) {
        if (each.segment.number == segment_.number) return each;
      }
      return SegmentReport();
    };
    const auto in_runs = [&] {
      const auto list = *store_->GetList(segment_.list);
      int64_t count = static_cast<int64_t>(
          Runs(segment_.list, Change::kAdd, list.settled).size() +
          Runs(segment_.list, Change::kRemove, list.settled).size());
      for (const auto& each : store_->FindFullSyncs(segment_.list)) {
        if (!each.ended()) count += each.declared;
      }
      return count;
    };
    const auto settle = [&] {
      // As a pass that delivers all up to the newest commit.
      PassCounts counts;
      const auto list = *store_->GetList(segment_.list);
      for (Change change : {Change::kAdd, Change::kRemove}) {
        counts.delivered += static_cast<int64_t>(
            Runs(segment_.list, change, list.settled).size());
      }
      for (const auto& each : store_->FindFullSyncs(segment_.list)) {
        if (each.state == FullSyncState::kReleased) {
          counts.delivered += each.declared;
        }
      }
      ASSERT_TRUE(SettleAll(segment_.list, counts).ok());
    };
    for (int step = 0; step < 80; ++step) {
      std::vector<Record> records;
      for (int i = pick(5); i >= 0; --i) records.push_back(TestRecord(pick(9)));
      switch (pick(10)) {
        case 0:
          ASSERT_EQ(CommitReason(Frame(Kind::kBegin, number())), "OK");
          break;
        case 1:
        case 2:
          ASSERT_EQ(CommitReason(Declare(number(), records, {TestRecord(1)})),
                    "OK");
          break;
        case 3:
          CommitReason(Frame(Kind::kCommit, number()));
          break;
        case 4:
        case 5:
          ASSERT_EQ(CommitReason(MakeBatch(segment_, records)), "OK");
          break;
        case 6: {
          const FullSync newest = Newest();
          Decide(static_cast<FullSyncDecision::Kind>(pick(4)), newest.state);
          break;
        }
        case 7:
          settle();
          break;
        case 8:
          clock_.Advance(absl::Minutes(pick(40)));
          break;
        default:
          Reopen();
      }
      ASSERT_EQ(report().counts.pending(), in_runs()) << seed << " " << step;
    }
    // All is brought to its end.
    clock_.Advance(absl::Hours(8));
    for (int i = 0; i < 20; ++i) {
      for (const auto& each : store_->UndecidedFullSyncs()) {
        Batch batch;
        batch.full_sync_decision = {each.list, each.number,
                                    each.state == FullSyncState::kJudging
                                        ? FullSyncDecision::Kind::kRelease
                                        : FullSyncDecision::Kind::kExpire,
                                    each.state};
        CommitReason(std::move(batch));
      }
    }
    ASSERT_THAT(store_->UndecidedFullSyncs(), IsEmpty()) << seed;
    settle();
    Reopen();
    EXPECT_EQ(report().counts.pending(), 0) << seed;
    EXPECT_EQ(report().backlog_bytes, 0) << seed;
    settle();
    EXPECT_THAT(Runs(segment_.list, Change::kAdd), IsEmpty()) << seed;
    EXPECT_THAT(Runs(segment_.list, Change::kRemove), IsEmpty()) << seed;
    const auto positions = store_->Exports(destination_);
    if (!positions.empty()) {
      EXPECT_EQ(positions[0].delivered, positions[0].durable) << seed;
    }
  }
}

}  // namespace
}  // namespace connector::membership
