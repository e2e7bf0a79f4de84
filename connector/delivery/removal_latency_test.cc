// How long an exit takes to Pinterest while a huge backfill of additions is on
// its way over the same credential, on a clock that stands still but for the
// pace of the calls and the time that each takes.
//
//   ADDITIONS=5000000   how many (here: 300,000); the whole takes minutes then
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using Event = DeliveryWorld::Event;

constexpr char kOtherAccount[] = "549755885176";
constexpr absl::Duration kFlushInterval = absl::Seconds(30);
constexpr absl::Duration kCallTime = absl::Milliseconds(400);
constexpr int kCalls = 1'000;

// Members from before the backfill.
constexpr int kMembers = 1'000;

class RemovalLatencyTest : public testing::Test {
 protected:
  // Where an exit goes to.
  struct Watched {
    std::string list;
    absl::Time accepted;
    // When Pinterest was last told anything of it.
    absl::Time told = absl::InfinitePast();
    bool on_list = false;
  };

  RemovalLatencyTest() : world_(1) {
    const char* additions = std::getenv("ADDITIONS");
    additions_ = additions == nullptr ? 300'000 : std::atoi(additions);
    auto& config = world_.config();
    // 18 calls of additions a minute: a pass of nearly an hour.
    config.mutable_credentials(0)->mutable_rate_limits()->set_writes_per_minute(
        20);
    *config.add_destinations() = config.destinations(0);
    config.mutable_destinations(1)->set_ad_account_id(kOtherAccount);
    for (auto& destination : *config.mutable_destinations()) {
      auto* policy = destination.mutable_delivery_policy();
      policy->set_max_request_records(std::max(additions_ / kCalls, 1));
      // The records of a request of the long run take more than the usual.
      policy->set_max_request_bytes(10'000'000);
      policy->mutable_max_delay()->set_seconds(
          absl::ToInt64Seconds(kFlushInterval));
    }
    world_.pinterest().SetFaults([this](const FakePinterest::Call& call) {
      See(call);
      return FakePinterest::Fault::kNone;
    });
    world_.Open();
  }

  void See(const FakePinterest::Call& call) {
    world_.clock().Advance(kCallTime);
    if (call.what == "LIST") return;
    const bool add = call.what != "REMOVE";
    if (add && call.list_name == DeliveryWorld::Name("big")) {
      added_ += static_cast<int>(call.records.size());
    }
    for (const std::string& record : call.records) {
      auto found = watched_.find({call.ad_account_id, record});
      if (found == watched_.end() || found->second.list != call.list_name) {
        continue;
      }
      found->second.told = world_.clock().Now();
      found->second.on_list = add;
    }
  }

  void CommitAdditions(const std::string& account, const std::string& segment,
                       int first, int count) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      events.push_back({segment, first + i, Change::kAdd});
      if (events.size() == 20'000 || i + 1 == count) {
        world_.CommitTo(account, events);
        events.clear();
      }
    }
  }

  // From now on what happens to the record is seen; `there`: it is on the list.
  void Watch(const std::string& account, const std::string& segment, int record,
             bool there) {
    Watched& watched = watched_[{account, DeliveryWorld::WireText(record)}];
    watched.list = DeliveryWorld::Name(segment);
    watched.on_list = there;
  }
  void Exit(const std::string& account, const std::string& segment,
            int record) {
    watched_[{account, DeliveryWorld::WireText(record)}].accepted =
        world_.clock().Now();
    world_.CommitTo(account, {{segment, record, Change::kRemove}});
  }

  // Runs what is due and moves the clock to what comes next, until `end`.
  void RunUntil(absl::Time end) {
    while (world_.clock().Now() < end) {
      if (world_.deliverer().RunReadyStep()) {
        world_.pinterest().ClearCalls();
        continue;
      }
      const absl::Time next = std::min(world_.deliverer().NextStepTime(), end);
      world_.clock().Advance(
          std::max(next - world_.clock().Now(), absl::Milliseconds(1)));
    }
  }

  int additions_;
  DeliveryWorld world_;
  int added_ = 0;
  std::map<std::pair<std::string, std::string>, Watched> watched_;
};

TEST_F(RemovalLatencyTest, AnExitDuringABackfillTakesTwoFlushIntervalsAtMost) {
  const std::string account = DeliveryWorld::kAdAccount;
  // What is there already, in all three lists.
  CommitAdditions(account, "big", 0, kMembers);
  CommitAdditions(account, "small", 0, kMembers);
  CommitAdditions(kOtherAccount, "small", 0, kMembers);
  ASSERT_TRUE(world_.RunUntilQuiet());
  ASSERT_EQ(added_, kMembers);

  // The backfill.
  const int first = kMembers;
  CommitAdditions(account, "big", first, additions_);
  const absl::Time start = world_.clock().Now();
  // Some of its records are watched from the start: they are sent sooner or
  // later than their exits.
  constexpr int kRounds = 24;
  for (int round = 0; round < kRounds; ++round) {
    Watch(account, "big", round, true);
    Watch(account, "small", round, true);
    Watch(kOtherAccount, "small", round, true);
    Watch(account, "big", first + additions_ / kRounds * round, false);
  }
  struct Latencies {
    std::string what;
    std::vector<absl::Duration> all;
  };
  std::vector<Latencies> latencies = {{"the same list", {}},
                                      {"another list of the account", {}},
                                      {"another account", {}},
                                      {"an addition of the backfill", {}}};
  for (int round = 0; round < kRounds; ++round) {
    // At odd moments between two flushes.
    RunUntil(world_.clock().Now() + absl::Milliseconds(1'700 * (round % 13)) +
             kFlushInterval / 2);
    ASSERT_LT(added_, kMembers + additions_ / 100 * 98)
        << "the backfill is too short";
    const std::vector<std::pair<std::string, std::string>> targets = {
        {account, "big"},
        {account, "small"},
        {kOtherAccount, "small"},
        {account, "big"}};
    for (size_t i = 0; i < targets.size(); ++i) {
      const auto& [where, segment] = targets[i];
      const int record = i == 3 ? first + additions_ / kRounds * round : round;
      const Watched& watched =
          watched_[{where, DeliveryWorld::WireText(record)}];
      Exit(where, segment, record);
      RunUntil(world_.clock().Now() + absl::Milliseconds(300));
      if (i + 1 < targets.size()) continue;
      // Once the last of them had its time, none is on its list.
      RunUntil(watched.accepted + 2 * kFlushInterval);
      for (size_t j = 0; j < targets.size(); ++j) {
        const int exited =
            j == 3 ? first + additions_ / kRounds * round : round;
        const Watched& each =
            watched_[{targets[j].first, DeliveryWorld::WireText(exited)}];
        EXPECT_FALSE(each.on_list)
            << "round " << round << ": " << latencies[j].what;
        if (each.told > each.accepted) {
          latencies[j].all.push_back(each.told - each.accepted);
        }
      }
    }
  }
  const absl::Duration backfill_until_now = world_.clock().Now() - start;
  const int added_meanwhile = added_ - kMembers;
  ASSERT_TRUE(world_.RunUntilQuiet());
  // None of them came back, and the rest of the backfill is there.
  for (const auto& [key, watched] : watched_) EXPECT_FALSE(watched.on_list);
  const auto lists = world_.pinterest().Lists();
  for (const auto& [id, list] : lists) {
    if (list.name != DeliveryWorld::Name("big")) continue;
    EXPECT_EQ(list.records.size(), kMembers + additions_ - 2 * kRounds);
  }

  std::cout << absl::StrFormat(
      "%d additions, %d of them sent in %.0f simulated minutes of measuring\n",
      additions_, added_meanwhile, absl::ToDoubleMinutes(backfill_until_now));
  for (Latencies& each : latencies) {
    if (each.all.empty()) continue;
    std::sort(each.all.begin(), each.all.end());
    EXPECT_LE(each.all.back(), 2 * kFlushInterval) << each.what;
    std::cout << absl::StrFormat(
        "exit from %s: %d measured, median %.1f s, longest %.1f s\n", each.what,
        each.all.size(), absl::ToDoubleSeconds(each.all[each.all.size() / 2]),
        absl::ToDoubleSeconds(each.all.back()));
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(latencies[i].all.size(), kRounds);
}

}  // namespace
}  // namespace connector::delivery
