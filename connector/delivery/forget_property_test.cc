// Random histories of events, requests to forget, faults of Pinterest, kills
// and deaths at any write: at the end every list holds what the last events
// say, the accounts balance, and no row holds who was forgotten since.
//
//   HISTORIES=1000 SEED=1   how many, and from which seed
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using membership::Forget;
using membership::ForgetList;
using membership::ForgetPhase;
using Event = DeliveryWorld::Event;
using Fault = FakePinterest::Fault;

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoll(value);
}

// What happened, over all histories.
struct Coverage {
  int forgets = 0;
  int deaths = 0;
  int deaths_while_forgetting = 0;
  int unknown_requests = 0;
  int later = 0;
};

class ForgetHistory {
 public:
  static constexpr int kPeople = 8;
  // Of each person; the first is the one that is added.
  static constexpr int kForms = 3;
  static constexpr int kSegments = 3;

  ForgetHistory(uint64_t seed, Coverage* coverage)
      : random_(seed),
        coverage_(*coverage),
        world_(seed, DeliveryWorld::Backend::kMemory) {
    auto* policy =
        world_.config().mutable_destinations(0)->mutable_delivery_policy();
    policy->set_max_request_records(1 + Pick(4));
    policy->mutable_creation_lookup_window()->set_seconds(30);
    world_.Open();
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) Step();
    world_.pinterest().SetFaults(nullptr);
    if (world_.disk()->dead()) Reopen();
    ASSERT_TRUE(world_.RunUntilForgotten(absl::Hours(48)))
        << "never forgotten\n"
        << Trail();
    world_.ExpectConverged();
    for (const Forget& forget :
         world_.store().FindForgets(world_.destination())) {
      EXPECT_EQ(forget.phase, ForgetPhase::kDone);
      for (const ForgetList& list : forget.lists) {
        EXPECT_NE(list.outcome, ForgetList::Outcome::kWaiting);
        coverage_.later += list.later_event;
      }
    }
    for (int record : forgotten_) {
      EXPECT_EQ(world_.disk()->PlacesOf(
                    std::string(DeliveryWorld::RecordOf(record).payload())),
                std::vector<std::string>())
          << "record " << record;
    }
    if (testing::Test::HasFailure()) ADD_FAILURE() << Trail();
  }

 private:
  int Pick(int n) { return static_cast<int>(random_() % n); }
  std::string Trail() const { return absl::StrJoin(trail_, "\n"); }
  void Reopen() {
    const bool power_cut = Pick(2) == 0;
    trail_.push_back(power_cut ? "power cut" : "kill");
    world_.Close(power_cut ? Pick(6) : SIZE_MAX);
    world_.Open();
  }

  void Step() {
    switch (Pick(12)) {
      case 0:
      case 1:
      case 2: {
        std::vector<Event> events;
        for (int i = 0; i <= Pick(6); ++i) {
          Event event;
          event.segment =
              std::string(1, static_cast<char>('a' + Pick(kSegments)));
          const int person = Pick(kPeople);
          event.record = person * kForms;
          event.change = Pick(3) == 0 ? Change::kRemove : Change::kAdd;
          // Of some exits it is remembered that they happened.
          if (event.change == Change::kRemove && Pick(2) == 0) {
            event.time = Event::kAtCommit;
          }
          if (event.change == Change::kRemove && Pick(2) == 0) {
            // Another form of the identity goes with it.
            Event form = event;
            form.record += 1 + Pick(kForms - 1);
            form.counted = false;
            events.push_back(form);
          }
          events.push_back(event);
          trail_.push_back(
              absl::StrCat(event.change == Change::kAdd ? "add " : "remove ",
                           event.segment, " ", event.record));
        }
        for (const Event& event : events) forgotten_.erase(event.record);
        world_.Commit(events);
        break;
      }
      case 3:
      case 4: {
        const int person = Pick(kPeople);
        std::vector<int> records;
        for (int i = 0; i < kForms; ++i) records.push_back(person * kForms + i);
        trail_.push_back(absl::StrCat("forget ", person * kForms));
        const auto outcome =
            world_.TryForget(records, absl::StrCat("r", coverage_.forgets));
        ASSERT_TRUE(outcome.ok()) << outcome.status();
        forgotten_.insert(records.begin(), records.end());
        ++coverage_.forgets;
        break;
      }
      case 5: {
        const int chance = Pick(3);
        const uint64_t seed = random_();
        trail_.push_back(absl::StrCat("weather ", chance));
        if (chance == 0) {
          world_.pinterest().SetFaults(nullptr);
          break;
        }
        world_.pinterest().SetFaults(
            [this, chance, random = std::mt19937_64(seed)](
                const FakePinterest::Call& call) mutable {
              if (random() % (4 * chance) != 0) return Fault::kNone;
              constexpr Fault kSome[] = {
                  Fault::kNotSent,     Fault::kLostBefore,  Fault::kLostAfter,
                  Fault::kAppliedLate, Fault::kServerError, Fault::kRateLimited,
                  Fault::kUnreadable,  Fault::kForbidden};
              ++coverage_.unknown_requests;
              const Fault fault = kSome[random() % std::size(kSome)];
              // A list that shows after it was looked for makes two.
              return fault == Fault::kAppliedLate && call.what == "CREATE"
                         ? Fault::kLostAfter
                         : fault;
            });
        break;
      }
      case 6:
        trail_.push_back("time");
        world_.clock().Advance(absl::Seconds(1 << Pick(10)));
        break;
      case 7:
        Reopen();
        break;
      case 8:
        // Dies at a write of delivery or of the purge.
        trail_.push_back("mortal");
        world_.disk()->DieAtWrite(1 + Pick(12), Pick(2) == 0);
        for (int i = 0; i < 3 && !world_.disk()->dead(); ++i) {
          world_.RunSteps(1 + Pick(15));
          if (world_.disk()->dead()) break;
          world_.clock().Advance(absl::Minutes(Pick(4)));
          world_.RunForgetting();
          coverage_.deaths_while_forgetting += world_.disk()->dead();
        }
        coverage_.deaths += world_.disk()->dead();
        Reopen();
        break;
      case 9:
        world_.RunForgetting();
        break;
      default:
        trail_.push_back("steps");
        world_.RunSteps(1 + Pick(20));
        world_.RunForgetting();
        break;
    }
  }

  std::mt19937_64 random_;
  Coverage& coverage_;
  DeliveryWorld world_;
  std::set<int> forgotten_;
  std::vector<std::string> trail_;
};

TEST(ForgetPropertyTest, ListsAreExactAndNoTraceIsLeft) {
  const int64_t count = FromEnvironment("HISTORIES", 300);
  const int64_t first = FromEnvironment("SEED", 1);
  Coverage coverage;
  for (int64_t i = 0; i < count; ++i) {
    SCOPED_TRACE(absl::StrCat("SEED=", first + i));
    ForgetHistory(first + i, &coverage).Run(60);
    if (HasFailure()) return;
  }
  if (count >= 300) {
    EXPECT_GT(coverage.forgets, 1'000);
    EXPECT_GT(coverage.deaths, 200);
    EXPECT_GT(coverage.deaths_while_forgetting, 20);
    EXPECT_GT(coverage.unknown_requests, 500);
    EXPECT_GT(coverage.later, 50);
  }
}

}  // namespace
}  // namespace connector::delivery
