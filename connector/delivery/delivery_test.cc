// Behaviours of delivery, each through the real store and deliverer.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/delivery/delivery_timing.h"
#include "connector/delivery/delivery_world.h"
#include "connector/delivery/forgetful_ledger.h"
#include "connector/delivery/list_name.h"
#include "connector/membership/replay.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;
constexpr Change kAdd = Change::kAdd;
constexpr Change kRemove = Change::kRemove;

class DeliveryTest : public testing::Test {
 protected:
  void SetUp() override {
    world_ = std::make_unique<DeliveryWorld>(1);
    auto* policy =
        world_->config().mutable_destinations(0)->mutable_delivery_policy();
    policy->set_max_request_records(10);
    policy->mutable_max_delay()->set_seconds(30);
    world_->Open();
  }

  void Add(int first, int last, const std::string& segment = "a") {
    std::vector<Event> events;
    for (int i = first; i <= last; ++i) events.push_back({segment, i, kAdd});
    world_->Commit(events);
  }
  void Remove(int first, int last, const std::string& segment = "a") {
    std::vector<Event> events;
    for (int i = first; i <= last; ++i) events.push_back({segment, i, kRemove});
    world_->Commit(events);
  }

  // The n-th call of a kind, counted from 1, goes wrong once.
  void FailNth(const std::string& what, int nth, Fault fault) {
    auto seen = std::make_shared<int>(0);
    world_->pinterest().SetFaults([=](const FakePinterest::Call& call) {
      return call.what == what && ++*seen == nth ? fault : Fault::kNone;
    });
  }

  std::unique_ptr<DeliveryWorld> world_;
};

// Counts the remembered exits that passes read.
class CountingLedger final : public ForgetfulLedger {
 public:
  CountingLedger() : ForgetfulLedger(Fault::kNone) {}
  absl::StatusOr<std::unique_ptr<membership::RunCursor>> ReadRememberedExits(
      membership::ListNumber list, membership::CommitNumber through,
      const membership::ExitFilter& filter) override {
    auto cursor = ForgetfulLedger::ReadRememberedExits(list, through, filter);
    if (!cursor.ok()) return cursor;
    return std::make_unique<Counting>(*std::move(cursor), &entries);
  }
  int entries = 0;

 private:
  class Counting final : public membership::RunCursor {
   public:
    Counting(std::unique_ptr<membership::RunCursor> cursor, int* entries)
        : cursor_(std::move(cursor)), entries_(entries) {}
    bool Next(membership::RunEntry* entry) override {
      const bool more = cursor_->Next(entry);
      if (more) ++*entries_;
      return more;
    }
    absl::Status status() override { return cursor_->status(); }

   private:
    const std::unique_ptr<membership::RunCursor> cursor_;
    int* const entries_;
  };
};

TEST_F(DeliveryTest, APassReadsOnlyTheExitsThatItsLateAdditionsMayMeet) {
  CountingLedger ledger;
  world_->set_ledger_wrapper(
      [&](membership::Ledger* inner) { return ledger.Wrap(inner); });
  world_->config()
      .mutable_destinations(0)
      ->mutable_edge_policy()
      ->mutable_late_addition_window()
      ->set_seconds(3'600);
  world_->Open();
  // Seconds since the world began; each exit is committed when it happens.
  const absl::Time began = world_->clock().Now();
  const auto now = [&] {
    return static_cast<int>(
        absl::ToInt64Seconds(world_->clock().Now() - began));
  };
  for (int i = 1; i <= 50; ++i) {
    world_->Commit({{"a", i, kRemove, true, now()}});
    world_->clock().Advance(absl::Seconds(10));
  }
  ASSERT_TRUE(world_->RunUntilQuiet(absl::Minutes(5)));
  ASSERT_EQ(ledger.entries, 0);
  // One that is newer than all of them.
  world_->Commit({{"a", 99, kAdd, true, now()}});
  ASSERT_TRUE(world_->RunUntilQuiet(absl::Minutes(5)));
  EXPECT_EQ(ledger.entries, 0);
  EXPECT_EQ(world_->OnList("a").count(99), 1u);
  // One that only the last three may hold back; it is told of late, and held
  // back by its own exit.
  world_->Commit({{"a", 50, kAdd, true, 475}});
  ASSERT_TRUE(world_->RunUntilQuiet(absl::Minutes(5)));
  EXPECT_EQ(ledger.entries, 2);
  EXPECT_EQ(world_->OnList("a").count(50), 0u);
  world_.reset();
}

class NettingTest : public DeliveryTest {
 protected:
  void SetUp() override {
    DeliveryTest::SetUp();
    world_->config()
        .mutable_destinations(0)
        ->mutable_delivery_policy()
        ->set_max_backlog_bytes(kQuota);
    world_->Open();
    Add(1, 40);
    ASSERT_TRUE(world_->RunUntilQuiet());
  }
  void Pause(bool paused) {
    const auto segment =
        world_->store().FindSegment(world_->destination(), "ups", "a");
    ASSERT_TRUE(world_->store().SetSegmentPaused(segment->number, paused).ok());
    world_->deliverer().OnConfigurationChanged();
  }
  int64_t Backlog() {
    const auto pending = world_->store().FindPendingList(world_->ListOf("a"));
    return pending.has_value() ? pending->bytes : 0;
  }

  static constexpr int64_t kQuota = 20'000;
};

TEST_F(NettingTest, ThePausedListsBacklogGrowsWithItsRecordsOnly) {
  Pause(true);
  const int64_t received = world_->Counts("a").intake.received;
  int64_t most = 0;
  for (int round = 0; round < 100; ++round) {
    if (round % 2 == 0) {
      Remove(1, 40);
    } else {
      Add(1, 40);
    }
    world_->RunSteps();
    most = std::max(most, Backlog());
    // Killed now and then.
    if (round % 17 == 3) world_->Open();
  }
  // A round takes 1,300 bytes.
  EXPECT_LT(most, kQuota);
  EXPECT_EQ(world_->Counts("a").intake.received, received + 4'000);
  EXPECT_GT(world_->Counts("a").settled.superseded, 2'000);
  EXPECT_EQ(world_->CallCount("REMOVE"), 0);
  Remove(1, 5);
  world_->Open();
  Pause(false);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->OnList("a").size(), 35u);
  world_->ExpectConverged();
}

TEST_F(NettingTest, ABlockedListsBacklogIsNettedToo) {
  world_->pinterest().SetFaults(
      [](const FakePinterest::Call&) { return Fault::kNotFound; });
  int64_t most = 0;
  for (int round = 0; round < 60; ++round) {
    if (round % 2 == 0) {
      Remove(1, 40);
    } else {
      Add(1, 40);
    }
    world_->clock().Advance(absl::Seconds(40));
    world_->RunSteps();
    most = std::max(most, Backlog());
  }
  EXPECT_LT(most, kQuota);
  EXPECT_GT(world_->Counts("a").settled.superseded, 500);
  world_->pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
}

// What waits for the settlement of commits of which nothing is left.
TEST_F(NettingTest, ExportsAreDeliveredWhenTheirListIs) {
  Pause(true);
  constexpr int kBatches = 60;
  for (int i = 0; i < kBatches; ++i) {
    std::vector<Event> events;
    for (int r = 1; r <= 20; ++r) {
      events.push_back({"a", r, i % 2 == 0 ? kRemove : kAdd});
    }
    ASSERT_TRUE(
        world_->TryCommitTo(DeliveryWorld::kAdAccount, events, "e").ok());
    world_->RunSteps();
  }
  EXPECT_GT(world_->Counts("a").settled.superseded, 500);
  const auto delivered = [&] {
    for (const auto& each : world_->store().Exports(world_->destination())) {
      if (each.export_id == "e") return each.delivered;
    }
    return int64_t{-1};
  };
  EXPECT_EQ(delivered(), 0);
  world_->Open();
  EXPECT_EQ(delivered(), 0);
  Pause(false);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(delivered(), kBatches);
  EXPECT_EQ(world_->Counts("a").pending(), 0);
  EXPECT_EQ(world_->OnList("a").size(), 40u);
}

TEST_F(DeliveryTest, ChangesWaitForOthersUpToTheDelay) {
  Add(1, 5);
  world_->clock().Advance(absl::Seconds(29));
  EXPECT_EQ(world_->RunSteps(), 0);
  world_->clock().Advance(absl::Seconds(1));
  EXPECT_GT(world_->RunSteps(), 0);
  world_->ExpectConverged();
  EXPECT_EQ(world_->CallCount("CREATE"), 1);
}

TEST_F(DeliveryTest, AFullRequestDoesNotWait) {
  Add(1, 25);
  world_->RunSteps();
  world_->ExpectConverged();
  EXPECT_EQ(world_->CallCount("CREATE"), 1);
  EXPECT_EQ(world_->CallCount("ADD"), 2);
  EXPECT_EQ(world_->CallCount("LIST"), 1) << "looked up before the creation";
}

TEST_F(DeliveryTest, CallsPerPassAreAsFewAsTheLimitAllows) {
  Add(1, 95);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->pinterest().ClearCalls();
  std::vector<Event> events;
  for (int i = 1; i <= 41; ++i) events.push_back({"a", i, kRemove});
  for (int i = 101; i <= 130; ++i) events.push_back({"a", i, kAdd});
  world_->Commit(events);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->CallCount("REMOVE"), 5);
  EXPECT_EQ(world_->CallCount("ADD"), 3);
  bool added = false;
  for (const auto& call : world_->pinterest().Calls()) {
    if (call.what == "ADD") added = true;
    if (call.what == "REMOVE") {
      EXPECT_FALSE(added) << "removals go first";
    }
  }
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, ARequestIsNoLargerThanItsBytesAllow) {
  auto* policy =
      world_->config().mutable_destinations(0)->mutable_delivery_policy();
  policy->set_max_request_records(50'000);
  policy->set_max_request_bytes(10'000);
  world_->Open();
  Add(1, 500);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  int requests = 0;
  for (const auto& call : world_->pinterest().Calls()) {
    if (call.what == "LIST") continue;
    ++requests;
    // 64 hex digits and a comma each.
    EXPECT_LE(call.records.size() * 65, 10'000u);
  }
  EXPECT_LE(requests, 4) << "the bytes are used";
}

TEST_F(DeliveryTest, WhatIsAlreadyThereCostsNoCall) {
  Add(1, 30);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->pinterest().ClearCalls();
  Add(1, 30);
  Remove(50, 60);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_TRUE(world_->pinterest().Calls().empty());
  const auto counts = world_->Counts("a");
  EXPECT_EQ(counts.settled.delivered, 30);
  EXPECT_EQ(counts.settled.already_there, 30);
  EXPECT_EQ(counts.settled.netted_out, 11);
  EXPECT_EQ(counts.intake.received, 71);
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, TheLastOfAddAndRemoveStands) {
  world_->Commit({{"a", 1, kAdd},
                  {"a", 1, kRemove},
                  {"a", 2, kRemove},
                  {"a", 2, kAdd},
                  {"a", 3, kAdd}});
  world_->Commit({{"a", 3, kRemove}, {"a", 4, kRemove}});
  world_->Commit({{"a", 4, kAdd}});
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->OnList("a"), (std::set<int>{2, 4}));
  // And the other way round, over passes.
  world_->Commit(
      {{"a", 2, kRemove}, {"a", 4, kAdd}, {"a", 4, kRemove}, {"a", 1, kAdd}});
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->OnList("a"), (std::set<int>{1}));
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, RemovalsAloneCreateNoList) {
  Remove(1, 30);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_TRUE(world_->pinterest().Lists().empty());
  EXPECT_EQ(world_->Counts("a").settled.netted_out, 30);
}

TEST_F(DeliveryTest, AListOfTheNameIsAdoptedAndItsUnknownMembersAreRemoved) {
  world_->pinterest().AddList("other", {});
  world_->pinterest().AddList(DeliveryWorld::Name("a"),
                              {DeliveryWorld::WireText(7)});
  world_->pinterest().AddList("another", {});
  world_->pinterest().AddList("one more", {});
  Add(1, 3);
  Remove(7, 7);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->CallCount("CREATE"), 0);
  EXPECT_EQ(world_->OnList("a"), (std::set<int>{1, 2, 3}));
  auto list = world_->store().GetList(world_->ListOf("a"));
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->unknown_members);
}

TEST_F(DeliveryTest, ALostAnswerToTheCreationNeverMakesTwoLists) {
  world_->pinterest().SetListingDelay(absl::Minutes(3));
  FailNth("CREATE", 1, Fault::kLostAfter);
  Add(1, 25);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->CallCount("CREATE"), 1);
  world_->ExpectConverged();
  auto list = world_->store().GetList(world_->ListOf("a"));
  ASSERT_TRUE(list.ok());
  EXPECT_FALSE(list->unknown_members) << "it is the one that was asked for";
}

TEST_F(DeliveryTest, ACreationThatNeverHappenedIsRepeatedAfterTheWindow) {
  FailNth("CREATE", 1, Fault::kLostBefore);
  Add(1, 25);
  const absl::Time start = world_->clock().Now();
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->CallCount("CREATE"), 2);
  EXPECT_GE(world_->clock().Now() - start, absl::Minutes(5));
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, AddAppliedWithoutAnswerThenKillThenExitEndsOffTheList) {
  Add(1, 5);
  ASSERT_TRUE(world_->RunUntilQuiet());
  FailNth("ADD", 1, Fault::kLostAfter);
  Add(6, 6);
  world_->clock().Advance(absl::Seconds(30));
  world_->RunSteps();
  ASSERT_EQ(world_->OnList("a").count(6), 1u);
  world_->Open();
  Remove(6, 6);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->OnList("a"), (std::set<int>{1, 2, 3, 4, 5}));
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, AnAdditionAppliedLongAfterItsTimeOutIsRemovedAgain) {
  Add(1, 5);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->pinterest().SetLateDelay(absl::Minutes(2));
  FailNth("ADD", 1, Fault::kAppliedLate);
  Add(6, 6);
  world_->clock().Advance(absl::Seconds(30));
  world_->RunSteps();
  Remove(6, 6);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_FALSE(world_->pinterest().HasLateRequests());
  EXPECT_EQ(world_->OnList("a"), (std::set<int>{1, 2, 3, 4, 5}));
  EXPECT_GE(world_->CallCount("REMOVE"), 2);
}

TEST_F(DeliveryTest, ARemovalAppliedLateDoesNotUndoAnAddition) {
  Add(1, 5);
  ASSERT_TRUE(world_->RunUntilQuiet());
  FailNth("REMOVE", 1, Fault::kAppliedLate);
  Remove(3, 3);
  world_->clock().Advance(absl::Seconds(30));
  world_->RunSteps();
  world_->Open();
  Add(3, 3);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->OnList("a"), (std::set<int>{1, 2, 3, 4, 5}));
}

TEST_F(DeliveryTest, OneBadRecordIsRefusedAndItsNeighboursAreNot) {
  world_->pinterest().SetBadRecord(DeliveryWorld::WireText(13));
  Add(1, 40);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->OnList("a").size(), 39u);
  EXPECT_EQ(world_->OnList("a").count(13), 0u);
  const auto counts = world_->Counts("a");
  EXPECT_EQ(counts.settled.refused, 1);
  EXPECT_EQ(counts.settled.delivered, 39);
  auto page = world_->store().Rejections(world_->destination(), 10, "");
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->rejections.size(), 1u);
  ASSERT_TRUE(page->rejections[0].refused.has_value());
  EXPECT_EQ(page->rejections[0].refused->refusal.http_status, 400);
  // It is not tried again by a repeat.
  world_->pinterest().ClearCalls();
  Add(13, 13);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_TRUE(world_->pinterest().Calls().empty());
  EXPECT_EQ(world_->Counts("a").settled.refused, 2);
}

// Dead letters.
class ReplayTest : public DeliveryTest {
 protected:
  void SetUp() override {
    DeliveryTest::SetUp();
    world_->pinterest().SetBadRecord(DeliveryWorld::WireText(13));
    Add(1, 40);
    ASSERT_TRUE(world_->RunUntilQuiet());
    ASSERT_EQ(Rejected(), 1);
    world_->pinterest().ClearCalls();
  }

  // As the call of the API does it.
  int64_t Replay() {
    const auto counts = world_->Counts("a");
    auto segment =
        world_->store().FindSegment(world_->destination(), "ups", "a");
    auto replayed = membership::ReplayRefusals(
        world_->store(), world_->store(), *segment,
        counts.settled.refused - counts.intake.replayed,
        [](auto) { return true; });
    EXPECT_TRUE(replayed.ok()) << replayed.status();
    return replayed.value_or(-1);
  }
  int64_t Rejected() {
    const auto counts = world_->Counts("a");
    return counts.settled.refused - counts.intake.replayed;
  }
};

TEST_F(ReplayTest, WhatIsNoLongerRefusedIsDelivered) {
  world_->pinterest().ClearBadRecords();
  EXPECT_EQ(Replay(), 1);
  EXPECT_EQ(world_->Counts("a").pending(), 1);
  EXPECT_EQ(Rejected(), 0);
  world_->Open();
  EXPECT_EQ(world_->Counts("a").pending(), 1) << "durable";
  EXPECT_EQ(Replay(), 0) << "on its way already";
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  EXPECT_EQ(world_->CallCount("ADD"), 1);
  EXPECT_EQ(world_->Counts("a").settled.delivered, 40);
  EXPECT_EQ(Replay(), 0) << "nothing is left";
}

TEST_F(ReplayTest, WhatIsStillRefusedStaysRefused) {
  EXPECT_EQ(Replay(), 1);
  Add(41, 60);  // shows that it is the record's fault
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(Rejected(), 1);
  EXPECT_EQ(world_->Counts("a").pending(), 0);
  EXPECT_EQ(world_->OnList("a").count(13), 0u);
  EXPECT_EQ(Replay(), 1) << "and may be tried once more";
}

TEST_F(ReplayTest, ANewerExitStands) {
  world_->pinterest().ClearBadRecords();
  // Committed before the replay and not delivered yet; a replay is older than
  // any event.
  Remove(13, 13);
  EXPECT_EQ(Replay(), 1);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  EXPECT_EQ(world_->OnList("a").count(13), 0u);
  EXPECT_EQ(world_->CallCount("ADD"), 0);
  EXPECT_EQ(Rejected(), 1) << "of the replay nothing came";
}

TEST_F(ReplayTest, AnExitThatWasDeliveredInBetweenStands) {
  world_->pinterest().ClearBadRecords();
  Add(101, 140);
  Remove(13, 13);
  world_->RunSteps(1);  // the pass has begun
  EXPECT_EQ(Replay(), 1);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  EXPECT_EQ(world_->OnList("a").count(13), 0u);
}

TEST_F(ReplayTest, ARepeatedEventTakesItsPlace) {
  world_->pinterest().ClearBadRecords();
  EXPECT_EQ(Replay(), 1);
  Add(13, 13);
  ASSERT_TRUE(world_->RunUntilQuiet());
  // The event alone would be skipped, as it says nothing new.
  EXPECT_EQ(world_->OnList("a").count(13), 1u);
  EXPECT_EQ(world_->Counts("a").pending(), 0);
}

TEST_F(DeliveryTest, AnExitOfARefusedAdditionIsSentAllTheSame) {
  Add(1, 20);
  ASSERT_TRUE(world_->RunUntilQuiet());
  // Applied without an answer, then refused: it is on the list.
  auto adds = std::make_shared<int>(0);
  const std::string bad = DeliveryWorld::WireText(99);
  world_->pinterest().SetFaults([=](const FakePinterest::Call& call) {
    if (call.what != "ADD") return Fault::kNone;
    if (++*adds == 1) return Fault::kLostAfter;
    for (const std::string& record : call.records) {
      if (record == bad) return Fault::kBadRequest;
    }
    return Fault::kNone;
  });
  Add(98, 99);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->Counts("a").settled.refused, 1);
  ASSERT_EQ(world_->OnList("a").count(99), 1u);
  world_->pinterest().SetFaults(nullptr);
  Remove(99, 99);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->OnList("a").count(99), 0u);
}

TEST_F(DeliveryTest, APassingBadRequestRefusesNobody) {
  Add(1, 5);
  ASSERT_TRUE(world_->RunUntilQuiet());
  // 400 to the first calls, whatever is in them; then the list is well again.
  auto adds = std::make_shared<int>(0);
  world_->pinterest().SetFaults([=](const FakePinterest::Call& call) {
    return call.what == "ADD" && ++*adds <= 3 ? Fault::kBadRequest
                                              : Fault::kNone;
  });
  Add(6, 9);
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->Counts("a").settled.refused, 0);
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, ListsTakeTurnsWhenTheRateIsScarce) {
  world_->config()
      .mutable_credentials(0)
      ->mutable_rate_limits()
      ->set_writes_per_minute(10);
  world_->Open();
  for (int list = 0; list < 6; ++list) {
    Add(1, 300, absl::StrCat("list", list));
  }
  // 9 additions a minute for 6 lists of 30 requests each.
  for (int i = 0; i < 120; ++i) {
    world_->RunSteps();
    world_->clock().Advance(absl::Seconds(5));
  }
  for (int list = 0; list < 6; ++list) {
    const size_t on_list =
        world_->OnListOrEmpty(absl::StrCat("list", list)).size();
    EXPECT_GE(on_list, 100u) << list;
    EXPECT_LE(on_list, 220u) << list;
  }
}

TEST_F(DeliveryTest, ManyWaitingListsOfOneCredentialLeavePlacesToOthers) {
  world_->set_max_passes(4);
  auto* other = world_->config().add_credentials();
  other->set_credential_id("other");
  other->set_access_token_file("other-token");
  auto* destination = world_->config().add_destinations();
  *destination = world_->config().destinations(0);
  destination->set_ad_account_id("1");
  destination->set_credential_id("other");
  world_->Open();
  // The first credential is held for an hour by 429s, with more lists than
  // there are places.
  world_->pinterest().SetFaults([](const FakePinterest::Call& call) {
    return call.ad_account_id == DeliveryWorld::kAdAccount &&
                   call.what != "LIST"
               ? Fault::kRateLimited
               : Fault::kNone;
  });
  for (int list = 0; list < 12; ++list) Add(1, 20, absl::StrCat("list", list));
  world_->RunSteps();
  world_->CommitTo("1", {{"theirs", 1, kAdd}});
  for (int i = 0; i < 20; ++i) {
    world_->RunSteps();
    world_->clock().Advance(absl::Seconds(3));
  }
  EXPECT_EQ(world_->pinterest().Records("cdp/ups/theirs").size(), 1u);
  world_->pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, WhenAGateOpensAllThatWaitedGoOnAtOnce) {
  for (int list = 0; list < 5; ++list) Add(1, 5, absl::StrCat("list", list));
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->pinterest().SetFaults(
      [](const FakePinterest::Call&) { return Fault::kUnauthorized; });
  for (int list = 0; list < 5; ++list) {
    Remove(1, 1, absl::StrCat("list", list));
  }
  world_->RunUntilQuiet(absl::Minutes(3));
  world_->pinterest().SetFaults(nullptr);
  world_->deliverer().Retry(world_->destination());
  world_->RunSteps();
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, ARepeatAfterALostAnswerCostsNoCallOnceItIsSettled) {
  FailNth("ADD", 1, Fault::kLostAfter);
  Add(1, 40);
  ASSERT_TRUE(world_->RunUntilQuiet(absl::Minutes(2)) ||
              world_->store().PendingLists().empty());
  world_->pinterest().ClearCalls();
  Add(1, 40);
  world_->deliverer().Flush(world_->destination());
  world_->RunSteps();
  EXPECT_TRUE(world_->store().PendingLists().empty());
  EXPECT_EQ(world_->CallCount("ADD"), 0);
}

TEST(ListNameTest, NoTwoSegmentsShareAName) {
  EXPECT_EQ(ListName("cdp", "ups", "gold"), "cdp/ups/gold");
  EXPECT_NE(ListName("cdp", "a/b", "c"), ListName("cdp", "a", "b/c"));
  EXPECT_NE(ListName("cdp", "a%2Fb", "c"), ListName("cdp", "a/b", "c"));
}

TEST_F(DeliveryTest, BadRequestForEverythingRefusesNobody) {
  world_->pinterest().SetFaults([](const FakePinterest::Call& call) {
    return call.what == "LIST" ? Fault::kNone : Fault::kBadRequest;
  });
  Add(1, 40);
  EXPECT_FALSE(world_->RunUntilQuiet(absl::Hours(1)));
  EXPECT_EQ(world_->Counts("a").settled.refused, 0);
  EXPECT_EQ(world_->deliverer().ListCondition(world_->ListOf("a")).state,
            DeliveryCondition::State::kBlocked);
  world_->pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, TooLargeARequestIsMadeSmallerForGood) {
  world_->pinterest().SetMaxRecords(4);
  Add(1, 40);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  world_->pinterest().ClearCalls();
  world_->Open();
  Add(41, 60);
  ASSERT_TRUE(world_->RunUntilQuiet());
  for (const auto& call : world_->pinterest().Calls()) {
    EXPECT_EQ(call.fault, Fault::kNone);
    EXPECT_LE(call.records.size(), 4u);
  }
  world_->ExpectConverged();
}

struct Outage {
  Fault fault;
  const char* name;
};
class OutageTest : public DeliveryTest,
                   public testing::WithParamInterface<Outage> {};

// Whatever Pinterest answers, for however long: exports are accepted, nothing
// is lost, nobody is refused, and it goes on by itself when it is over.
TEST_P(OutageTest, EverythingIsDeliveredAfterwards) {
  Add(1, 5);
  ASSERT_TRUE(world_->RunUntilQuiet());
  const Fault fault = GetParam().fault;
  world_->pinterest().SetFaults(
      [fault](const FakePinterest::Call&) { return fault; });
  Add(6, 30);
  Remove(1, 2);
  EXPECT_FALSE(world_->RunUntilQuiet(absl::Hours(6)));
  Remove(8, 9);
  Add(3, 3);
  EXPECT_FALSE(world_->RunUntilQuiet(absl::Hours(1)));
  EXPECT_EQ(world_->Counts("a").settled.refused, 0);
  // Bounded in number: no hammering. At most one a second, and usually far
  // fewer.
  EXPECT_LT(world_->pinterest().Calls().size(), 25'200u / 10);
  world_->pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  EXPECT_EQ(world_->deliverer().ListCondition(world_->ListOf("a")).state,
            DeliveryCondition::State::kActive);
}

// The same when the outage meets a destination that has no list yet, behind a
// listing of several pages.
TEST_P(OutageTest, TheFirstListIsMadeAfterwards) {
  for (int i = 0; i < 5; ++i) {
    world_->pinterest().AddList(absl::StrCat("other ", i), {});
  }
  const Fault fault = GetParam().fault;
  // What happens to writes only leaves the listing well: the list is made, and
  // found although nobody was told.
  const bool made = fault == Fault::kLostAfter || fault == Fault::kAppliedLate;
  world_->pinterest().SetFaults([=](const FakePinterest::Call& call) {
    return made && call.what == "LIST" ? Fault::kNone : fault;
  });
  Add(1, 30);
  EXPECT_FALSE(world_->RunUntilQuiet(absl::Hours(1)));
  EXPECT_EQ(world_->CallCount("CREATE"), made ? 1 : 0) << "behind a listing";
  EXPECT_EQ(world_->OnListOrEmpty("a").empty(), !made);
  EXPECT_EQ(world_->Counts("a").settled.refused, 0);
  EXPECT_EQ(world_->Counts("a").pending(), 30);
  world_->pinterest().SetFaults(nullptr);
  const absl::Time over = world_->clock().Now();
  while (world_->OnListOrEmpty("a").size() < 30) {
    world_->RunSteps();
    ASSERT_LE(world_->clock().Now() - over, absl::Minutes(45));
    world_->clock().Advance(absl::Seconds(5));
  }
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
}

INSTANTIATE_TEST_SUITE_P(
    All, OutageTest,
    testing::Values(Outage{Fault::kNotSent, "NoConnection"},
                    Outage{Fault::kLostBefore, "TimeOut"},
                    Outage{Fault::kLostAfter, "AppliedWithoutAnswer"},
                    Outage{Fault::kAppliedLate, "AppliedLate"},
                    Outage{Fault::kServerError, "ServerError"},
                    Outage{Fault::kRateLimited, "RateLimited"},
                    Outage{Fault::kSpam, "Spam"},
                    Outage{Fault::kUnauthorized, "Unauthorized"},
                    Outage{Fault::kForbidden, "Forbidden"},
                    Outage{Fault::kNotFound, "NotFound"},
                    Outage{Fault::kUnexpected, "Conflict"}),
    [](const auto& info) { return info.param.name; });

TEST_F(DeliveryTest, RemovalsThatArriveDuringALongPassDoNotWaitForItsEnd) {
  auto* credential = world_->config().mutable_credentials(0);
  credential->mutable_rate_limits()->set_writes_per_minute(20);
  world_->Open();
  Add(1, 2'000);  // 200 requests, ten minutes and more
  world_->RunSteps();
  ASSERT_GT(world_->OnList("a").size(), 10u);
  ASSERT_LT(world_->OnList("a").size(), 1'000u);
  const int on_list = *world_->OnList("a").begin();
  int not_yet = 0;
  for (int i = 1; i <= 2'000 && not_yet == 0; ++i) {
    if (world_->OnList("a").count(i) == 0) not_yet = i;
  }
  Remove(on_list, on_list);
  Remove(not_yet, not_yet);
  const absl::Time accepted = world_->clock().Now();
  while (world_->OnList("a").count(on_list) > 0) {
    world_->RunSteps(1);
    const absl::Time next = world_->deliverer().NextStepTime();
    if (next > world_->clock().Now()) {
      world_->clock().Advance(next - world_->clock().Now());
    }
    ASSERT_LE(world_->clock().Now() - accepted, absl::Seconds(60))
        << "two flush intervals";
  }
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  for (const auto& call : world_->pinterest().Calls()) {
    if (call.what != "ADD" || call.time <= accepted + absl::Seconds(60)) {
      continue;
    }
    for (const std::string& record : call.records) {
      EXPECT_NE(record, DeliveryWorld::WireText(not_yet))
          << "an addition that a newer removal cancels was sent";
    }
  }
  const auto counts = world_->Counts("a");
  EXPECT_EQ(counts.settled.delivered, 1'999 + 1);
  EXPECT_EQ(counts.settled.superseded, 1);
}

TEST_F(DeliveryTest, RemovalsOfOneListGoBeforeAdditionsOfAnother) {
  auto* credential = world_->config().mutable_credentials(0);
  credential->mutable_rate_limits()->set_writes_per_minute(20);
  world_->Open();
  Add(1, 30, "b");
  ASSERT_TRUE(world_->RunUntilQuiet());
  Add(1, 2'000, "a");
  world_->RunSteps();
  Remove(1, 1, "b");
  const absl::Time accepted = world_->clock().Now();
  while (world_->OnList("b").count(1) > 0) {
    world_->RunSteps(1);
    const absl::Time next = world_->deliverer().NextStepTime();
    if (next > world_->clock().Now()) {
      world_->clock().Advance(next - world_->clock().Now());
    }
    ASSERT_LE(world_->clock().Now() - accepted, absl::Seconds(60));
  }
}

TEST_F(DeliveryTest, NeverMoreWritesAMinuteThanConfigured) {
  auto* credential = world_->config().mutable_credentials(0);
  credential->mutable_rate_limits()->set_writes_per_minute(20);
  world_->Open();
  Add(1, 700, "a");
  Add(1, 700, "b");
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  std::vector<absl::Time> writes;
  for (const auto& call : world_->pinterest().Calls()) {
    if (call.what != "LIST") writes.push_back(call.time);
  }
  ASSERT_EQ(writes.size(), 140u);
  for (size_t i = 20; i < writes.size(); ++i) {
    EXPECT_GE(writes[i] - writes[i - 20], absl::Minutes(1));
  }
}

// Trial access: 300 writes in any 24 hours, of which 30 are for removals.
TEST_F(DeliveryTest, TheCallsOfADayAreCountedOverRestarts) {
  world_->config()
      .mutable_credentials(0)
      ->mutable_rate_limits()
      ->set_access_tier(audience_sync::v1::ACCESS_TIER_TRIAL);
  world_->Open();
  const absl::Time start = world_->clock().Now();
  Add(1, 4'000);  // 400 requests
  EXPECT_FALSE(world_->RunUntilQuiet(absl::Hours(1)));
  const auto writes = [&] {
    return world_->CallCount("CREATE") + world_->CallCount("ADD") +
           world_->CallCount("REMOVE");
  };
  EXPECT_EQ(writes(), 270);
  auto condition = world_->deliverer().ListCondition(world_->ListOf("a"));
  EXPECT_EQ(GetErrorDetail(condition.reason).reason, "DAILY_CALLS_USED_UP");

  // An exit does not wait for tomorrow, not even after a restart.
  Remove(1, 5);
  EXPECT_FALSE(world_->RunUntilQuiet(absl::Minutes(2)));
  EXPECT_EQ(world_->CallCount("REMOVE"), 1);
  world_->Open();
  Remove(6, 10);
  EXPECT_FALSE(world_->RunUntilQuiet(absl::Minutes(2)));
  EXPECT_EQ(world_->CallCount("REMOVE"), 2);
  EXPECT_EQ(writes(), 272) << "a restart gives no new calls";
  for (int record : world_->OnList("a")) EXPECT_GT(record, 10);

  ASSERT_TRUE(world_->RunUntilQuiet(absl::Hours(48)));
  world_->ExpectConverged();
  EXPECT_GT(world_->clock().Now(), start + absl::Hours(23));
  EXPECT_LT(world_->clock().Now(), start + absl::Hours(26));
}

TEST_F(DeliveryTest, ARemovalNeedNotWaitForThePaceOfAdditions) {
  auto* limits = world_->config().mutable_credentials(0)->mutable_rate_limits();
  limits->set_writes_per_minute(10);
  world_->Open();
  Add(1, 50);
  ASSERT_TRUE(world_->RunUntilQuiet(absl::Minutes(2)));
  world_->clock().Advance(absl::Minutes(2));
  Add(101, 1'000);  // ten minutes of additions
  world_->RunSteps();
  const absl::Time start = world_->clock().Now();
  world_->pinterest().ClearCalls();
  Remove(1, 3);
  world_->RunUntilQuiet(absl::Seconds(31));
  EXPECT_EQ(world_->CallCount("REMOVE"), 1)
      << "after one flush interval, from what is set aside";
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  EXPECT_GT(world_->clock().Now(), start + absl::Minutes(8));
}

TEST_F(DeliveryTest, PausedBySegmentAndResumed) {
  Add(1, 5, "a");
  Add(1, 5, "b");
  auto segment = world_->store().FindSegment(world_->destination(), "ups", "a");
  ASSERT_TRUE(segment.has_value());
  ASSERT_TRUE(world_->store().SetSegmentPaused(segment->number, true).ok());
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_EQ(world_->pinterest().Lists().size(), 1u);
  EXPECT_EQ(world_->OnList("b").size(), 5u);
  ASSERT_TRUE(world_->store().SetSegmentPaused(segment->number, false).ok());
  world_->deliverer().Retry(world_->destination());
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, FlushDoesNotWaitForTheDelay) {
  Add(1, 5);
  world_->deliverer().Flush(world_->destination());
  world_->RunSteps();
  world_->ExpectConverged();
}

TEST_F(DeliveryTest, ADeletedDestinationIsForgotten) {
  Add(1, 5);
  ASSERT_TRUE(world_->store().DeleteDestination(world_->destination()).ok());
  ASSERT_TRUE(world_->RunUntilQuiet());
  EXPECT_TRUE(world_->pinterest().Lists().empty());
}

TEST_F(DeliveryTest, ABadTokenOfOneCredentialStopsNobodyElse) {
  auto* other = world_->config().add_credentials();
  other->set_credential_id("other");
  other->set_access_token_file("other-token");
  auto* destination = world_->config().add_destinations();
  *destination = world_->config().destinations(0);
  destination->set_ad_account_id("1");
  destination->set_credential_id("other");
  world_->Open();
  auto mine = world_->registry().FindDestination(absl::string_view("1"));
  ASSERT_NE(mine, nullptr);
  // The fake tells the credentials apart by what they ask for: all of the first
  // destination's lists answer 401.
  world_->pinterest().SetFaults([](const FakePinterest::Call& call) {
    return call.what == "LIST" ? Fault::kNone : Fault::kUnauthorized;
  });
  Add(1, 5);
  world_->RunUntilQuiet(absl::Minutes(10));
  EXPECT_EQ(world_->deliverer().CredentialCondition("main").state,
            DeliveryCondition::State::kBlocked);
  EXPECT_EQ(world_->deliverer().CredentialCondition("other").state,
            DeliveryCondition::State::kActive);
}

}  // namespace
}  // namespace connector::delivery
