// Requests to forget, from the lists to the rows.
#include <set>
#include <string>
#include <vector>

#include "connector/base/error.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using membership::Forget;
using membership::ForgetList;
using membership::ForgetPhase;
using membership::FullSyncFrame;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;
using Outcome = ForgetList::Outcome;

class ForgetTest : public testing::Test {
 protected:
  ForgetTest() : world_(1, DeliveryWorld::Backend::kMemory) { world_.Open(); }

  static std::vector<Event> Add(const std::string& segment, int first,
                                int last) {
    std::vector<Event> events;
    for (int i = first; i <= last; ++i) {
      events.push_back({segment, i, Change::kAdd});
    }
    return events;
  }
  void Deliver(const std::vector<Event>& events) {
    world_.Commit(events);
    ASSERT_TRUE(world_.RunUntilQuiet());
  }
  void AskToForget(const std::vector<int>& records,
                   const std::string& id = "one") {
    const auto outcome = world_.TryForget(records, id);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_FALSE(outcome->repeat);
  }
  Forget Receipt(const std::string& id = "one") {
    for (const Forget& forget :
         world_.store().FindForgets(world_.destination())) {
      if (forget.request_id == id) return forget;
    }
    ADD_FAILURE() << "no receipt";
    return {};
  }
  static Outcome OutcomeOf(const Forget& forget, membership::ListNumber list) {
    for (const ForgetList& each : forget.lists) {
      if (each.list == list) return each.outcome;
    }
    ADD_FAILURE() << "list " << list << " is not in the receipt";
    return Outcome::kWaiting;
  }
  // Rows that still hold the record.
  std::vector<std::string> Traces(int record) {
    return world_.disk()->PlacesOf(
        std::string(DeliveryWorld::RecordOf(record).payload()));
  }
  void ExpectForgotten(const std::vector<int>& records) {
    EXPECT_EQ(Receipt().phase, ForgetPhase::kDone);
    for (int record : records) {
      EXPECT_EQ(Traces(record), std::vector<std::string>()) << record;
    }
  }
  int RemovesOf(int record) {
    int removes = 0;
    for (const auto& call : world_.pinterest().Calls()) {
      if (call.what != "REMOVE") continue;
      for (const std::string& text : call.records) {
        removes += text == DeliveryWorld::WireText(record);
      }
    }
    return removes;
  }
  membership::SegmentRow Segment(const std::string& name) {
    return *world_.store().FindSegment(world_.destination(), "ups", name);
  }

  DeliveryWorld world_;
};

TEST_F(ForgetTest, LeavesEveryListAndEveryRow) {
  Deliver(Add("a", 1, 9));
  Deliver(Add("b", 3, 5));
  ASSERT_FALSE(Traces(4).empty());
  AskToForget({4, 104, 204});
  EXPECT_EQ(Receipt().phase, ForgetPhase::kRemoving);
  EXPECT_EQ(Receipt().lists.size(), 2u);
  ASSERT_TRUE(world_.RunUntilForgotten());
  world_.ExpectConverged();
  ExpectForgotten({4, 104, 204});
  EXPECT_EQ(world_.OnList("a").count(4), 0u);
  EXPECT_EQ(world_.OnList("b"), (std::set<int>{3, 5}));
  const Forget receipt = Receipt();
  for (const ForgetList& list : receipt.lists) {
    EXPECT_EQ(list.outcome, Outcome::kRemoved);
    EXPECT_FALSE(list.customer_list_id.empty());
    EXPECT_FALSE(list.later_event);
  }
  EXPECT_LE(receipt.request_time, receipt.confirm_time);
  EXPECT_LE(receipt.confirm_time, receipt.purge_time);
  EXPECT_LE(receipt.purge_time, receipt.done_time);
  EXPECT_EQ(receipt.forms, 3);
  // It outlives the process.
  world_.Open();
  EXPECT_EQ(Receipt().phase, ForgetPhase::kDone);
  EXPECT_EQ(Receipt().lists.size(), 2u);
}

TEST_F(ForgetTest, TheRemovalGoesOutWhateverIsKnown) {
  Deliver(Add("a", 1, 3));
  // Somebody else put it there: here it counts as absent.
  const std::string id =
      world_.store().GetList(Segment("a").list)->customer_list_id;
  world_.pinterest().Edit(id, [](std::set<std::string>& records) {
    records.insert(DeliveryWorld::WireText(77));
  });
  AskToForget({77});
  // A later exit is netted with the removal, and takes nothing from it.
  world_.CommitTo(DeliveryWorld::kAdAccount, {{"a", 77, Change::kRemove}});
  ASSERT_TRUE(world_.RunUntilForgotten());
  EXPECT_EQ(world_.pinterest().Lists().at(id).records.count(
                DeliveryWorld::WireText(77)),
            0u);
  EXPECT_EQ(RemovesOf(77), 1);
  ExpectForgotten({77});
  EXPECT_EQ(world_.Counts("a").pending(), 0);
}

TEST_F(ForgetTest, TheRemovalOvertakesABackfill) {
  world_.config()
      .mutable_destinations(0)
      ->mutable_delivery_policy()
      ->set_max_request_records(1);
  world_.Open();
  Deliver(Add("a", 1, 3));
  const std::string id =
      world_.store().GetList(Segment("a").list)->customer_list_id;
  world_.pinterest().Edit(id, [](std::set<std::string>& records) {
    records.insert(DeliveryWorld::WireText(77));
  });
  world_.Commit(Add("a", 10, 60));
  world_.clock().Advance(absl::Hours(1));
  world_.RunSteps(6);
  AskToForget({77});
  world_.clock().Advance(absl::Hours(1));
  world_.RunSteps(6);
  const auto records = world_.pinterest().Lists().at(id).records;
  EXPECT_EQ(records.count(DeliveryWorld::WireText(77)), 0u);
  EXPECT_LT(records.size(), 40u);
  ASSERT_TRUE(world_.RunUntilForgotten());
  ExpectForgotten({77});
}

TEST_F(ForgetTest, AnAdditionThatWaitsIsNeverSentAndALaterOneIs) {
  Deliver(Add("a", 1, 3));
  world_.pinterest().ClearCalls();
  world_.Commit({{"a", 8, Change::kAdd}, {"a", 9, Change::kAdd}});
  const auto before = world_.Counts("a");
  AskToForget({8, 9});
  world_.Commit({{"a", 9, Change::kAdd}});
  ASSERT_TRUE(world_.RunUntilForgotten());
  world_.ExpectConverged();
  EXPECT_EQ(world_.OnList("a"), (std::set<int>{1, 2, 3, 9}));
  EXPECT_EQ(Traces(8), std::vector<std::string>());
  // A new decision: it is known again.
  EXPECT_FALSE(Traces(9).empty());
  EXPECT_TRUE(Receipt().lists[0].later_event);
  for (const auto& call : world_.pinterest().Calls()) {
    if (call.what != "ADD") continue;
    EXPECT_EQ(call.records,
              std::vector<std::string>{DeliveryWorld::WireText(9)});
  }
  const auto counts = world_.Counts("a");
  EXPECT_EQ(counts.settled.superseded, before.settled.superseded + 2);
  EXPECT_EQ(counts.settled.delivered, before.settled.delivered + 1);
}

TEST_F(ForgetTest, ARepeatIsTheSameRequest) {
  Deliver(Add("a", 1, 3));
  AskToForget({1});
  const auto repeat = world_.TryForget({1}, "one");
  ASSERT_TRUE(repeat.ok());
  EXPECT_TRUE(repeat->repeat);
  EXPECT_EQ(repeat->forget, Receipt().number);
  const auto other = world_.TryForget({2}, "one");
  EXPECT_EQ(GetErrorDetail(other.status()).reason, "REQUEST_ID_REUSED");
  ASSERT_TRUE(world_.RunUntilForgotten());
  EXPECT_TRUE(world_.TryForget({1}, "one")->repeat);
  EXPECT_EQ(world_.store().FindForgets(world_.destination()).size(), 1u);
}

TEST_F(ForgetTest, ListsThatWereNeverMadeAndDestinationsWithoutOne) {
  ASSERT_TRUE(world_.TryForget({1}, "none").ok());
  ASSERT_TRUE(world_.RunUntilForgotten());
  EXPECT_EQ(Receipt("none").phase, ForgetPhase::kDone);
  EXPECT_TRUE(Receipt("none").lists.empty());

  world_.Commit({{"a", 1, Change::kRemove}});
  AskToForget({1});
  ASSERT_TRUE(world_.RunUntilForgotten());
  EXPECT_EQ(OutcomeOf(Receipt(), Segment("a").list), Outcome::kNoList);
  ExpectForgotten({1});
}

TEST_F(ForgetTest, WaitsWhileAListIsBlockedAndGoesOnAfterAKill) {
  Deliver(Add("a", 1, 3));
  world_.pinterest().SetFaults(
      [](const FakePinterest::Call&) { return Fault::kServerError; });
  AskToForget({2});
  for (int i = 0; i < 20; ++i) {
    world_.RunSteps();
    EXPECT_EQ(Receipt().phase, ForgetPhase::kRemoving);
    EXPECT_EQ(Receipt().lists[0].outcome, Outcome::kWaiting);
    world_.RunForgetting();
    world_.clock().Advance(absl::Minutes(2));
    if (i % 5 == 4) world_.Open();
  }
  world_.pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_.RunUntilForgotten());
  world_.ExpectConverged();
  ExpectForgotten({2});
}

TEST_F(ForgetTest, WaitsForTheRepeatOfARemoval) {
  Deliver(Add("a", 1, 3));
  // An addition of before is not answered, and may be applied late.
  world_.pinterest().SetLateDelay(absl::Minutes(4));
  int calls = 0;
  world_.pinterest().SetFaults([&](const FakePinterest::Call& call) {
    return call.what == "ADD" && calls++ == 0 ? Fault::kAppliedLate
                                              : Fault::kNone;
  });
  world_.Commit({{"a", 7, Change::kAdd}});
  world_.clock().Advance(absl::Minutes(1));
  world_.RunSteps(8);
  AskToForget({7});
  ASSERT_TRUE(world_.RunUntilForgotten());
  world_.ExpectConverged();
  ExpectForgotten({7});
  EXPECT_GE(RemovesOf(7), 2);
  EXPECT_GE(Receipt().confirm_time - Receipt().request_time, absl::Minutes(4));
}

TEST_F(ForgetTest, AListThatVanishedCountsAsGone) {
  Deliver(Add("a", 1, 3));
  Deliver(Add("b", 1, 3));
  world_.Commit({{"a", 2, Change::kAdd}, {"a", 8, Change::kAdd}});
  const membership::ListNumber list = Segment("a").list;
  world_.pinterest().Vanish(world_.store().GetList(list)->customer_list_id);
  AskToForget({2, 8});
  for (int i = 0; i < 40 && !world_.store().UnfinishedForgets().empty(); ++i) {
    world_.RunSteps();
    world_.RunForgetting();
    world_.clock().Advance(absl::Minutes(1));
  }
  EXPECT_EQ(OutcomeOf(Receipt(), list), Outcome::kGone);
  EXPECT_EQ(OutcomeOf(Receipt(), Segment("b").list), Outcome::kRemoved);
  ExpectForgotten({2, 8});
  // What waited and is forgotten is counted; the rest waits for a new list.
  ASSERT_TRUE(world_.store()
                  .RequestReplacement(Segment("a").number, {"", false, true})
                  .ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.OnList("a"), (std::set<int>{1, 3}));
  EXPECT_EQ(world_.Counts("a").pending(), 0);
  EXPECT_EQ(Traces(8), std::vector<std::string>());
}

TEST_F(ForgetTest, UnmappedAndReplacedListsAreReached) {
  Deliver(Add("a", 1, 5));
  Deliver(Add("b", 1, 5));
  const std::string old_id =
      world_.store().GetList(Segment("b").list)->customer_list_id;
  ASSERT_TRUE(
      world_.store().UnmapSegment(Segment("a").number, /*empty=*/false).ok());
  // The old list keeps its members.
  membership::Replacement replacement;
  replacement.keep_old_members = true;
  ASSERT_TRUE(
      world_.store().RequestReplacement(Segment("b").number, replacement).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  ASSERT_EQ(world_.pinterest().Lists().at(old_id).records.size(), 5u);
  AskToForget({3});
  EXPECT_EQ(Receipt().lists.size(), 3u);
  ASSERT_TRUE(world_.RunUntilForgotten());
  ExpectForgotten({3});
  for (const auto& [id, list] : world_.pinterest().Lists()) {
    EXPECT_EQ(list.records.count(DeliveryWorld::WireText(3)), 0u) << id;
    EXPECT_EQ(list.records.size(), 4u) << id;
  }
}

TEST_F(ForgetTest, AListThatIsReplacedMeanwhileIsWaitedForOnBothSides) {
  Deliver(Add("a", 1, 9));
  ASSERT_TRUE(world_.store().RequestReplacement(Segment("a").number, {}).ok());
  AskToForget({3});
  ASSERT_TRUE(world_.RunUntilForgotten());
  ExpectForgotten({3});
  EXPECT_EQ(Receipt().lists.size(), 2u);
  for (const auto& [id, list] : world_.pinterest().Lists()) {
    EXPECT_EQ(list.records.count(DeliveryWorld::WireText(3)), 0u) << id;
  }
  EXPECT_EQ(world_.Counts("a").pending(), 0);
}

TEST_F(ForgetTest, WhatAnOpenFullSyncDeclaredBeforeIsPurged) {
  constexpr auto kAccount = DeliveryWorld::kAdAccount;
  Deliver(Add("a", 1, 5));
  ASSERT_TRUE(world_
                  .TryFullSyncFrame(kAccount, "full", "a",
                                    FullSyncFrame::Kind::kBegin,
                                    absl::Hours(24))
                  .ok());
  ASSERT_TRUE(world_.TryCommitTo(kAccount, Add("a", 2, 6), "full").ok());
  // An event since the begin, which is kept for it.
  world_.Commit({{"a", 3, Change::kAdd}});
  ASSERT_TRUE(world_.RunUntilQuiet(absl::Hours(1)) || true);
  const auto before = world_.Counts("a");
  AskToForget({3, 6});
  for (int i = 0; i < 100 && !world_.store().UnfinishedForgets().empty(); ++i) {
    world_.RunSteps();
    world_.RunForgetting();
    world_.clock().Advance(absl::Seconds(30));
  }
  ExpectForgotten({3, 6});
  EXPECT_EQ(world_.Counts("a").settled.superseded,
            before.settled.superseded + 2);
  // A later declaration is a later event.
  ASSERT_TRUE(world_.TryCommitTo(kAccount, Add("a", 6, 7), "full").ok());
  ASSERT_TRUE(world_
                  .TryFullSyncFrame(kAccount, "full", "a",
                                    FullSyncFrame::Kind::kCommit, {})
                  .ok());
  world_.Commit({{"a", 1, Change::kRemove},
                 {"a", 7, Change::kAdd},
                 {"a", 6, Change::kAdd}});
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.OnList("a"), (std::set<int>{2, 4, 5, 6, 7}));
  EXPECT_EQ(Traces(3), std::vector<std::string>());
  EXPECT_EQ(world_.Counts("a").pending(), 0);
}

TEST_F(ForgetTest, RememberedExitsAndRejectionsGo) {
  world_.config()
      .mutable_destinations(0)
      ->mutable_edge_policy()
      ->mutable_late_addition_window()
      ->set_seconds(3600);
  world_.Open();
  Deliver(Add("a", 1, 5));
  Deliver({{"a", 4, Change::kRemove, true, 100}});
  EXPECT_FALSE(Traces(4).empty());
  // A record that Pinterest refuses.
  world_.pinterest().SetBadRecord(DeliveryWorld::WireText(9),
                                  /*removals_too=*/false);
  Deliver({{"a", 9, Change::kAdd}, {"a", 10, Change::kAdd}});
  auto log = world_.store().Rejections(world_.destination(), 10, "");
  ASSERT_TRUE(log.ok());
  ASSERT_EQ(log->rejections.size(), 1u);
  AskToForget({4, 9});
  ASSERT_TRUE(world_.RunUntilForgotten());
  ExpectForgotten({4, 9});
  log = world_.store().Rejections(world_.destination(), 10, "");
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE(log->rejections.empty());
  EXPECT_EQ(OutcomeOf(Receipt(), Segment("a").list), Outcome::kRemoved);
}

TEST_F(ForgetTest, ARefusedRemovalIsSaidSo) {
  Deliver(Add("a", 1, 5));
  world_.pinterest().SetBadRecord(DeliveryWorld::WireText(4),
                                  /*removals_too=*/true);
  world_.Commit({{"a", 2, Change::kRemove}});
  AskToForget({4});
  ASSERT_TRUE(world_.RunUntilForgotten());
  EXPECT_EQ(OutcomeOf(Receipt(), Segment("a").list), Outcome::kRefused);
  ExpectForgotten({4});
  EXPECT_EQ(world_.Counts("a").pending(), 0);
}

}  // namespace
}  // namespace connector::delivery
