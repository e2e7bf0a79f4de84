#include "connector/delivery/call_pacer.h"

#include <deque>
#include <string>

#include "connector/base/fake_random.h"
#include "connector/delivery/gate.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

TEST(CallPacerTest, NeverMoreThanTheLimitInAnyMinute) {
  FakeRandom random(7);
  CallPacer pacer(20, 0);
  std::deque<absl::Time> granted;
  absl::Time now = kStart;
  int total = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += absl::Milliseconds(random.Next() % 200);
    const CallKind kind =
        random.Next() % 2 ? CallKind::kRemoval : CallKind::kAddition;
    const auto answer = pacer.TryAcquire(kind, now);
    if (!answer.granted) {
      EXPECT_GT(answer.retry_time, now);
      continue;
    }
    ++total;
    granted.push_back(now);
    while (granted.front() <= now - absl::Minutes(1)) granted.pop_front();
    ASSERT_LE(granted.size(), 20u);
  }
  // And the limit is used: 2,000 s of asking.
  EXPECT_GT(total, 600);
}

TEST(CallPacerTest, AskingAtTheRetryTimeIsGranted) {
  CallPacer pacer(5, 0);
  absl::Time now = kStart;
  for (int i = 0; i < 50; ++i) {
    auto answer = pacer.TryAcquire(CallKind::kRemoval, now);
    if (!answer.granted) {
      now = answer.retry_time;
      answer = pacer.TryAcquire(CallKind::kRemoval, now);
    }
    ASSERT_TRUE(answer.granted) << i;
  }
  EXPECT_EQ(now, kStart + absl::Minutes(9));
}

TEST(CallPacerTest, RemovalsFindAPlaceWhenAdditionsUsedAllOfTheirs) {
  CallPacer pacer(20, 0);
  int additions = 0;
  while (pacer.TryAcquire(CallKind::kAddition, kStart).granted) ++additions;
  EXPECT_EQ(additions, 18);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_FALSE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
}

TEST(CallPacerTest, ReadsAndWritesAreCountedApart) {
  CallPacer pacer(1, 1);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRead, kStart).granted);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_FALSE(pacer.TryAcquire(CallKind::kRead, kStart).granted);
}

TEST(CallPacerTest, HoldsWhenPinterestAsksForIt) {
  CallPacer pacer(0, 0);
  pacer.HoldUntil(CallKind::kAddition, kStart + absl::Seconds(30));
  EXPECT_EQ(pacer.TryAcquire(CallKind::kRemoval, kStart).retry_time,
            kStart + absl::Seconds(30));
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRead, kStart).granted);
  EXPECT_TRUE(
      pacer.TryAcquire(CallKind::kRemoval, kStart + absl::Seconds(30)).granted);
}

TEST(CallPacerTest, TakesOverALowerLimitThatPinterestTells) {
  CallPacer pacer(200, 0);
  pinterest::RateLimitWindow window;
  window.name = "ads_write_app_id_user_id";
  window.limit = 3;
  window.window = absl::Minutes(1);
  pacer.Observe(CallKind::kRemoval, {window}, kStart);
  int granted = 0;
  while (pacer.TryAcquire(CallKind::kRemoval, kStart).granted) ++granted;
  EXPECT_EQ(granted, 3);
}

TEST(CallPacerTest, WaitsOutAnExhaustedWindow) {
  CallPacer pacer(200, 0);
  pinterest::RateLimitWindow window;
  window.name = "safety_net_app_id_user_id";
  window.remaining = 0;
  window.reset_after = absl::Seconds(2);
  pacer.Observe(CallKind::kRemoval, {window}, kStart);
  EXPECT_FALSE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_TRUE(
      pacer.TryAcquire(CallKind::kRemoval, kStart + absl::Seconds(2)).granted);
}

TEST(GateTest, LetsOneProbeThroughPerInterval) {
  Gate gate;
  absl::Time retry;
  EXPECT_TRUE(gate.Pass(kStart, &retry));
  gate.Close(absl::UnavailableError("away"), kStart, absl::Seconds(30), false);
  EXPECT_FALSE(gate.Pass(kStart, &retry));
  EXPECT_EQ(retry, kStart + absl::Seconds(30));
  EXPECT_TRUE(gate.WouldPass(retry, &retry));
  EXPECT_TRUE(gate.Pass(retry, &retry)) << "the probe";
  EXPECT_FALSE(gate.Pass(kStart + absl::Seconds(31), &retry));
  EXPECT_EQ(gate.condition().state, DeliveryCondition::State::kBlocked);
  gate.Open();
  EXPECT_TRUE(gate.Pass(kStart + absl::Seconds(32), &retry));
}

TEST(GateTest, AnOperatorMayProbeAtOnce) {
  Gate gate;
  absl::Time retry;
  gate.Close(absl::UnavailableError("away"), kStart, absl::Minutes(5), false);
  gate.ProbeNow(kStart + absl::Seconds(1));
  EXPECT_TRUE(gate.Pass(kStart + absl::Seconds(1), &retry));
}

TEST(GateTest, AReadOpensOnlyWhatAReadClosed) {
  Gate gate;
  gate.Close(absl::UnavailableError("spam"), kStart, absl::Minutes(5), false);
  gate.OpenForRead();
  EXPECT_EQ(gate.condition().state, DeliveryCondition::State::kBlocked);
  gate.Close(absl::UnavailableError("403"), kStart, absl::Minutes(5), true);
  gate.OpenForRead();
  EXPECT_EQ(gate.condition().state, DeliveryCondition::State::kActive);
}

}  // namespace
}  // namespace connector::delivery
