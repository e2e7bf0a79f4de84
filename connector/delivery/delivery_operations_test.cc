#include <set>
#include <string>
#include <vector>

#include "connector/base/error.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using membership::MappingState;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() : world_(1, DeliveryWorld::Backend::kMemory) {
    world_.config()
        .mutable_destinations(0)
        ->mutable_delivery_policy()
        ->set_max_request_records(3);
    world_.Open();
  }

  static std::vector<Event> Events(int first, int last, Change change) {
    std::vector<Event> events;
    for (int i = first; i <= last; ++i) events.push_back({"a", i, change});
    return events;
  }
  static std::set<std::string> Texts(int first, int last) {
    std::set<std::string> texts;
    for (int i = first; i <= last; ++i) {
      texts.insert(DeliveryWorld::WireText(i));
    }
    return texts;
  }
  void Deliver(const std::vector<Event>& events) {
    world_.Commit(events);
    ASSERT_TRUE(world_.RunUntilQuiet());
  }
  membership::SegmentRow Segment() {
    return *world_.store().FindSegment(world_.destination(), "ups", "a");
  }
  membership::ListRow List() { return *world_.store().GetList(Segment().list); }
  std::set<std::string> On(const std::string& list_id) {
    return world_.pinterest().Lists().at(list_id).records;
  }
  static std::string Reason(const absl::Status& status) {
    return GetErrorDetail(status).reason;
  }

  DeliveryWorld world_;
};

TEST_F(OperationsTest, UnmapKeepDeliversWhatWaitsAndExcludesWhatComes) {
  Deliver(Events(1, 10, Change::kAdd));
  world_.Commit({{"a", 1, Change::kRemove}, {"a", 11, Change::kAdd}});
  ASSERT_TRUE(world_.store().UnmapSegment(Segment().number, false).ok());
  const auto before = world_.Counts("a");
  world_.CommitTo(DeliveryWorld::kAdAccount,
                  {{"a", 2, Change::kRemove}, {"a", 12, Change::kAdd}});
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), Texts(2, 11));
  EXPECT_EQ(world_.Counts("a").intake.excluded, before.intake.excluded + 2);
  EXPECT_EQ(world_.Counts("a").pending(), 0);

  // The same list, and only what comes now.
  const std::string id = List().customer_list_id;
  auto mapped =
      world_.store().MapSegment(world_.destination(), "ups", "a", {}, 100);
  ASSERT_TRUE(mapped.ok());
  EXPECT_TRUE(mapped->reactivated);
  Deliver({{"a", 2, Change::kRemove}, {"a", 12, Change::kAdd}});
  EXPECT_EQ(List().customer_list_id, id);
  EXPECT_EQ(On(id), Texts(3, 12));
}

TEST_F(OperationsTest, UnmapEmptyRemovesEveryMemberAndSupersedesAdditions) {
  Deliver(Events(1, 20, Change::kAdd));
  world_.Commit({{"a", 1, Change::kRemove}, {"a", 30, Change::kAdd}});
  const auto before = world_.Counts("a");
  ASSERT_TRUE(world_.store().UnmapSegment(Segment().number, true).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), std::set<std::string>());
  const auto counts = world_.Counts("a");
  EXPECT_EQ(counts.pending(), 0);
  EXPECT_EQ(counts.settled.superseded, before.settled.superseded + 1);
  EXPECT_EQ(counts.settled.delivered, before.settled.delivered + 1);
  EXPECT_FALSE(world_.store().FindOperation(Segment().list).has_value());
  // Nothing is left that would be removed once more.
  world_.pinterest().ClearCalls();
  ASSERT_TRUE(world_.store().UnmapSegment(Segment().number, true).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.CallCount("REMOVE"), 0);
}

TEST_F(OperationsTest, WhoComesAfterReactivationStaysWhileTheListIsEmptied) {
  Deliver(Events(1, 20, Change::kAdd));
  ASSERT_TRUE(world_.store().UnmapSegment(Segment().number, true).ok());
  world_.RunSteps(3);  // in the middle of it
  ASSERT_TRUE(world_.store()
                  .MapSegment(world_.destination(), "ups", "a", {}, 100)
                  .ok());
  Deliver(Events(15, 17, Change::kAdd));
  EXPECT_EQ(On(List().customer_list_id), Texts(15, 17));
}

TEST_F(OperationsTest, AnEmptyingGoesOnAfterAKill) {
  Deliver(Events(1, 40, Change::kAdd));
  ASSERT_TRUE(world_.store().UnmapSegment(Segment().number, true).ok());
  for (int i = 0; i < 200; ++i) {
    world_.RunSteps(i % 3);
    world_.Open();
    world_.clock().Advance(absl::Seconds(1));
  }
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), std::set<std::string>());
}

TEST_F(OperationsTest, ALostAdditionOfAnEmptiedListIsRemoved) {
  Deliver(Events(1, 3, Change::kAdd));
  world_.pinterest().SetFaults([n = 0](const FakePinterest::Call&) mutable {
    return n++ == 0 ? Fault::kLostAfter : Fault::kNotSent;
  });
  world_.Commit({{"a", 9, Change::kAdd}});
  world_.clock().Advance(absl::Minutes(1));
  world_.RunSteps();
  ASSERT_EQ(On(List().customer_list_id).size(), 4u);
  ASSERT_TRUE(world_.store().UnmapSegment(Segment().number, true).ok());
  world_.pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), std::set<std::string>());
}

TEST_F(OperationsTest, AResyncRepairsWhatSomebodyElseTookAway) {
  Deliver(Events(1, 20, Change::kAdd));
  const std::string id = List().customer_list_id;
  world_.pinterest().Edit(id, [](std::set<std::string>& records) {
    records.erase(DeliveryWorld::WireText(3));
    records.erase(DeliveryWorld::WireText(17));
    records.insert(DeliveryWorld::WireText(99));
  });
  ASSERT_TRUE(world_.store().RequestResync(Segment().number).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  auto expected = Texts(1, 20);
  expected.insert(DeliveryWorld::WireText(99));
  EXPECT_EQ(On(id), expected);
  EXPECT_TRUE(List().unknown_members);
  // Whoever is known to nobody goes with an exit.
  Deliver({{"a", 99, Change::kRemove}});
  EXPECT_EQ(On(id), Texts(1, 20));
  EXPECT_FALSE(world_.store().FindOperation(Segment().list).has_value());
}

TEST_F(OperationsTest, AReplacementFillsANewListAndEmptiesTheOldOne) {
  Deliver(Events(1, 20, Change::kAdd));
  const std::string old_id = List().customer_list_id;
  world_.pinterest().AddList(DeliveryWorld::Name("a"), {"stranger"});
  world_.Commit({{"a", 1, Change::kRemove}});
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  EXPECT_EQ(Reason(world_.store().RequestReplacement(Segment().number, {})),
            "OPERATION_RUNNING");
  world_.RunSteps(6);
  EXPECT_EQ(List().AudienceListId(), old_id);
  world_.Commit({{"a", 2, Change::kRemove}, {"a", 21, Change::kAdd}});
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_NE(List().customer_list_id, old_id);
  EXPECT_EQ(List().AudienceListId(), List().customer_list_id);
  EXPECT_EQ(On(List().customer_list_id), Texts(3, 21));
  EXPECT_EQ(On(old_id), std::set<std::string>());
  EXPECT_FALSE(List().unknown_members);
  EXPECT_EQ(Segment().former_list, 0u);
  // The old one, the stranger's and the new one.
  EXPECT_EQ(world_.pinterest().Lists().size(), 3u);
  EXPECT_EQ(world_.Counts("a").pending(), 0);
}

TEST_F(OperationsTest, AReplacementOverKillsMakesOneList) {
  Deliver(Events(1, 30, Change::kAdd));
  const std::string old_id = List().customer_list_id;
  world_.pinterest().SetFaults([n = 0](const FakePinterest::Call&) mutable {
    return ++n % 5 == 0 ? Fault::kLostAfter : Fault::kNone;
  });
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  for (int i = 0; i < 300; ++i) {
    world_.RunSteps(i % 4);
    world_.Open();
    world_.clock().Advance(absl::Seconds(7));
  }
  world_.pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.pinterest().Lists().size(), 2u);
  EXPECT_EQ(On(List().customer_list_id), Texts(1, 30));
  EXPECT_EQ(On(old_id), std::set<std::string>());
}

TEST_F(OperationsTest, AReplacementThatIsAskedForAgainMakesNoListTooMany) {
  Deliver(Events(1, 3, Change::kAdd));
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  ASSERT_EQ(world_.pinterest().Lists().size(), 2u);
  world_.Open();
  // The answer was lost.
  EXPECT_EQ(Reason(world_.store().RequestReplacement(Segment().number, {})),
            "RECENTLY_REPLACED");
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.pinterest().Lists().size(), 2u);
  // It is meant.
  ASSERT_TRUE(world_.store()
                  .RequestReplacement(Segment().number, {.again = true})
                  .ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.pinterest().Lists().size(), 3u);
  world_.clock().Advance(membership::kReplacementRest);
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.pinterest().Lists().size(), 4u);
  EXPECT_EQ(On(List().customer_list_id), Texts(1, 3));
}

TEST_F(OperationsTest, BindingAnUnknownSegmentIsAllOrNothing) {
  Deliver(Events(1, 3, Change::kAdd));
  const std::string taken = List().customer_list_id;
  const std::string free = world_.pinterest().AddList("made by hand", {"x"});
  const auto bind = [&](const std::string& segment, const std::string& list,
                        int max_lists) {
    return world_.store().BindSegment(
        world_.destination(), "ups", segment,
        {.customer_list_id = list, .unknown_members = true}, max_lists);
  };
  const auto known = [&](const std::string& segment) {
    return world_.store()
        .FindSegment(world_.destination(), "ups", segment)
        .has_value();
  };
  EXPECT_EQ(Reason(bind("b", taken, 100).status()), "CUSTOMER_LIST_IN_USE");
  EXPECT_EQ(Reason(bind("b", free, 1).status()), "TOO_MANY_CUSTOMER_LISTS");
  EXPECT_FALSE(known("b"));
  world_.Open();
  EXPECT_FALSE(known("b"));

  ASSERT_TRUE(bind("b", free, 100).ok());
  // Asked for and not done yet: nobody else gets it, over a restart too.
  world_.Open();
  EXPECT_TRUE(known("b"));
  EXPECT_EQ(Reason(bind("c", free, 100).status()), "CUSTOMER_LIST_IN_USE");
  EXPECT_FALSE(known("c"));
  // A repeat changes nothing.
  EXPECT_TRUE(bind("b", free, 100).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  Deliver({{"b", 7, Change::kAdd}});
  std::set<std::string> expected = Texts(7, 7);
  expected.insert("x");
  EXPECT_EQ(On(free), expected);
  EXPECT_EQ(Reason(bind("a", free, 100).status()), "CUSTOMER_LIST_IN_USE");
}

TEST_F(OperationsTest, AListThatVanishedIsReplaced) {
  Deliver(Events(1, 9, Change::kAdd));
  const std::string old_id = List().customer_list_id;
  world_.pinterest().Vanish(old_id);
  world_.Commit({{"a", 1, Change::kRemove}, {"a", 10, Change::kAdd}});
  world_.clock().Advance(absl::Minutes(1));
  world_.RunSteps();
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), Texts(2, 10));
  EXPECT_TRUE(world_.store().PendingLists().empty());
  EXPECT_EQ(Segment().former_list, 0u);
}

// Nobody is on it any more, so nothing is taken along to it, however much
// waits.
TEST_F(OperationsTest, RemovalsAreNotTakenAlongToAListThatVanished) {
  Deliver(Events(1, 9, Change::kAdd));
  world_.pinterest().Vanish(List().customer_list_id);
  world_.Commit({{"a", 1, Change::kRemove}});
  world_.clock().Advance(absl::Minutes(1));
  world_.RunSteps();
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  world_.RunSteps(1);
  ASSERT_NE(Segment().former_list, 0u);
  EXPECT_FALSE(
      world_.store().FindPendingList(Segment().former_list).has_value());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), Texts(2, 9));
  EXPECT_EQ(world_.Counts("a").pending(), 0);
}

// A 404 that is about something else takes nobody's removal away.
TEST_F(OperationsTest, RemovalsAreTakenAlongToAListThatOnlySeemedToVanish) {
  Deliver(Events(1, 9, Change::kAdd));
  const std::string old_id = List().customer_list_id;
  world_.pinterest().SetFaults([](const FakePinterest::Call& call) {
    return call.what == "REMOVE" ? Fault::kNotFound : Fault::kNone;
  });
  world_.Commit({{"a", 1, Change::kRemove}});
  world_.clock().Advance(absl::Minutes(1));
  world_.RunSteps();
  world_.pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  world_.RunSteps(1);
  ASSERT_NE(Segment().former_list, 0u);
  EXPECT_TRUE(
      world_.store().FindPendingList(Segment().former_list).has_value());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), Texts(2, 9));
  EXPECT_EQ(On(old_id), std::set<std::string>());
}

// The operation listener may ask the store for anything.
TEST_F(OperationsTest, TheListenerIsToldWithoutALockHeld) {
  Deliver(Events(1, 9, Change::kAdd));
  const auto segment = Segment();
  ASSERT_TRUE(world_.store().RequestReplacement(segment.number, {}).ok());
  int told = 0;
  world_.store().SetOperationListener([&](membership::ListNumber) {
    ++told;
    // Takes the lock of all changes.
    EXPECT_TRUE(world_.store().UpdateSegment(segment.number, {}).ok());
  });
  EXPECT_TRUE(world_.store().TakeUp(segment.list, /*vanished=*/false).ok());
  EXPECT_EQ(told, 1);
}

// Its list is another one then: until the replacement is done there is nothing
// to look for, not even now and then.
TEST_F(OperationsTest, AFullSyncWaitsForTheEndOfAReplacement) {
  Deliver(Events(1, 9, Change::kAdd));
  ASSERT_TRUE(world_.store().SetSegmentPaused(Segment().number, true).ok());
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  using Kind = membership::FullSyncFrame::Kind;
  const auto frame = [&](Kind kind) {
    return world_.TryFullSyncFrame(DeliveryWorld::kAdAccount, "full", "a", kind,
                                   absl::Hours(1));
  };
  ASSERT_TRUE(frame(Kind::kBegin).ok());
  ASSERT_TRUE(world_
                  .TryCommitTo(DeliveryWorld::kAdAccount,
                               Events(5, 12, Change::kAdd), "full")
                  .ok());
  ASSERT_TRUE(frame(Kind::kCommit).ok());
  world_.RunSteps();
  EXPECT_EQ(world_.deliverer().NextStepTime(), absl::InfiniteFuture());
  EXPECT_EQ(world_.store().FindFullSyncs(Segment().list).back().state,
            membership::FullSyncState::kJudging);
  ASSERT_TRUE(world_.store().SetSegmentPaused(Segment().number, false).ok());
  world_.deliverer().OnConfigurationChanged();
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(world_.store().FindFullSyncs(Segment().list).back().state,
            membership::FullSyncState::kApplied);
  EXPECT_EQ(On(List().customer_list_id), Texts(5, 12));
}

// What the store says of a list that it was put back with.
class RestoredTest : public OperationsTest {
 protected:
  void Restore() {
    membership::ListRow row = List();
    ++row.epoch;
    row.unknown_members = true;
    row.look_for_newer = true;
    ASSERT_TRUE(world_.store().UpdateList(row).ok());
    world_.pinterest().ClearCalls();
    world_.events().clear();
  }
  int Twins() {
    int twins = 0;
    for (const auto& event : world_.events()) {
      twins += event.kind == DeliveryEvent::Kind::kTwinListFound;
    }
    return twins;
  }
};

TEST_F(RestoredTest, AListThatReplacedTheKnownOneAfterTheBackupIsFound) {
  Deliver(Events(1, 9, Change::kAdd));
  const std::string known = List().customer_list_id;
  // The replacement, which this store does not know.
  const auto first = world_.pinterest().AddList(DeliveryWorld::Name("a"), {});
  const auto newest = world_.pinterest().AddList(
      DeliveryWorld::Name("a"), {DeliveryWorld::WireText(3), "since"});
  world_.pinterest().AddList(DeliveryWorld::Name("b"), {"b"});
  Restore();
  // A full export, with the exits.
  world_.Commit(Events(2, 12, Change::kAdd));
  Deliver({{"a", 1, Change::kRemove}, {"a", 3, Change::kRemove}});
  EXPECT_EQ(List().customer_list_id, newest);
  EXPECT_TRUE(List().unknown_members);
  EXPECT_FALSE(List().look_for_newer);
  auto expected = Texts(2, 12);
  expected.erase(DeliveryWorld::WireText(3));
  expected.insert("since");
  EXPECT_EQ(On(newest), expected);
  EXPECT_EQ(On(known), Texts(1, 9));
  EXPECT_EQ(Twins(), 1);
  const int looks = world_.CallCount("LIST");
  EXPECT_GT(looks, 0);
  Deliver(Events(20, 25, Change::kAdd));
  EXPECT_EQ(world_.CallCount("LIST"), looks);
  EXPECT_EQ(List().customer_list_id, newest);
}

TEST_F(RestoredTest, WithoutANewerListTheKnownOneIsKept) {
  world_.pinterest().AddList(DeliveryWorld::Name("b"), {"b"});
  Deliver(Events(1, 9, Change::kAdd));
  const std::string known = List().customer_list_id;
  Restore();
  Deliver({{"a", 1, Change::kRemove}});
  EXPECT_EQ(List().customer_list_id, known);
  EXPECT_FALSE(List().look_for_newer);
  EXPECT_EQ(On(known), Texts(2, 9));
  EXPECT_EQ(Twins(), 0);
}

// The list and the one that replaced it were both made after the backup.
TEST_F(RestoredTest, OfSeveralUnknownListsTheNewestIsTaken) {
  auto mapped =
      world_.store().MapSegment(world_.destination(), "ups", "a", {}, 100);
  ASSERT_TRUE(mapped.ok());
  world_.pinterest().AddList(DeliveryWorld::Name("a"), {});
  const auto newest =
      world_.pinterest().AddList(DeliveryWorld::Name("a"), {"since"});
  Restore();
  Deliver(Events(1, 3, Change::kAdd));
  EXPECT_EQ(List().customer_list_id, newest);
  EXPECT_TRUE(List().unknown_members);
  EXPECT_EQ(Twins(), 1);
}

TEST_F(RestoredTest, ALookThatFailsIsDoneAgain) {
  Deliver(Events(1, 9, Change::kAdd));
  const auto newest =
      world_.pinterest().AddList(DeliveryWorld::Name("a"), {"since"});
  Restore();
  world_.pinterest().SetFaults(
      [n = 0](const FakePinterest::Call& call) mutable {
        return call.what == "LIST" && ++n <= 2 ? Fault::kNotSent : Fault::kNone;
      });
  Deliver(Events(10, 12, Change::kAdd));
  EXPECT_EQ(List().customer_list_id, newest);
}

TEST_F(OperationsTest, ABoundListGetsTheMembersAndIsNobodyElses) {
  const std::string id = world_.pinterest().AddList("made by hand", {"x"});
  auto mapped =
      world_.store().MapSegment(world_.destination(), "ups", "a", {}, 100);
  ASSERT_TRUE(mapped.ok());
  ASSERT_TRUE(
      world_.store()
          .RequestReplacement(mapped->row.number,
                              {.customer_list_id = id, .unknown_members = true})
          .ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(List().customer_list_id, id);
  EXPECT_TRUE(List().unknown_members);
  Deliver(Events(1, 5, Change::kAdd));
  auto expected = Texts(1, 5);
  expected.insert("x");
  EXPECT_EQ(On(id), expected);

  auto other =
      world_.store().MapSegment(world_.destination(), "ups", "b", {}, 100);
  EXPECT_EQ(Reason(world_.store().RequestReplacement(other->row.number,
                                                     {.customer_list_id = id})),
            "CUSTOMER_LIST_IN_USE");
  const std::string second = world_.pinterest().AddList("another", {});
  EXPECT_EQ(Reason(world_.store().RequestReplacement(
                Segment().number, {.customer_list_id = second})),
            "SEGMENT_HAS_MEMBERS");
  ASSERT_TRUE(
      world_.store()
          .RequestReplacement(Segment().number,
                              {.customer_list_id = second, .force = true})
          .ok());
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(second), Texts(1, 5));
  EXPECT_EQ(On(id), std::set<std::string>{"x"});
}

TEST_F(OperationsTest, UnmapEmptyDuringAReplacementEmptiesBoth) {
  Deliver(Events(1, 30, Change::kAdd));
  const std::string old_id = List().customer_list_id;
  ASSERT_TRUE(world_.store().RequestReplacement(Segment().number, {}).ok());
  world_.RunSteps(8);
  ASSERT_TRUE(world_.store().UnmapSegment(Segment().number, true).ok());
  EXPECT_EQ(Reason(world_.store()
                       .MapSegment(world_.destination(), "ups", "a", {}, 100)
                       .status()),
            "OPERATION_RUNNING");
  ASSERT_TRUE(world_.RunUntilQuiet());
  EXPECT_EQ(On(List().customer_list_id), std::set<std::string>());
  EXPECT_EQ(On(old_id), std::set<std::string>());
  EXPECT_EQ(world_.Counts("a").pending(), 0);
}

}  // namespace
}  // namespace connector::delivery
