#include "connector/admin/drain.h"

#include <functional>
#include <string>
#include <vector>

#include "connector/admin/admin_fixture.h"

namespace connector::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class DrainTest : public AdminFixture {
 protected:
  DrainTest() : a_(AddSegment("a")), b_(AddSegment("b")), c_(AddSegment("c")) {
    // Time passes only while the drain waits; `on_wait_` plays the world.
    wait_.wait = [this](absl::Duration duration) {
      ASSERT_GT(duration, absl::ZeroDuration());
      clock_.Advance(duration);
      ++waits_;
      ASSERT_LT(waits_, 10'000) << "the drain waits for ever";
      if (on_wait_) on_wait_();
    };
    wait_.cancelled = [this] { return cancelled_; };
  }

  absl::Status Run() { return Drain(context_, *destination_, wait_); }

  static std::vector<std::string> Blocks(const absl::Status& status) {
    std::vector<std::string> blocks;
    for (const auto& violation : GetErrorDetail(status).preconditions) {
      blocks.push_back(absl::StrCat(violation.type, " ", violation.subject));
    }
    return blocks;
  }

  membership::SegmentRow a_, b_, c_;
  DrainWait wait_;
  std::function<void()> on_wait_;
  int waits_ = 0;
  bool cancelled_ = false;
};

TEST_F(DrainTest, ReturnsAtOnceWhenNothingWaits) {
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(waits_, 0);
  EXPECT_THAT(delivery_.flushed, IsEmpty());
}

TEST_F(DrainTest, FlushesAndWaitsForEveryListThatWaited) {
  store_.SetPending(a_.list, 5);
  store_.SetPending(b_.list, 7);
  on_wait_ = [&] {
    if (waits_ == 3) store_.SetSettled(a_.list, 5);
    if (waits_ == 8) store_.SetSettled(b_.list, 9);
  };
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(waits_, 8);
  EXPECT_EQ(delivery_.flushed.size(), 8);
  EXPECT_EQ(delivery_.flushed[0], destination_->number);
}

TEST_F(DrainTest, APassThatEndsShortOfTheTargetIsNotEnough) {
  store_.SetPending(a_.list, 5);
  on_wait_ = [&] { store_.SetSettled(a_.list, waits_); };
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(waits_, 5);
}

TEST_F(DrainTest, DoesNotWaitForWhatComesInLater) {
  store_.SetPending(a_.list, 5);
  on_wait_ = [&] {
    store_.SetPending(a_.list, 5 + waits_);
    store_.SetPending(b_.list, 100);
    if (waits_ == 4) store_.SetSettled(a_.list, 6);
  };
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(waits_, 4);
}

TEST_F(DrainTest, DoesNotCareForOtherDestinations) {
  auto other = Apply("77");
  auto row = *store_.EnsureSegment(other->number, "ups", "x", "", 250);
  store_.SetPending(row.list, 5);
  EXPECT_TRUE(Run().ok());
}

TEST_F(DrainTest, EndsAtTheDeadline) {
  store_.SetPending(a_.list, 5);
  const absl::Time start = clock_.Now();
  wait_.deadline = start + absl::Seconds(3);
  EXPECT_EQ(Run().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(clock_.Now(), start + absl::Seconds(3));
}

TEST_F(DrainTest, NoticesThatTheCallerHasGone) {
  store_.SetPending(a_.list, 5);
  on_wait_ = [&] { cancelled_ = waits_ == 4; };
  EXPECT_EQ(Run().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(waits_, 4);
}

TEST_F(DrainTest, APauseIsNamedAtOnce) {
  store_.SetPending(a_.list, 5);
  ASSERT_TRUE(registry_->SetDestinationPaused(kAdAccount, true).ok());
  const absl::Status status = Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetErrorDetail(status).reason, "DELIVERY_BLOCKED");
  EXPECT_THAT(Blocks(status), ElementsAre("DESTINATION_PAUSED 549755885175"));
  EXPECT_EQ(waits_, 0);
}

TEST_F(DrainTest, NamesEverythingThatBlocksOnceTheRestIsSettled) {
  store_.SetPending(a_.list, 5);
  store_.SetPending(b_.list, 5);
  store_.SetPending(c_.list, 5);
  ASSERT_TRUE(store_.SetSegmentPaused(a_.number, true).ok());
  delivery_.lists[b_.list] = FakeDelivery::Blocked("the list has gone");
  on_wait_ = [&] {
    if (waits_ == 6) store_.SetSettled(c_.list, 5);
  };
  const absl::Status status = Run();
  EXPECT_THAT(Blocks(status),
              UnorderedElementsAre("SEGMENT_PAUSED ups/a",
                                   "CUSTOMER_LIST_BLOCKED ups/b"));
  EXPECT_EQ(GetErrorDetail(status).metadata["waitingLists"], "2");
  EXPECT_EQ(waits_, 6);
}

TEST_F(DrainTest, NamesABlockedCredential) {
  store_.SetPending(a_.list, 5);
  delivery_.credentials["main"] = FakeDelivery::Blocked("token refused");
  const absl::Status status = Run();
  EXPECT_THAT(Blocks(status), ElementsAre("CREDENTIAL_BLOCKED main"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("token refused"));
}

TEST_F(DrainTest, NamesABlockedAdAccount) {
  store_.SetPending(a_.list, 5);
  delivery_.destinations[destination_->number] =
      FakeDelivery::Blocked("not permitted");
  EXPECT_THAT(Blocks(Run()), ElementsAre("DESTINATION_BLOCKED 549755885175"));
}

TEST_F(DrainTest, ABlockThatEndsByAProbeDoesNotEndTheDrain) {
  store_.SetPending(a_.list, 5);
  delivery_.credentials["main"] = FakeDelivery::Blocked("token refused");
  on_wait_ = [&] {
    if (waits_ == 2) delivery_.credentials.clear();
    if (waits_ == 5) store_.SetSettled(a_.list, 5);
  };
  EXPECT_TRUE(Run().ok());
}

TEST_F(DrainTest, AListThatIsRetriedIsWaitedFor) {
  store_.SetPending(a_.list, 5);
  delivery_.lists[a_.list] = FakeDelivery::Retrying("503");
  on_wait_ = [&] {
    if (waits_ == 50) store_.SetSettled(a_.list, 5);
  };
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(waits_, 50);
}

TEST_F(DrainTest, ABlockedListThatHasNothingToSendIsNotNamed) {
  delivery_.lists[b_.list] = FakeDelivery::Blocked("the list has gone");
  EXPECT_TRUE(Run().ok());
}

TEST_F(DrainTest, EndsWhenTheDestinationIsDeleted) {
  store_.SetPending(a_.list, 5);
  on_wait_ = [&] {
    if (waits_ == 2) {
      ASSERT_TRUE(registry_->DeleteDestination(kAdAccount, "").ok());
    }
  };
  EXPECT_EQ(Run().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace connector::admin
