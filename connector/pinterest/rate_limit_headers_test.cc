#include "connector/pinterest/rate_limit_headers.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

// Sat, 01 Aug 2026 12:00:00 GMT.
const absl::Time kNow = absl::FromUnixSeconds(1'785'585'600);

// Recorded from Pinterest in July 2026.
constexpr char kLive[] =
    "100, 100;w=1;name=\"safety_net_app_id_user_id\", "
    "1000;w=60;name=\"ads_read_app_id_user_id\"";

TEST(RateLimitsTest, ReadsTheLiveForm) {
  const auto windows = ParseRateLimits({{"x-ratelimit-limit", kLive},
                                        {"X-RateLimit-Remaining", "99"},
                                        {"x-ratelimit-reset", "1"}},
                                       kNow);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].name, "safety_net_app_id_user_id");
  EXPECT_EQ(windows[0].limit, 100);
  EXPECT_EQ(windows[0].window, absl::Seconds(1));
  EXPECT_EQ(windows[0].remaining, 99);
  EXPECT_EQ(windows[0].reset_after, absl::Seconds(1));
  EXPECT_EQ(windows[1].name, "ads_read_app_id_user_id");
  EXPECT_EQ(windows[1].limit, 1000);
  EXPECT_EQ(windows[1].window, absl::Minutes(1));
  EXPECT_EQ(windows[1].remaining, std::nullopt);
  EXPECT_EQ(windows[1].reset_after, std::nullopt);
}

TEST(RateLimitsTest, TightestWindowIsTheOneOfTheFirstNumber) {
  const auto windows = ParseRateLimits(
      {{"x-ratelimit-limit",
        "400, 100;w=1;name=\"safety\", 400;w=60;name=\"ads_write\""},
       {"x-ratelimit-remaining", "0"},
       {"x-ratelimit-reset", "42"}},
      kNow);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].remaining, std::nullopt);
  EXPECT_EQ(windows[1].remaining, 0);
  EXPECT_EQ(windows[1].reset_after, absl::Seconds(42));
}

TEST(RateLimitsTest, OfEqualLimitsTheOneLongEnoughForTheResetIsMeant) {
  const auto windows = ParseRateLimits(
      {{"x-ratelimit-limit", "100, 100;w=1;name=\"a\", 100;w=60;name=\"b\""},
       {"x-ratelimit-remaining", "0"},
       {"x-ratelimit-reset", "30"}},
      kNow);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].reset_after, std::nullopt);
  EXPECT_EQ(windows[1].reset_after, absl::Seconds(30));
}

TEST(RateLimitsTest, OneHeaderLinePerWindowIsTheSame) {
  const auto windows =
      ParseRateLimits({{"x-ratelimit-limit", "100"},
                       {"x-ratelimit-limit", "100;w=1;name=\"a\""},
                       {"x-ratelimit-limit", "1000;w=60;name=\"b\""},
                       {"x-ratelimit-remaining", "7"}},
                      kNow);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].remaining, 7);
}

TEST(RateLimitsTest, PlainNumbersMakeAWindowWithoutName) {
  const auto windows = ParseRateLimits({{"x-ratelimit-limit", " 1000 "},
                                        {"x-ratelimit-remaining", "12"},
                                        {"x-ratelimit-reset", "1785585660"}},
                                       kNow);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0].name, "");
  EXPECT_EQ(windows[0].limit, 1000);
  EXPECT_EQ(windows[0].window, absl::ZeroDuration());
  EXPECT_EQ(windows[0].remaining, 12);
  EXPECT_EQ(windows[0].reset_after, absl::Seconds(60));
}

TEST(RateLimitsTest, ResetAloneIsKept) {
  const auto windows = ParseRateLimits({{"x-ratelimit-reset", "86399"}}, kNow);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0].limit, std::nullopt);
  EXPECT_EQ(windows[0].reset_after, absl::Seconds(86399));
}

TEST(RateLimitsTest, ResetInThePastIsNow) {
  const auto windows =
      ParseRateLimits({{"x-ratelimit-reset", "1785585599"}}, kNow);
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0].reset_after, absl::ZeroDuration());
}

TEST(RateLimitsTest, WhatCannotBeReadIsLeftOut) {
  EXPECT_TRUE(ParseRateLimits({}, kNow).empty());
  for (const char* value : {"", ",", ";;;", "-1", "abc", "1e9;w=1", "0x10",
                            "\xFF\xFE", "=", "\"", "100x;w=1;name=\"a\""}) {
    EXPECT_TRUE(ParseRateLimits({{"x-ratelimit-limit", value},
                                 {"x-ratelimit-remaining", value},
                                 {"x-ratelimit-reset", value}},
                                kNow)
                    .empty())
        << value;
  }
  const auto windows = ParseRateLimits(
      {{"x-ratelimit-limit",
        "x, 5;W=2;NAME=bare;extra=1;w, 7;w=abc;name=\"b\xFF@c.d\""}},
      kNow);
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].name, "bare");
  EXPECT_EQ(windows[0].window, absl::ZeroDuration());
  EXPECT_EQ(windows[1].name, "bc.d");
}

TEST(RateLimitsTest, HugeInputIsBounded) {
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "9;w=1;name=\"a\",";
  const auto windows =
      ParseRateLimits({{"x-ratelimit-limit", many},
                       {"x-ratelimit-remaining", std::string(500, '9')},
                       {"x-ratelimit-reset", std::string(500, '9')}},
                      kNow);
  ASSERT_EQ(windows.size(), 16u);
  EXPECT_EQ(windows[15].remaining, 1'000'000'000'000);
  EXPECT_EQ(windows[15].reset_after, absl::Hours(366 * 24));

  const auto huge =
      ParseRateLimits({{"x-ratelimit-limit",
                        "99999999999999999999999;w=99999999999999999999;"
                        "name=\"" +
                            std::string(1000, 'n') + "\""}},
                      kNow);
  ASSERT_EQ(huge.size(), 1u);
  EXPECT_EQ(huge[0].limit, 1'000'000'000'000);
  EXPECT_EQ(huge[0].window, absl::Hours(366 * 24));
  EXPECT_EQ(huge[0].name.size(), 64u);
}

TEST(RateLimitsTest, RandomBytesNeverBreakABound) {
  std::mt19937_64 random(7);
  constexpr absl::string_view kAlphabet = "0123456789;=w\"name, .-\xFF\x01GMT:";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t i = random() % 60; i > 0; --i) {
      text.push_back(random() % 4 == 0
                         ? static_cast<char>(random())
                         : kAlphabet[random() % kAlphabet.size()]);
    }
    const HttpHeaders headers = {{"x-ratelimit-limit", text},
                                 {"x-ratelimit-remaining", text},
                                 {"x-ratelimit-reset", text},
                                 {"retry-after", text}};
    for (const RateLimitWindow& window : ParseRateLimits(headers, kNow)) {
      EXPECT_LE(window.name.size(), 64u);
      EXPECT_GE(window.limit.value_or(0), 0);
      EXPECT_GE(window.remaining.value_or(0), 0);
      EXPECT_GE(window.window, absl::ZeroDuration());
      const absl::Duration reset =
          window.reset_after.value_or(absl::ZeroDuration());
      EXPECT_GE(reset, absl::ZeroDuration());
      EXPECT_LE(reset, absl::Hours(366 * 24));
    }
    const absl::Duration delay =
        ParseRetryAfter(headers, kNow).value_or(absl::ZeroDuration());
    EXPECT_GE(delay, absl::ZeroDuration());
    EXPECT_LE(delay, absl::Hours(24));
  }
}

TEST(RetryAfterTest, ReadsSecondsAndDates) {
  struct Case {
    const char* value;
    std::optional<absl::Duration> expected;
  };
  const std::vector<Case> cases = {
      {"0", absl::ZeroDuration()},
      {"120", absl::Seconds(120)},
      {"  7 ", absl::Seconds(7)},
      {"1.0", absl::Seconds(1)},
      {"1.2", absl::Seconds(2)},
      {"99999999999999999999", absl::Hours(24)},
      {"Sat, 01 Aug 2026 12:01:30 GMT", absl::Seconds(90)},
      {"Saturday, 01-Aug-26 12:01:30 GMT", absl::Seconds(90)},
      {"Sat Aug  1 12:01:30 2026", absl::Seconds(90)},
      {"Sat, 01 Aug 2026 11:00:00 GMT", absl::ZeroDuration()},
      {"Thu, 01 Jan 2099 00:00:00 GMT", absl::Hours(24)},
      {"", std::nullopt},
      {"-5", std::nullopt},
      {"soon", std::nullopt},
      {"1.", std::nullopt},
      {".5", std::nullopt},
      {"infinite-future", std::nullopt},
      {"Sat, 99 Aug 2026 12:01:30 GMT", std::nullopt},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ParseRetryAfter({{"Retry-After", c.value}}, kNow), c.expected)
        << c.value;
  }
  EXPECT_EQ(ParseRetryAfter({}, kNow), std::nullopt);
}

}  // namespace
}  // namespace connector::pinterest
