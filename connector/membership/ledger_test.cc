#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class LedgerTest : public StoreTest {
 protected:
  LedgerTest() {
    destination_ = MakeDestination();
    segment_ = MakeSegment(destination_);
    list_ = segment_.list;
  }

  SegmentReport Report() { return store_->Report(destination_)->segments[0]; }

  DestinationNumber destination_ = 0;
  SegmentRow segment_;
  ListNumber list_ = 0;
};

TEST_F(LedgerTest, ConfirmedRecordsAreThere) {
  std::vector<Record> records;
  for (int i = 0; i < 500; ++i) records.push_back(TestRecord(i));
  Deliver(list_, Change::kAdd, records);
  EXPECT_EQ(Report().members, 500);
  Deliver(list_, Change::kRemove, {records[3], TestRecord(1'000)});
  for (int reopened = 0; reopened < 2; ++reopened) {
    EXPECT_EQ(Report().members, 499);
    EXPECT_EQ(Find(list_, records[0]).state, DeliveredState::kThere);
    EXPECT_FALSE(Find(list_, records[0]).unconfirmed);
    EXPECT_EQ(Find(list_, records[3]).state, std::nullopt);
    EXPECT_EQ(Find(list_, TestRecord(2'000)).state, std::nullopt);
    Reopen();
  }
}

TEST_F(LedgerTest, ACursorSeesTheStateOfItsMaking) {
  Deliver(list_, Change::kAdd, {TestRecord(1)});
  auto cursor = store_->ReadDelivered(list_);
  Deliver(list_, Change::kRemove, {TestRecord(1)});
  EXPECT_EQ((*cursor)->Find(TestRecord(1))->state, DeliveredState::kThere);
}

TEST_F(LedgerTest, EntriesOfAnOlderEpochAreNotBelieved) {
  Deliver(list_, Change::kAdd, {TestRecord(1), TestRecord(2)});
  ListRow row = *store_->GetList(list_);
  row.epoch = 2;
  ASSERT_TRUE(store_->UpdateList(row).ok());
  EXPECT_TRUE(Find(list_, TestRecord(1)).unconfirmed);
  EXPECT_TRUE(Find(list_, TestRecord(2)).unconfirmed);
  Deliver(list_, Change::kAdd, {TestRecord(1)});
  EXPECT_FALSE(Find(list_, TestRecord(1)).unconfirmed);
  EXPECT_TRUE(Find(list_, TestRecord(2)).unconfirmed);
  EXPECT_EQ(Find(list_, TestRecord(2)).state, DeliveredState::kThere);
  EXPECT_EQ(Report().members, 2);
}

TEST_F(LedgerTest, UpdateListKeepsWhatIsNotItsOwn) {
  ASSERT_TRUE(Commit(MakeBatch(segment_, {TestRecord(1)})).ok());
  ASSERT_TRUE(SettleAll(list_).ok());
  ListRow row = *store_->GetList(list_);
  EXPECT_EQ(row.settled, 1);
  EXPECT_EQ(row.last_delivery_time, clock_.Now());
  row.customer_list_id = "643";
  row.unknown_members = true;
  row.creation_attempt_time = clock_.Now();
  row.learnt_max_records = 5'000;
  row.settled = 0;
  ASSERT_TRUE(store_->UpdateList(row).ok());
  Reopen();
  row = *store_->GetList(list_);
  EXPECT_EQ(row.customer_list_id, "643");
  EXPECT_TRUE(row.unknown_members);
  EXPECT_EQ(row.creation_attempt_time, clock_.Now());
  EXPECT_EQ(row.learnt_max_records, 5'000);
  EXPECT_EQ(row.settled, 1);
  EXPECT_EQ(row.segment, segment_.number);
}

TEST_F(LedgerTest, ADoubtLastsUntilItsAnswer) {
  const std::vector<Record> owned = {TestRecord(1), TestRecord(2)};
  const std::vector<RecordView> sorted = Sorted(owned);
  const DoubtNumber lost =
      *store_->BeginRequest(list_, Change::kAdd, sorted[0], sorted[1]);
  const DoubtNumber cancelled =
      *store_->BeginRequest(list_, Change::kAdd, sorted[0], sorted[1]);
  const DoubtNumber confirmed =
      *store_->BeginRequest(list_, Change::kAdd, sorted[0], sorted[1]);
  ASSERT_TRUE(store_->CancelRequest(list_, cancelled).ok());
  ASSERT_TRUE(store_
                  ->Confirm(list_, Change::kAdd, sorted, confirmed, {},
                            absl::InfinitePast())
                  .ok());
  for (int reopened = 0; reopened < 2; ++reopened) {
    auto doubts = store_->Doubts(list_);
    ASSERT_TRUE(doubts.ok());
    ASSERT_EQ(doubts->size(), 1);
    EXPECT_EQ((*doubts)[0].number, lost);
    EXPECT_EQ((*doubts)[0].first.view(), sorted[0]);
    EXPECT_EQ((*doubts)[0].last.view(), sorted[1]);
    Reopen();
  }
  // Numbers go on after a start.
  const DoubtNumber later =
      *store_->BeginRequest(list_, Change::kRemove, sorted[0], sorted[0]);
  EXPECT_GT(later, lost);
  ASSERT_TRUE(store_->Settle(list_, 0, lost, {}, clock_.Now()).ok());
  auto doubts = store_->Doubts(list_);
  ASSERT_EQ(doubts->size(), 1);
  EXPECT_EQ((*doubts)[0].number, later);
  EXPECT_EQ((*doubts)[0].change, Change::kRemove);
}

TEST_F(LedgerTest, EchoesComeBackInTheirOrder) {
  const std::vector<Record> owned = {TestRecord(1), TestRecord(2),
                                     TestRecord(3)};
  const std::vector<RecordView> sorted = Sorted(owned);
  const absl::Time late = clock_.Now() + absl::Minutes(9);
  const absl::Time soon = clock_.Now() + absl::Minutes(3);
  Deliver(list_, Change::kAdd, owned);
  ASSERT_TRUE(store_
                  ->Confirm(list_, Change::kRemove, sorted, 0,
                            {sorted[0], sorted[2]}, late)
                  .ok());
  ASSERT_TRUE(
      store_->Confirm(list_, Change::kRemove, {sorted[1]}, 0, {sorted[1]}, soon)
          .ok());
  for (int reopened = 0; reopened < 2; ++reopened) {
    auto echoes = store_->Echoes(list_, absl::InfiniteFuture(), 1000);
    ASSERT_TRUE(echoes.ok());
    ASSERT_EQ(echoes->size(), 2);
    EXPECT_EQ((*echoes)[0].time, soon);
    EXPECT_EQ((*echoes)[1].time, late);
    EXPECT_THAT((*echoes)[1].records, ElementsAre(Record::FromView(sorted[0]),
                                                  Record::FromView(sorted[2])));
    EXPECT_THAT(store_->EchoTimes(), ElementsAre(Pair(list_, soon)));
    EXPECT_EQ(Find(list_, sorted[0]).state, DeliveredState::kAbsentSince);
    EXPECT_EQ(Report().members, 0);
    Reopen();
  }
  auto echoes = store_->Echoes(list_, absl::InfiniteFuture(), 1000);
  ASSERT_TRUE(store_->EndEcho(list_, (*echoes)[0].number).ok());
  EXPECT_THAT(store_->EchoTimes(), ElementsAre(Pair(list_, late)));
  ASSERT_TRUE(store_->EndEcho(list_, (*echoes)[1].number).ok());
  EXPECT_THAT(store_->EchoTimes(), IsEmpty());
  Reopen();
  EXPECT_THAT(store_->EchoTimes(), IsEmpty());
  // The echo's own removal forgets the record.
  Deliver(list_, Change::kRemove, {owned[0]});
  EXPECT_EQ(Find(list_, owned[0]).state, std::nullopt);
}

TEST_F(LedgerTest, AdditionsHaveEchoesToo) {
  const std::vector<Record> owned = {TestRecord(1), TestRecord(2)};
  const std::vector<RecordView> sorted = Sorted(owned);
  ASSERT_TRUE(
      store_->Confirm(list_, Change::kAdd, sorted, 0, {sorted[1]}, clock_.Now())
          .ok());
  EXPECT_EQ(Find(list_, sorted[1]).state, DeliveredState::kThere);
  EXPECT_EQ(Report().members, 2);
  auto echoes = store_->Echoes(list_, absl::InfiniteFuture(), 1000);
  ASSERT_EQ(echoes->size(), 1);
  EXPECT_THAT((*echoes)[0].records, ElementsAre(Record::FromView(sorted[1])));
}

TEST_F(LedgerTest, ConfirmRefusesWhatIsOutOfOrder) {
  const std::vector<Record> owned = {TestRecord(1), TestRecord(2)};
  const std::vector<RecordView> sorted = Sorted(owned);
  const auto confirm = [&](Change change, std::vector<RecordView> records,
                           std::vector<RecordView> echoes) {
    return store_->Confirm(list_, change, records, 0, echoes, absl::UnixEpoch())
        .code();
  };
  EXPECT_EQ(confirm(Change::kAdd, {sorted[1], sorted[0]}, {}),
            absl::StatusCode::kInternal);
  EXPECT_EQ(confirm(Change::kAdd, {sorted[0], sorted[0]}, {}),
            absl::StatusCode::kInternal);
  EXPECT_EQ(confirm(Change::kAdd, {sorted[0]}, {sorted[1]}),
            absl::StatusCode::kInternal);
  EXPECT_EQ(confirm(Change::kRemove, {sorted[0]}, {sorted[1]}),
            absl::StatusCode::kInternal);
  EXPECT_EQ(Find(list_, sorted[0]).state, std::nullopt);
}

TEST_F(LedgerTest, RefusedRecordsAreRemembered) {
  ListRow row = *store_->GetList(list_);
  row.customer_list_id = "643";
  ASSERT_TRUE(store_->UpdateList(row).ok());
  Deliver(list_, Change::kAdd, {TestRecord(2)});
  std::vector<Refusal> refusals(2);
  const std::vector<Record> owned = {TestRecord(1), TestRecord(2)};
  const std::vector<RecordView> sorted = Sorted(owned);
  refusals[0].record = Record::FromView(sorted[0]);
  refusals[0].change = Change::kAdd;
  refusals[0].http_status = 400;
  refusals[0].message = "not valid";
  refusals[0].request_id = "r1";
  refusals[1].record = Record::FromView(sorted[1]);
  refusals[1].change = Change::kRemove;
  ASSERT_TRUE(store_->Refuse(list_, refusals).ok());
  Reopen();
  EXPECT_EQ(Find(list_, sorted[0]).state, DeliveredState::kRefusedAdd);
  EXPECT_EQ(Find(list_, sorted[1]).state, DeliveredState::kRefusedRemove);
  EXPECT_EQ(Report().members, 0);
  auto page = store_->Rejections(destination_, 10, "");
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->rejections.size(), 2);
  const JournalRejection& oldest = page->rejections[1];
  ASSERT_TRUE(oldest.refused.has_value());
  EXPECT_EQ(oldest.time, clock_.Now());
  EXPECT_EQ(oldest.refused->segment, segment_.number);
  EXPECT_EQ(oldest.refused->customer_list_id, "643");
  EXPECT_EQ(oldest.refused->refusal.record.view(), sorted[0]);
  EXPECT_EQ(oldest.refused->refusal.message, "not valid");
  EXPECT_EQ(oldest.refused->refusal.request_id, "r1");
}

TEST_F(LedgerTest, SettlingLeavesWhatCameLater) {
  ASSERT_TRUE(
      Commit(MakeBatch(segment_, {TestRecord(1)}, {TestRecord(2)})).ok());
  const CommitNumber through = store_->SyncedCommit();
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(Commit(MakeBatch(segment_, {TestRecord(3)})).ok());
  PassCounts counts;
  counts.delivered = 1;
  counts.netted_out = 1;
  ASSERT_TRUE(store_->Settle(list_, through, 0, counts, clock_.Now()).ok());
  for (int reopened = 0; reopened < 2; ++reopened) {
    EXPECT_THAT(Runs(list_, Change::kAdd), ElementsAre(TestRecord(3)));
    EXPECT_THAT(Runs(list_, Change::kRemove), IsEmpty());
    auto pending = store_->FindPendingList(list_);
    ASSERT_TRUE(pending.has_value());
    EXPECT_FALSE(pending->has_removals);
    EXPECT_EQ(pending->oldest_change_time, clock_.Now());
    const SegmentReport report = Report();
    EXPECT_EQ(report.counts.pending(), 1);
    EXPECT_EQ(report.counts.settled.delivered, 1);
    EXPECT_EQ(report.counts.settled.netted_out, 1);
    EXPECT_EQ(report.backlog_bytes, pending->bytes);
    EXPECT_EQ(report.oldest_change_time, clock_.Now());
    Reopen();
  }
  counts = {};
  counts.already_there = 1;
  ASSERT_TRUE(SettleAll(list_, counts).ok());
  EXPECT_FALSE(store_->FindPendingList(list_).has_value());
  EXPECT_THAT(store_->PendingLists(), IsEmpty());
  EXPECT_EQ(Report().counts.pending(), 0);
}

TEST_F(LedgerTest, ReadRunsGivesTheCommitsAskedFor) {
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(Commit(MakeBatch(segment_, {TestRecord(i)})).ok());
  }
  EXPECT_THAT(Runs(list_, Change::kAdd, 1, 3),
              ElementsAre(TestRecord(2), TestRecord(3)));
  EXPECT_THAT(Runs(list_, Change::kAdd, 5, 5), IsEmpty());
}

TEST_F(LedgerTest, TheCommitListenerHearsOfEachList) {
  const SegmentRow other = MakeSegment(destination_, 1);
  std::vector<std::pair<ListNumber, bool>> heard;
  store_->SetCommitListener([&](ListNumber list, bool has_removals) {
    heard.emplace_back(list, has_removals);
  });
  Batch batch = MakeBatch(segment_, {TestRecord(1)});
  batch.segments.push_back(
      std::move(MakeBatch(other, {}, {TestRecord(2)}).segments[0]));
  ASSERT_TRUE(Commit(std::move(batch)).ok());
  ASSERT_TRUE(Commit(MakeBatch(segment_, {})).ok());
  store_.reset();
  EXPECT_THAT(heard, ElementsAre(Pair(list_, false), Pair(other.list, true)));
}

TEST_F(LedgerTest, UnknownListsAreNotFound) {
  const Record record = TestRecord(1);
  const auto code = [](const absl::Status& status) { return status.code(); };
  constexpr absl::StatusCode kNotFound = absl::StatusCode::kNotFound;
  EXPECT_EQ(code(store_->GetList(99).status()), kNotFound);
  EXPECT_EQ(code(store_->GetSegment(99).status()), kNotFound);
  EXPECT_EQ(code(store_->ReadRuns(99, Change::kAdd, 0, 1).status()), kNotFound);
  EXPECT_EQ(code(store_->ReadDelivered(99).status()), kNotFound);
  EXPECT_EQ(
      code(store_->BeginRequest(99, Change::kAdd, record, record).status()),
      kNotFound);
  EXPECT_EQ(code(store_->Confirm(99, Change::kAdd, {}, 0, {}, clock_.Now())),
            kNotFound);
  EXPECT_EQ(code(store_->Refuse(99, {})), kNotFound);
  EXPECT_EQ(code(store_->Settle(99, 0, 0, {}, clock_.Now())), kNotFound);
  EXPECT_EQ(code(store_->Doubts(99).status()), kNotFound);
  EXPECT_EQ(code(store_->Echoes(99, absl::InfiniteFuture(), 1000).status()),
            kNotFound);
  EXPECT_EQ(code(store_->EndEcho(99, 1)), kNotFound);
  EXPECT_EQ(code(store_->CancelRequest(99, 1)), kNotFound);
  ListRow row;
  row.number = 99;
  EXPECT_EQ(code(store_->UpdateList(row)), kNotFound);
}

}  // namespace
}  // namespace connector::membership
