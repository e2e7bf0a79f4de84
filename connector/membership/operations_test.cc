// What is taken along when a list is replaced.
#include <vector>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TakeUpTest : public StoreTest {
 protected:
  TakeUpTest() {
    tuning_.taken_along_bytes = 300;
    Reopen();
    segment_ = MakeSegment(MakeDestination());
    ListRow row = *store_->GetList(segment_.list);
    row.customer_list_id = "643";
    EXPECT_TRUE(store_->UpdateList(row).ok());
  }

  void RemoveMany(uint64_t records) {
    for (uint64_t i = 0; i < records; ++i) {
      ASSERT_TRUE(
          Commit(MakeBatch(segment_, {TestRecord(100 + i)}, {TestRecord(i)}))
              .ok());
    }
  }
  ListNumber Former() {
    return store_->FindSegment(segment_.destination, "ups", "s0")->former_list;
  }

  SegmentRow segment_;
};

TEST_F(TakeUpTest, RemovalsThatWaitGoToBothLists) {
  RemoveMany(3);
  ASSERT_TRUE(store_->RequestReplacement(segment_.number, {}).ok());
  ASSERT_TRUE(store_->TakeUp(segment_.list, /*vanished=*/false).ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(Runs(Former(), Change::kRemove),
                ElementsAre(TestRecord(0), TestRecord(1), TestRecord(2)));
    EXPECT_THAT(Runs(Former(), Change::kAdd), IsEmpty());
    EXPECT_EQ(Runs(segment_.list, Change::kRemove).size(), 3u);
    EXPECT_EQ(Runs(segment_.list, Change::kAdd).size(), 3u);
    Reopen();
  }
}

TEST_F(TakeUpTest, WithTooManyTheReplacementWaitsUntilTheyAreDelivered) {
  RemoveMany(10);
  ASSERT_TRUE(store_->RequestReplacement(segment_.number, {}).ok());
  const auto refused = store_->TakeUp(segment_.list, /*vanished=*/false);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reason(refused.status()), "TOO_MANY_REMOVALS_WAIT");
  EXPECT_THAT(refused.status().message(), testing::HasSubstr("300 bytes"));
  // Nothing has happened.
  Reopen();
  EXPECT_EQ(Former(), 0u);
  EXPECT_EQ(store_->GetList(segment_.list)->customer_list_id, "643");
  ASSERT_TRUE(SettleAll(segment_.list).ok());
  EXPECT_TRUE(store_->TakeUp(segment_.list, /*vanished=*/false).ok());
  EXPECT_NE(Former(), 0u);
}

TEST_F(TakeUpTest, AListThatVanishedIsReplacedHoweverManyWait) {
  RemoveMany(10);
  ASSERT_TRUE(store_->RequestReplacement(segment_.number, {}).ok());
  ASSERT_TRUE(store_->TakeUp(segment_.list, /*vanished=*/true).ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_NE(Former(), 0u);
    EXPECT_FALSE(store_->FindPendingList(Former()).has_value());
    EXPECT_THAT(Runs(Former(), Change::kRemove), IsEmpty());
    EXPECT_EQ(Runs(segment_.list, Change::kRemove).size(), 10u);
    Reopen();
  }
}

}  // namespace
}  // namespace connector::membership
