// Whether somebody else writes to a list, told from Pinterest's counters: by
// examples, and by random histories in which nobody does, or somebody.
#include "connector/delivery/counter_track.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using membership::ListCounterRow;
using Fault = FakePinterest::Fault;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

membership::ListRow List(const std::string& id, uint32_t epoch = 1) {
  membership::ListRow list;
  list.customer_list_id = id;
  list.epoch = epoch;
  return list;
}

pinterest::CustomerList Answer(int64_t uploaded, int64_t removed,
                               int64_t batches) {
  pinterest::CustomerList answer;
  answer.id = "7";
  answer.num_uploaded_user_records = uploaded;
  answer.num_removed_user_records = removed;
  answer.num_batches = batches;
  return answer;
}

bool Foreign(const ListCounterRow& row) {
  return row.foreign.uploaded > 0 || row.foreign.removed > 0;
}

// A list of 10 records that was created here.
ListCounterRow Created() {
  ListCounterRow row;
  CountRequest(List(""), Change::kAdd, 10, kNow, row);
  CountAnswer(Change::kAdd, 10, Answer(10, 0, 1), kNow, row);
  EXPECT_FALSE(Foreign(row));
  EXPECT_EQ(row.customer_list_id, "7");
  return row;
}

TEST(CounterTrackTest, OwnRequestsAreNobodyElses) {
  ListCounterRow row = Created();
  CountRequest(List("7"), Change::kAdd, 5, kNow, row);
  CountAnswer(Change::kAdd, 5, Answer(15, 0, 2), kNow, row);
  CountRequest(List("7"), Change::kRemove, 3, kNow, row);
  CountAnswer(Change::kRemove, 3, Answer(15, 3, 3), kNow, row);
  EXPECT_FALSE(Foreign(row));
}

TEST(CounterTrackTest, OneForeignRecordShows) {
  for (const bool addition : {true, false}) {
    ListCounterRow row = Created();
    CountRead(Answer(addition ? 11 : 10, addition ? 0 : 1, 2), kNow, row);
    EXPECT_TRUE(Foreign(row));
    EXPECT_EQ(row.foreign.uploaded, addition ? 1 : 0);
    EXPECT_EQ(row.foreign.removed, addition ? 0 : 1);
    EXPECT_EQ(row.foreign.batches, 1);
    // Told once more it is not counted once more.
    CountRead(Answer(addition ? 11 : 10, addition ? 0 : 1, 2), kNow, row);
    EXPECT_EQ(row.foreign.batches, 1);
  }
}

TEST(CounterTrackTest, ALostAnswerMayCountOrNot) {
  ListCounterRow row = Created();
  CountRequest(List("7"), Change::kAdd, 5, kNow, row);
  // Not answered; sent again.
  CountRequest(List("7"), Change::kAdd, 5, kNow, row);
  CountAnswer(Change::kAdd, 5, Answer(15, 0, 2), kNow, row);
  EXPECT_FALSE(Foreign(row));
  CountRead(Answer(20, 0, 3), kNow + absl::Minutes(10), row);
  EXPECT_FALSE(Foreign(row));
  CountRead(Answer(21, 0, 4), kNow + absl::Minutes(11), row);
  EXPECT_EQ(row.foreign.uploaded, 1);
}

TEST(CounterTrackTest, AfterADayALostRequestExplainsNothingMore) {
  ListCounterRow row = Created();
  CountRequest(List("7"), Change::kAdd, 500, kNow, row);
  CountRead(Answer(10, 0, 1), kNow + absl::Hours(25), row);
  CountRead(Answer(11, 0, 2), kNow + absl::Hours(26), row);
  EXPECT_EQ(row.foreign.uploaded, 1);
}

TEST(CounterTrackTest, WhatWasRefusedDoesNotCount) {
  ListCounterRow row = Created();
  CountRequest(List("7"), Change::kAdd, 500, kNow, row);
  CountNotSent(Change::kAdd, 500, row);
  CountRead(Answer(11, 0, 2), kNow, row);
  EXPECT_EQ(row.foreign.uploaded, 1);
}

TEST(CounterTrackTest, ARefusedRequestMayCountAsABatch) {
  ListCounterRow row = Created();
  CountRead(Answer(10, 0, 9), kNow, row);
  EXPECT_FALSE(Foreign(row));
}

TEST(CounterTrackTest, AnAdoptedListBeginsWithWhatItHas) {
  ListCounterRow row;
  CountAdopted(List("7"), Answer(1000, 50, 20), kNow, row);
  CountRead(Answer(1200, 50, 21), kNow + absl::Minutes(5), row);
  EXPECT_FALSE(Foreign(row));
  CountRead(Answer(1201, 50, 22), kNow + absl::Hours(2), row);
  EXPECT_EQ(row.foreign.uploaded, 1);
}

TEST(CounterTrackTest, ANewEpochAndAnotherListBeginAnew) {
  for (const membership::ListRow& list : {List("7", 2), List("8", 1)}) {
    ListCounterRow row = Created();
    CountRead(Answer(999, 0, 2), kNow, row);
    EXPECT_TRUE(Foreign(row));
    CountRequest(list, Change::kAdd, 5, kNow, row);
    EXPECT_FALSE(Foreign(row));
    pinterest::CustomerList answer = Answer(5000, 0, 9);
    answer.id = list.customer_list_id;
    CountAnswer(Change::kAdd, 5, answer, kNow, row);
    EXPECT_FALSE(Foreign(row));
  }
}

TEST(CounterTrackTest, AnotherListOrNoCountersTellNothing) {
  ListCounterRow row = Created();
  pinterest::CustomerList other = Answer(999, 999, 999);
  other.id = "8";
  CountRead(other, kNow, row);
  pinterest::CustomerList silent;
  silent.id = "7";
  CountRead(silent, kNow, row);
  EXPECT_FALSE(Foreign(row));
}

class CounterHistoryTest : public testing::TestWithParam<int> {};

// Lost answers, requests that are applied late, ends of the process with or
// without what was not synced, epochs: nobody else ever shows who is not there,
// and who is there does.
TEST_P(CounterHistoryTest, ShowsOthersIfThereAreAny) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()) * 7919 + 1);
  const auto pick = [&](int n) {
    return static_cast<int>(random() % static_cast<uint64_t>(n));
  };
  DeliveryWorld world(static_cast<uint64_t>(GetParam()) + 1,
                      DeliveryWorld::Backend::kMemory);
  auto* policy =
      world.config().mutable_destinations(0)->mutable_delivery_policy();
  policy->set_max_request_records(3);
  policy->mutable_creation_lookup_window()->set_seconds(60);
  world.Open();
  const std::vector<Fault> faults = {Fault::kNotSent,     Fault::kLostBefore,
                                     Fault::kLostAfter,   Fault::kAppliedLate,
                                     Fault::kServerError, Fault::kRateLimited,
                                     Fault::kBadRequest,  Fault::kTooLarge,
                                     Fault::kUnreadable,  Fault::kExceptions};
  const int weather = pick(60);
  world.pinterest().SetLateDelay(absl::Seconds(1 + pick(240)));
  world.pinterest().SetListingDelay(absl::Seconds(pick(50)));
  world.pinterest().SetFaults([&](const FakePinterest::Call& call) {
    if (call.what == "LIST" || pick(100) >= weather) return Fault::kNone;
    return faults[static_cast<size_t>(pick(static_cast<int>(faults.size())))];
  });
  const std::vector<std::string> segments = {"a", "b"};
  const auto commit = [&] {
    std::vector<DeliveryWorld::Event> events;
    for (int i = 0; i < 1 + pick(8); ++i) {
      events.push_back({segments[static_cast<size_t>(pick(2))], pick(20),
                        pick(3) > 0 ? Change::kAdd : Change::kRemove});
    }
    world.Commit(events);
  };
  const auto foreign = [&](const std::string& segment) {
    const auto row = world.store().FindCounters(world.ListOf(segment));
    return row.value_or(ListCounterRow()).foreign;
  };
  const auto expect_none = [&](const std::string& when) {
    for (const std::string& segment : segments) {
      if (!world.store().FindSegment(world.destination(), "ups", segment)) {
        continue;
      }
      ASSERT_EQ(foreign(segment).uploaded, 0) << when;
      ASSERT_EQ(foreign(segment).removed, 0) << when;
    }
  };
  for (int step = 0; step < 30; ++step) {
    switch (pick(6)) {
      case 0:
      case 1:
        commit();
        break;
      case 2:
        world.RunSteps(pick(10));
        break;
      case 3:
        world.RunUntilQuiet(absl::Seconds(pick(600)));
        break;
      case 4:
        world.clock().Advance(absl::Minutes(pick(90)));
        break;
      case 5:
        world.Close(pick(2) == 0 ? SIZE_MAX : static_cast<size_t>(pick(20)));
        world.Open();
        if (pick(4) == 0) {
          // As after a restore.
          for (const auto& row : world.store().Segments(world.destination())) {
            auto list = world.store().GetList(row.list);
            ASSERT_TRUE(list.ok());
            ++list->epoch;
            list->unknown_members = true;
            ASSERT_TRUE(world.store().UpdateList(*list).ok());
          }
        }
        break;
    }
    expect_none(absl::StrCat("after step ", step));
  }

  // In good weather, with nothing new to be told of before.
  world.pinterest().SetFaults(nullptr);
  const auto settle = [&](int record) {
    world.Commit({{"a", record, Change::kAdd}});
    ASSERT_TRUE(world.RunUntilQuiet(absl::Hours(24)));
    expect_none(absl::StrCat("after record ", record));
  };
  settle(100);
  world.clock().Advance(absl::Hours(30));
  settle(101);
  const membership::ListNumber list = world.ListOf("a");
  const std::string id = world.store().GetList(list)->customer_list_id;
  const bool addition = pick(2) == 0;
  world.pinterest().WriteForeign(id, addition ? 1'000'000 : 0,
                                 addition ? 0 : 1'000'000);
  world.Commit({{"a", 102, Change::kAdd}});
  ASSERT_TRUE(world.RunUntilQuiet(absl::Hours(24)));
  EXPECT_GT(addition ? foreign("a").uploaded : foreign("a").removed, 900'000);
}

INSTANTIATE_TEST_SUITE_P(Histories, CounterHistoryTest, testing::Range(0, 150));

}  // namespace
}  // namespace connector::delivery
