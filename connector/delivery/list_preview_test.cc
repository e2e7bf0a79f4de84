// What a preview says must be what a pass then does.
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "connector/delivery/delivery_world.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

using membership::Change;
using Event = DeliveryWorld::Event;

class ListPreviewTest : public testing::Test {
 protected:
  void Start(uint64_t seed, bool dry_run) {
    world_ =
        std::make_unique<DeliveryWorld>(seed, DeliveryWorld::Backend::kMemory);
    auto* policy =
        world_->config().mutable_destinations(0)->mutable_delivery_policy();
    policy->set_max_request_records(10);
    policy->mutable_max_delay()->set_seconds(30);
    SetDryRun(dry_run);
  }
  void SetDryRun(bool dry_run) {
    world_->config().mutable_destinations(0)->set_dry_run(dry_run);
    world_->Open();
  }
  ListPreview Preview(const std::string& segment = "a") {
    auto preview = world_->deliverer().Preview(world_->ListOf(segment));
    EXPECT_TRUE(preview.ok()) << preview.status();
    return preview.ok() ? *preview : ListPreview();
  }

  std::unique_ptr<DeliveryWorld> world_;
};

TEST_F(ListPreviewTest, ADryRunCallsNobodyAndDeliversOnceItIsNone) {
  Start(1, /*dry_run=*/true);
  std::vector<Event> events;
  for (int i = 0; i < 25; ++i) events.push_back({"a", i, Change::kAdd});
  world_->Commit(events);
  world_->RunUntilQuiet();
  EXPECT_TRUE(world_->pinterest().Calls().empty());

  const ListPreview preview = Preview();
  EXPECT_TRUE(preview.creates_list);
  EXPECT_EQ(preview.additions, 25);
  EXPECT_EQ(preview.removals, 0);
  EXPECT_EQ(preview.requests, 3);
  EXPECT_TRUE(world_->pinterest().Calls().empty());

  SetDryRun(false);
  ASSERT_TRUE(world_->RunUntilQuiet());
  world_->ExpectConverged();
  EXPECT_EQ(world_->CallCount("CREATE") + world_->CallCount("ADD"), 3);
  EXPECT_EQ(Preview().requests, 0);
  EXPECT_FALSE(Preview().creates_list);
}

TEST_F(ListPreviewTest, RemovalsAloneCreateNoList) {
  Start(1, /*dry_run=*/true);
  world_->Commit({{"a", 1, Change::kRemove}});
  const ListPreview preview = Preview();
  EXPECT_FALSE(preview.creates_list);
  EXPECT_EQ(preview.requests, 0);
  EXPECT_EQ(preview.settled.netted_out, 1);
}

TEST_F(ListPreviewTest, AListThatIsGoneIsNotFound) {
  Start(1, /*dry_run=*/true);
  EXPECT_TRUE(absl::IsNotFound(world_->deliverer().Preview(99).status()));
}

// Random histories: dry, preview, live, and so on.
TEST_F(ListPreviewTest, APassDoesWhatThePreviewSaid) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Start(seed, /*dry_run=*/true);
    for (int round = 0; round < 4; ++round) {
      const int batches = 1 + random() % 4;
      for (int i = 0; i < batches; ++i) {
        std::vector<Event> events;
        std::set<int> seen;
        for (int j = random() % 40; j >= 0; --j) {
          const int record = static_cast<int>(random() % 60);
          if (!seen.insert(record).second) continue;
          events.push_back(
              {"a", record, random() % 3 ? Change::kAdd : Change::kRemove});
        }
        world_->Commit(events);
      }
      world_->RunUntilQuiet();
      const std::set<int> before = world_->OnListOrEmpty("a");
      const membership::SyncCounts counts_before = world_->Counts("a");
      const ListPreview preview = Preview();
      const bool had_list = !world_->pinterest().Lists().empty();

      SetDryRun(false);
      world_->pinterest().ClearCalls();
      ASSERT_TRUE(world_->RunUntilQuiet());
      world_->ExpectConverged();
      const std::set<int> after = world_->OnListOrEmpty("a");
      int added = 0;
      int removed = 0;
      for (int record : after) added += before.count(record) == 0;
      for (int record : before) removed += after.count(record) == 0;
      EXPECT_EQ(preview.additions, added);
      EXPECT_EQ(preview.removals, removed);
      EXPECT_EQ(preview.creates_list, !had_list && added > 0);
      EXPECT_EQ(preview.requests, world_->CallCount("CREATE") +
                                      world_->CallCount("ADD") +
                                      world_->CallCount("REMOVE"));
      const membership::PassCounts& settled = world_->Counts("a").settled;
      EXPECT_EQ(preview.settled.already_there,
                settled.already_there - counts_before.settled.already_there);
      EXPECT_EQ(preview.settled.netted_out,
                settled.netted_out - counts_before.settled.netted_out);
      EXPECT_EQ(preview.settled.superseded,
                settled.superseded - counts_before.settled.superseded);
      SetDryRun(true);
    }
  }
}

}  // namespace
}  // namespace connector::delivery
