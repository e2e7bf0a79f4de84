// Judging and applying at a size that spills, against a plain count.
#include "connector/delivery/full_sync_join.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "connector/delivery/delivery_world.h"
#include "connector/delivery/full_sync_runner.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using membership::FullSyncFrame;
using membership::FullSyncState;
using Event = DeliveryWorld::Event;

TEST(FullSyncJoinTest, AsksFromTheShareOnAndNeverForSmallLists) {
  EXPECT_FALSE(NeedsConfirmation({1'000, 300}, 100, 30));
  EXPECT_TRUE(NeedsConfirmation({1'000, 301}, 100, 30));
  EXPECT_FALSE(NeedsConfirmation({99, 99}, 100, 30));
  EXPECT_TRUE(NeedsConfirmation({100, 100}, 100, 30));
  EXPECT_FALSE(NeedsConfirmation({1'000, 1'000}, 100, 100));
}

// 40,000 records: more than what may be sorted without a budget.
TEST(FullSyncJoinTest, SpillsAndCountsAsASimpleCountDoes) {
  constexpr int kRecords = 40'000;
  DeliveryWorld world(1, DeliveryWorld::Backend::kMemory);
  world.Open();
  std::mt19937 random(7);
  std::map<int, Change> desired;
  const auto commit = [&](int percent, int adds, const std::string& id) {
    std::vector<Event> events;
    for (int record = 0; record < kRecords; ++record) {
      if (static_cast<int>(random() % 100) >= percent) continue;
      const Change change = static_cast<int>(random() % 100) < adds
                                ? Change::kAdd
                                : Change::kRemove;
      events.push_back({"a", record, change});
    }
    EXPECT_TRUE(world.TryCommitTo(DeliveryWorld::kAdAccount, events, id).ok());
    return events;
  };
  for (const Event& event : commit(70, 95, "")) {
    desired[event.record] = event.change;
  }
  ASSERT_TRUE(world.RunUntilQuiet());
  // Some of it pending, some before the begin.
  for (const Event& event : commit(10, 50, "")) {
    desired[event.record] = event.change;
  }
  ASSERT_TRUE(world
                  .TryFullSyncFrame(DeliveryWorld::kAdAccount, "e", "a",
                                    FullSyncFrame::Kind::kBegin, absl::Hours(1))
                  .ok());
  std::set<int> declared;
  for (const Event& event : commit(75, 100, "e")) declared.insert(event.record);
  std::set<int> since;
  for (const Event& event : commit(3, 50, "")) {
    desired[event.record] = event.change;
    since.insert(event.record);
  }
  world.RunUntilQuiet(absl::Minutes(5));
  for (const Event& event : commit(3, 50, "")) {
    desired[event.record] = event.change;
    since.insert(event.record);
  }
  ASSERT_TRUE(world
                  .TryFullSyncFrame(DeliveryWorld::kAdAccount, "e", "a",
                                    FullSyncFrame::Kind::kCommit,
                                    absl::ZeroDuration())
                  .ok());
  int64_t members = 0;
  int64_t removals = 0;
  for (const auto& [record, change] : desired) {
    if (change == Change::kRemove) continue;
    ++members;
    removals += since.count(record) == 0 && declared.count(record) == 0;
  }
  const auto full_sync = world.store().FindFullSyncs(world.ListOf("a")).back();
  SortBudget nothing(0);
  JoinEnvironment environment;
  environment.ledger = &world.store();
  environment.full_syncs = &world.store();
  environment.sort_budget = &nothing;
  environment.spill_directory = testing::TempDir();
  const auto verdict = JudgeFullSync(environment, full_sync);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->members, members);
  EXPECT_EQ(verdict->removals, removals);
  EXPECT_GT(removals, 1'000);

  std::atomic<bool> stop = true;
  environment.stop = &stop;
  EXPECT_TRUE(
      absl::IsCancelled(JudgeFullSync(environment, full_sync).status()));

  ASSERT_TRUE(world.RunUntilQuiet());
  EXPECT_EQ(world.store().FindFullSyncs(world.ListOf("a")).back().state,
            FullSyncState::kApplied);
  std::set<std::string> expected;
  for (int record : declared) {
    if (since.count(record) == 0) {
      expected.insert(DeliveryWorld::WireText(record));
    }
  }
  for (int record : since) {
    if (desired[record] == Change::kAdd) {
      expected.insert(DeliveryWorld::WireText(record));
    }
  }
  EXPECT_EQ(world.pinterest().Records(DeliveryWorld::Name("a")), expected);
  EXPECT_EQ(world.Counts("a").pending(), 0);
}

}  // namespace
}  // namespace connector::delivery
