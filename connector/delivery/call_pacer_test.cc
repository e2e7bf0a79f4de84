#include "connector/delivery/call_pacer.h"

#include <deque>
#include <memory>
#include <string>

#include "connector/base/error.h"
#include "connector/base/fake_random.h"
#include "connector/delivery/gate.h"
#include "gtest/gtest.h"

namespace connector::delivery {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

config::CallLimits PerMinute(int writes, int reads) {
  config::CallLimits limits;
  limits.writes_per_minute = writes;
  limits.reads_per_minute = reads;
  return limits;
}

// What trial access grants, and nothing else.
config::CallLimits PerDay(int writes, int calls) {
  config::CallLimits limits;
  limits.writes_per_day = writes;
  limits.calls_per_day = calls;
  return limits;
}

pinterest::RateLimitWindow Told(const std::string& name, int64_t limit,
                                absl::Duration length) {
  pinterest::RateLimitWindow window;
  window.name = name;
  window.limit = limit;
  window.window = length;
  return window;
}

TEST(CallPacerTest, NeverMoreThanTheLimitInAnyMinute) {
  FakeRandom random(7);
  CallPacer pacer(PerMinute(20, 0), "", kStart, nullptr);
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
  CallPacer pacer(PerMinute(5, 0), "", kStart, nullptr);
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
  CallPacer pacer(PerMinute(20, 0), "", kStart, nullptr);
  int additions = 0;
  while (pacer.TryAcquire(CallKind::kAddition, kStart).granted) ++additions;
  EXPECT_EQ(additions, 18);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_FALSE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
}

TEST(CallPacerTest, ReadsAndWritesAreCountedApart) {
  CallPacer pacer(PerMinute(1, 1), "", kStart, nullptr);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRead, kStart).granted);
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_FALSE(pacer.TryAcquire(CallKind::kRead, kStart).granted);
}

TEST(CallPacerTest, HoldsWhenPinterestAsksForIt) {
  CallPacer pacer(PerMinute(0, 0), "", kStart, nullptr);
  pacer.HoldUntil(CallKind::kAddition, kStart + absl::Seconds(30),
                  absl::UnavailableError("429"));
  const auto answer = pacer.TryAcquire(CallKind::kRemoval, kStart);
  EXPECT_EQ(answer.retry_time, kStart + absl::Seconds(30));
  EXPECT_EQ(answer.reason.message(), "429");
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRead, kStart).granted);
  EXPECT_TRUE(
      pacer.TryAcquire(CallKind::kRemoval, kStart + absl::Seconds(30)).granted);
}

TEST(CallPacerTest, TakesOverALowerLimitThatPinterestTells) {
  CallPacer pacer(PerMinute(200, 0), "", kStart, nullptr);
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
  CallPacer pacer(PerMinute(200, 0), "", kStart, nullptr);
  pinterest::RateLimitWindow window;
  window.name = "safety_net_app_id_user_id";
  window.remaining = 0;
  window.reset_after = absl::Seconds(2);
  pacer.Observe(CallKind::kRemoval, {window}, kStart);
  EXPECT_FALSE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_TRUE(
      pacer.TryAcquire(CallKind::kRemoval, kStart + absl::Seconds(2)).granted);
}

TEST(CallPacerTest, NeverMoreThanTheLimitInAnyDayWhateverRestarts) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    FakeRandom random(seed);
    std::string saved;
    const auto save = [&](const std::string& history) {
      saved = history;
      return absl::OkStatus();
    };
    const config::CallLimits limits = PerDay(30, 70);
    auto pacer = std::make_unique<CallPacer>(limits, "", kStart, save);
    std::deque<absl::Time> writes;
    std::deque<absl::Time> calls;
    absl::Time now = kStart;
    int total_writes = 0;
    while (now < kStart + absl::Hours(24 * 10)) {
      now += absl::Seconds(random.Next() % 1200);
      if (random.Next() % 10 == 0) {
        pacer = std::make_unique<CallPacer>(limits, saved, now, save);
      }
      static constexpr CallKind kKinds[] = {CallKind::kRead, CallKind::kRemoval,
                                            CallKind::kAddition};
      const CallKind kind = kKinds[random.Next() % 3];
      const auto answer = pacer->TryAcquire(kind, now);
      if (!answer.granted) {
        EXPECT_GT(answer.retry_time, now);
        EXPECT_FALSE(answer.reason.ok());
        continue;
      }
      for (auto* made : {&writes, &calls}) {
        if (made == &writes && kind == CallKind::kRead) continue;
        made->push_back(now);
        while (made->front() <= now - absl::Hours(24)) made->pop_front();
      }
      total_writes += kind != CallKind::kRead;
      ASSERT_LE(writes.size(), 30u) << "seed " << seed;
      ASSERT_LE(calls.size(), 70u) << "seed " << seed;
    }
    // And the limit is used, but for what the marks err by.
    EXPECT_GT(total_writes, 250) << "seed " << seed;
  }
}

TEST(CallPacerTest, ATenthOfTheDayIsForRemovals) {
  CallPacer pacer(PerDay(300, 1000), "", kStart, nullptr);
  int additions = 0;
  while (pacer.TryAcquire(CallKind::kAddition, kStart).granted) ++additions;
  EXPECT_EQ(additions, 270);
  int reads = 0;
  while (pacer.TryAcquire(CallKind::kRead, kStart).granted) ++reads;
  EXPECT_EQ(reads, 630);
  int removals = 0;
  while (pacer.TryAcquire(CallKind::kRemoval, kStart).granted) ++removals;
  EXPECT_EQ(removals, 30);
  const auto answer = pacer.TryAcquire(CallKind::kRemoval, kStart);
  EXPECT_EQ(GetErrorDetail(answer.reason).reason, "DAILY_CALLS_USED_UP");
  EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, answer.retry_time).granted);
}

TEST(CallPacerTest, NoCallWhoseCountIsNotSaved) {
  CallPacer pacer(PerDay(300, 1000), "", kStart, [](const std::string&) {
    return absl::UnavailableError("disk");
  });
  const auto answer = pacer.TryAcquire(CallKind::kAddition, kStart);
  EXPECT_FALSE(answer.granted);
  EXPECT_GT(answer.retry_time, kStart);
}

TEST(CallPacerTest, ADailyLimitThatPinterestTellsIsRemembered) {
  std::string saved;
  const auto save = [&](const std::string& history) {
    saved = history;
    return absl::OkStatus();
  };
  CallPacer before(PerMinute(0, 0), "", kStart, save);
  EXPECT_TRUE(before.TryAcquire(CallKind::kRemoval, kStart).granted);
  before.Observe(CallKind::kRemoval,
                 {Told("ads_write_app_id_user_id", 3, absl::Hours(24))},
                 kStart);
  EXPECT_TRUE(before.TryAcquire(CallKind::kRemoval, kStart).granted);
  CallPacer after(PerMinute(0, 0), saved, kStart, save);
  EXPECT_TRUE(after.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_FALSE(after.TryAcquire(CallKind::kRemoval, kStart).granted);
  EXPECT_TRUE(after.TryAcquire(CallKind::kRead, kStart).granted);
}

TEST(CallPacerTest, AHistoryThatDoesNotReadCountsAsNone) {
  for (const char* history :
       {"x", "2 86400", "2 86400 0,1:2", "9 86400 0", "2 -1 0", "2 86400 -5",
        "2 86400 0,99999999999999999999:1:1", "\n\n 2"}) {
    CallPacer pacer(PerDay(2, 0), history, kStart, nullptr);
    EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
    EXPECT_TRUE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
    EXPECT_FALSE(pacer.TryAcquire(CallKind::kRemoval, kStart).granted);
  }
}

TEST(CallPacerTest, KeepsTheLimitOfASecondThatPinterestTells) {
  CallPacer pacer(PerMinute(0, 0), "", kStart, nullptr);
  pacer.Observe(CallKind::kRead,
                {Told("safety_net_app_id_user_id", 4, absl::Seconds(1))},
                kStart);
  absl::Time now = kStart;
  std::deque<absl::Time> granted;
  for (int i = 0; i < 400; ++i) {
    const auto answer =
        pacer.TryAcquire(i % 2 ? CallKind::kRead : CallKind::kRemoval, now);
    if (!answer.granted) {
      now = answer.retry_time;
      continue;
    }
    granted.push_back(now);
    while (granted.front() <= now - absl::Seconds(1)) granted.pop_front();
    ASSERT_LE(granted.size(), 4u);
    now += absl::Milliseconds(1);
  }
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
