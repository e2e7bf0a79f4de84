// Random histories of commits, faults, kills and time, compared with a model
// that knows only the last event of each record.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/fake_random.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;

// Faults that any call may meet. Late application stays below the time after
// which a change is repeated, and below the creation window.
Fault RandomFault(Random& random, const FakePinterest::Call& call) {
  if (call.what == "LIST") {
    return random.Next() % 8 == 0 ? Fault::kServerError : Fault::kNone;
  }
  static constexpr Fault kFaults[] = {
      Fault::kNotSent,     Fault::kLostBefore,  Fault::kLostAfter,
      Fault::kLostAfter,   Fault::kAppliedLate, Fault::kServerError,
      Fault::kRateLimited, Fault::kUnauthorized};
  if (random.Next() % 3 != 0) return Fault::kNone;
  return kFaults[random.Next() % std::size(kFaults)];
}

void RunHistory(uint64_t seed, int steps) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  FakeRandom random(seed);
  DeliveryWorld world(seed);
  auto* policy =
      world.config().mutable_destinations(0)->mutable_delivery_policy();
  policy->set_max_request_records(3 + static_cast<int>(random.Next() % 8));
  policy->mutable_max_delay()->set_seconds(20);
  world.pinterest().SetListingDelay(absl::Seconds(random.Next() % 120));
  world.Open();

  bool kill = false;
  world.pinterest().SetFaults([&](const FakePinterest::Call& call) {
    // A kill between the effect at Pinterest and its note in the store.
    if (random.Next() % 20 == 0 && call.what != "LIST") {
      kill = true;
      return Fault::kLostAfter;
    }
    return RandomFault(random, call);
  });
  const std::vector<std::string> segments = {"a", "b", "c"};
  for (int step = 0; step < steps; ++step) {
    switch (random.Next() % 10) {
      case 0:
      case 1:
      case 2: {
        std::vector<Event> events;
        const int size = 1 + static_cast<int>(random.Next() % 12);
        for (int i = 0; i < size; ++i) {
          events.push_back(
              {segments[random.Next() % segments.size()],
               static_cast<int>(random.Next() % 40),
               random.Next() % 5 < 3 ? Change::kAdd : Change::kRemove});
        }
        world.Commit(events);
        break;
      }
      case 3:
        world.clock().Advance(absl::Seconds(random.Next() % 90));
        break;
      case 4:
        if (random.Next() % 6 == 0) kill = true;
        if (random.Next() % 6 == 0) {
          world.deliverer().Retry(world.destination());
        }
        if (random.Next() % 6 == 0) {
          world.deliverer().Flush(world.destination());
        }
        break;
      default:
        world.RunSteps(1 + static_cast<int>(random.Next() % 4));
    }
    if (kill) {
      kill = false;
      world.Open();
    }
    for (const auto& [id, list] : world.pinterest().Lists()) {
      // The sum rule holds at every moment: what is pending is never negative.
      const std::string segment = list.name.substr(8);
      ASSERT_GE(world.Counts(segment).pending(), 0);
    }
  }
  world.pinterest().SetFaults(nullptr);
  ASSERT_TRUE(world.RunUntilQuiet());
  // What may still be applied late is applied, and repeated changes are out.
  world.clock().Advance(absl::Minutes(10));
  ASSERT_TRUE(world.RunUntilQuiet());
  world.ExpectConverged();
}

TEST(DeliveryModelTest, RandomHistoriesConverge) {
  // HISTORIES and SEED make longer runs and repeat one.
  const char* histories = std::getenv("HISTORIES");
  const char* seed = std::getenv("SEED");
  const int count = histories == nullptr ? 40 : std::atoi(histories);
  const uint64_t first = seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10);
  for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    RunHistory(first + i, 120);
  }
}

}  // namespace
}  // namespace connector::delivery
