#include "simulator/rate_limiter.h"

#include <map>
#include <string>

#include "gtest/gtest.h"

namespace simulator {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

std::map<std::string, std::string> AsMap(const Headers& headers) {
  return {headers.begin(), headers.end()};
}

TEST(RateLimiterTest, HeadersHaveTheLiveForm) {
  RateLimiter limiter(RateLimits::kStandard);
  auto headers = AsMap(limiter.Take("me", "ads_read", kStart).headers);
  EXPECT_EQ(headers["x-ratelimit-limit"],
            "100, 100;w=1;name=\"safety_net_app_id_user_id\", "
            "1000;w=60;name=\"ads_read_app_id_user_id\"");
  EXPECT_EQ(headers["x-ratelimit-remaining"], "99");
  EXPECT_EQ(headers["x-ratelimit-reset"], "1");
}

TEST(RateLimiterTest, AHundredASecondInAll) {
  RateLimiter limiter(RateLimits::kStandard);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(
        limiter.Take("me", i % 2 ? "ads_read" : "ads_write", kStart).allowed);
  }
  RateLimiter::Decision refused = limiter.Take("me", "ads_read", kStart);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(AsMap(refused.headers)["x-ratelimit-remaining"], "0");
  EXPECT_EQ(AsMap(refused.headers)["x-ratelimit-reset"], "1");
  EXPECT_TRUE(limiter.Take("other", "ads_read", kStart).allowed);
  EXPECT_TRUE(
      limiter.Take("me", "ads_read", kStart + absl::Seconds(1)).allowed);
}

TEST(RateLimiterTest, WritesAndReadsAreCountedApart) {
  RateLimiter limiter(RateLimits::kStandard);
  absl::Time now = kStart;
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(limiter.Take("me", "ads_write", now).allowed) << i;
    now += absl::Milliseconds(20);
  }
  RateLimiter::Decision refused = limiter.Take("me", "ads_write", now);
  EXPECT_FALSE(refused.allowed);
  auto headers = AsMap(refused.headers);
  EXPECT_EQ(headers["x-ratelimit-limit"].substr(0, 4), "400,");
  EXPECT_EQ(headers["x-ratelimit-reset"], "52");
  EXPECT_TRUE(limiter.Take("me", "ads_read", now).allowed);
  EXPECT_FALSE(
      limiter.Take("me", "ads_write", kStart + absl::Seconds(59)).allowed);
  EXPECT_TRUE(
      limiter.Take("me", "ads_write", kStart + absl::Seconds(60)).allowed);
}

TEST(RateLimiterTest, TrialHasAFewWritesADay) {
  RateLimiter limiter(RateLimits::kTrial);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(limiter.Take("me", "ads_write", kStart).allowed);
  }
  RateLimiter::Decision refused = limiter.Take("me", "ads_write", kStart);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(AsMap(refused.headers)["x-ratelimit-reset"], "86400");
  // 1000 a day in all: 700 are left.
  for (int i = 0; i < 700; ++i) {
    ASSERT_TRUE(limiter.Take("me", "ads_read", kStart).allowed);
  }
  EXPECT_FALSE(limiter.Take("me", "org_read", kStart).allowed);
  EXPECT_TRUE(
      limiter.Take("me", "ads_write", kStart + absl::Hours(24)).allowed);
}

TEST(RateLimiterTest, OffMeansNoLimitAndNoHeaders) {
  RateLimiter limiter(RateLimits::kOff);
  for (int i = 0; i < 2000; ++i) {
    RateLimiter::Decision decision = limiter.Take("me", "ads_write", kStart);
    ASSERT_TRUE(decision.allowed);
    ASSERT_TRUE(decision.headers.empty());
  }
}

}  // namespace
}  // namespace simulator
