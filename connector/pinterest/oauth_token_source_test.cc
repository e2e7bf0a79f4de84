#include "connector/pinterest/oauth_token_source.h"

#include <thread>

#include "absl/synchronization/notification.h"
#include "connector/base/error.h"
#include "connector/pinterest/login_world.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

using OldToken = FakeEndpoint::OldToken;
using Fault = FakeEndpoint::Fault;
using testing::HasSubstr;

std::string ReasonOf(const absl::Status& status) {
  return GetErrorDetail(status).reason;
}

TEST(OAuthTokenSourceTest, TheFirstTokenComesFromTheOperatorsFile) {
  LoginWorld world;
  world.LogIn();
  auto token = world.source().AccessToken();
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(*token, "pina_1");
  ASSERT_EQ(world.Requests(), 1);
  const HttpRequest request = world.endpoint().requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://api.pinterest.example/v5/oauth/token");
  EXPECT_EQ(request.body,
            "grant_type=refresh_token&refresh_token=pinr_login1"
            "&continuous_refresh=true");
  EXPECT_EQ(request.headers[0].second,
            "Basic " + absl::Base64Escape("1234:s3cr3t-of-the-app"));
  ASSERT_TRUE(world.Stored().has_value());
  EXPECT_EQ(world.Stored()->refresh_token, "pinr_1");
  // Once is enough.
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  EXPECT_EQ(world.Requests(), 1);
}

TEST(OAuthTokenSourceTest, RefreshesAtHalfLifeWithTheRotatedToken) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  world.clock().Advance(absl::Hours(15 * 24) - absl::Seconds(1));
  world.source().RefreshIfDue();
  EXPECT_EQ(world.Requests(), 1);
  world.clock().Advance(absl::Seconds(1));
  world.source().RefreshIfDue();
  ASSERT_EQ(world.Requests(), 2);
  EXPECT_THAT(world.endpoint().requests()[1].body, HasSubstr("=pinr_1&"));
  EXPECT_EQ(*world.source().AccessToken(), "pina_2");
}

TEST(OAuthTokenSourceTest, ARestartGoesOnWithWhatIsStored) {
  LoginWorld world;
  world.endpoint().old_token = OldToken::kDiesAtOnce;
  world.LogIn();
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  world.Restart(/*power_cut=*/true);
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  EXPECT_EQ(world.Requests(), 1);
  const OAuthState state = world.source().State();
  EXPECT_EQ(*state.last_refresh_time, world.clock().Now());
  EXPECT_EQ(*state.refresh_token_expire_time,
            world.clock().Now() + absl::Hours(60 * 24));
  world.clock().Advance(absl::Hours(20 * 24));
  world.source().RefreshIfDue();
  EXPECT_EQ(*world.source().AccessToken(), "pina_2");
}

TEST(OAuthTokenSourceTest, TheNewTokenIsNotUsedBeforeItIsDurable) {
  LoginWorld world;
  world.endpoint().old_token = OldToken::kDiesAtOnce;
  world.LogIn();
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  world.clock().Advance(absl::Hours(16 * 24));
  // The space is there, but then nothing works any more.
  world.endpoint().on_request = [&] { world.files().broken = true; };
  world.source().RefreshIfDue();
  EXPECT_EQ(world.Requests(), 2);
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  EXPECT_EQ(ReasonOf(world.source().State().problem), "TOKENS_NOT_STORED");
  // Nothing more is asked for meanwhile.
  world.clock().Advance(absl::Hours(2));
  world.source().RefreshIfDue();
  EXPECT_EQ(world.Requests(), 2);
  world.files().broken = false;
  world.clock().Advance(absl::Hours(2));
  world.source().RefreshIfDue();
  EXPECT_EQ(world.Requests(), 2);
  EXPECT_EQ(*world.source().AccessToken(), "pina_2");
  EXPECT_TRUE(world.source().State().problem.ok());
}

TEST(OAuthTokenSourceTest, WithoutSpaceForNewTokensNoneAreAskedFor) {
  LoginWorld world;
  world.LogIn();
  world.files().broken = true;
  const absl::Status status = world.source().AccessToken().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(GetErrorDetail(status).retry_delay.has_value());
  EXPECT_EQ(world.Requests(), 0);
}

TEST(OAuthTokenSourceTest, WhileTheEndpointIsDownTheGoodTokenStaysInUse) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  world.clock().Advance(absl::Hours(16 * 24));
  world.endpoint().status = 503;
  // Every second for three hours: the tries get fewer.
  for (int i = 0; i < 3 * 3600; ++i) {
    world.source().RefreshIfDue();
    world.clock().Advance(absl::Seconds(1));
    ASSERT_EQ(*world.source().AccessToken(), "pina_1");
  }
  EXPECT_GE(world.Requests(), 6);
  EXPECT_LE(world.Requests(), 14);
  EXPECT_EQ(ReasonOf(world.source().State().problem), "REFRESH_FAILED");
  world.endpoint().status = 200;
  world.clock().Advance(absl::Hours(1));
  world.source().RefreshIfDue();
  EXPECT_EQ(*world.source().AccessToken(), "pina_2");
  EXPECT_TRUE(world.events().back().status.ok());
  EXPECT_TRUE(world.events().back().mended);
}

TEST(OAuthTokenSourceTest, WithoutATokenItIsTriedSoonAndCallersAreToldToWait) {
  LoginWorld world;
  world.LogIn();
  world.endpoint().status = 503;
  const absl::Status first = world.source().AccessToken().status();
  EXPECT_EQ(first.code(), absl::StatusCode::kUnavailable);
  EXPECT_LE(*GetErrorDetail(first).retry_delay, absl::Seconds(1));
  // At once again: nobody is called.
  EXPECT_FALSE(world.source().AccessToken().ok());
  EXPECT_EQ(world.Requests(), 1);
  for (int i = 0; i < 600; ++i) {
    world.clock().Advance(absl::Seconds(1));
    world.source().AccessToken().status().IgnoreError();
  }
  EXPECT_LE(world.Requests(), 30);
  EXPECT_GE(world.Requests(), 12);
  world.endpoint().status = 200;
  world.clock().Advance(absl::Minutes(1));
  EXPECT_TRUE(world.source().AccessToken().ok());
}

TEST(OAuthTokenSourceTest, ADeadLoginPausesOnlyWhenTheAccessTokenEnds) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  world.endpoint().RevokeAll();
  world.clock().Advance(absl::Hours(16 * 24));
  world.source().RefreshIfDue();
  const OAuthState state = world.source().State();
  EXPECT_EQ(state.problem.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(state.problem), "REFRESH_TOKEN_REFUSED");
  EXPECT_THAT(std::string(state.problem.message()),
              HasSubstr("audiencectl login"));
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  EXPECT_TRUE(world.source().Check().ok());
  world.clock().Advance(absl::Hours(14 * 24));
  const absl::Status paused = world.source().AccessToken().status();
  EXPECT_EQ(paused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(paused.message()), HasSubstr("audiencectl login"));
  EXPECT_FALSE(world.source().Check().ok());
  // A login mends it at the next look.
  world.LogIn();
  world.source().RefreshIfDue();
  EXPECT_TRUE(world.source().AccessToken().ok());
  EXPECT_TRUE(world.source().State().problem.ok());
  EXPECT_TRUE(world.events().back().mended);
}

TEST(OAuthTokenSourceTest, ADeadLoginIsTriedAgainOnceAnHour) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  world.clock().Advance(absl::Hours(16 * 24));
  world.endpoint().fault = Fault::kRefused;  // 400 to everything
  for (int i = 0; i < 3 * 3600; ++i) {
    world.source().RefreshIfDue();
    world.clock().Advance(absl::Seconds(1));
  }
  // Each time the stored token and, as the last resort, the operator's.
  EXPECT_EQ(world.Requests(), 1 + 3 * 2);
  world.endpoint().fault = Fault::kNone;
  world.clock().Advance(absl::Hours(1));
  world.source().RefreshIfDue();
  EXPECT_EQ(*world.source().AccessToken(), "pina_2");
}

TEST(OAuthTokenSourceTest, TheOperatorsFileWinsWhenItsContentChanged) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  world.source().RefreshIfDue();
  EXPECT_EQ(world.Requests(), 1);
  world.LogIn();
  world.source().RefreshIfDue();
  ASSERT_EQ(world.Requests(), 2);
  EXPECT_THAT(world.endpoint().requests()[1].body, HasSubstr("pinr_login2"));
  EXPECT_EQ(*world.source().AccessToken(), "pina_2");
  // Over a restart it is the same content.
  world.Restart();
  world.source().RefreshIfDue();
  EXPECT_EQ(world.Requests(), 2);
  // Also when it changed while nobody looked.
  world.LogIn();
  world.Restart();
  world.source().RefreshIfDue();
  EXPECT_THAT(world.endpoint().requests().back().body,
              HasSubstr("pinr_login3"));
}

TEST(OAuthTokenSourceTest, ABadFileDoesNotEndTheLoginThatWorks) {
  LoginWorld world;
  world.endpoint().old_token = OldToken::kDiesAtOnce;
  world.LogIn();
  world.source().RefreshIfDue();
  world.WriteSecret("refresh", "pinr_garbage");
  world.source().RefreshIfDue();
  EXPECT_EQ(world.Requests(), 3);  // the new one, then the stored one
  EXPECT_EQ(*world.source().AccessToken(), "pina_2");
  EXPECT_EQ(ReasonOf(world.source().State().problem), "REFRESH_TOKEN_REFUSED");
  // Not again and again.
  for (int i = 0; i < 100; ++i) {
    world.clock().Advance(absl::Hours(1));
    world.source().RefreshIfDue();
  }
  EXPECT_EQ(world.Requests(), 3);
  // Nor is a file that went away a reason to stop.
  world.LogIn();
  world.source().RefreshIfDue();
  EXPECT_TRUE(world.source().State().problem.ok());
}

TEST(OAuthTokenSourceTest, ANewAppSecretIsTriedAndTheOldOneKeptUntilItWorks) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  world.endpoint().status = 401;
  world.WriteSecret("app-secret", "typed wrong");
  world.source().RefreshIfDue();
  EXPECT_FALSE(world.source().State().problem.ok());
  world.WriteSecret("app-secret", "typedwrong");
  world.source().RefreshIfDue();
  EXPECT_EQ(ReasonOf(world.source().State().problem), "APP_REFUSED");
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  // A restart with the wrong secret cannot open the tokens, and harms nothing.
  world.Restart();
  world.source().RefreshIfDue();
  EXPECT_THAT(std::string(world.source().State().problem.message()),
              HasSubstr("cannot be opened"));
  world.endpoint().status = 200;
  world.WriteSecret("app-secret", "s3cr3t-of-the-app");
  world.source().RefreshIfDue();
  EXPECT_TRUE(world.source().State().problem.ok());
  EXPECT_EQ(world.Stored()->refresh_token, "pinr_1");
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
}

TEST(OAuthTokenSourceTest, WithoutALoginItSaysHowToGetOne) {
  LoginWorld world;
  const absl::Status status = world.source().AccessToken().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("audiencectl login"));
  EXPECT_EQ(world.Requests(), 0);
  world.LogIn();
  world.source().RefreshIfDue();
  EXPECT_TRUE(world.source().AccessToken().ok());
}

TEST(OAuthTokenSourceTest, ARefusedTokenIsReplacedByOneRefresh) {
  LoginWorld world;
  world.LogIn();
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  EXPECT_EQ(*world.source().AnotherToken("pina_1"), "pina_2");
  // Who comes late with the first one needs no refresh.
  EXPECT_EQ(*world.source().AnotherToken("pina_1"), "pina_2");
  EXPECT_EQ(world.Requests(), 2);
  // A new one that is refused as well: more of them would not help.
  EXPECT_FALSE(world.source().AnotherToken("pina_2").ok());
  EXPECT_EQ(world.Requests(), 2);
  // Later it may.
  world.clock().Advance(absl::Minutes(6));
  EXPECT_EQ(*world.source().AnotherToken("pina_2"), "pina_3");
}

TEST(OAuthTokenSourceTest, ARefusedTokenOfADeadLoginSaysWhatToDo) {
  LoginWorld world;
  world.LogIn();
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  world.endpoint().RevokeAll();
  const absl::Status status = world.source().AnotherToken("pina_1").status();
  EXPECT_EQ(ReasonOf(status), "REFRESH_TOKEN_REFUSED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("audiencectl login"));
  // It may have been Pinterest's mistake: the token stays in use.
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
}

TEST(OAuthTokenSourceTest, EightThreadsWithARefusedTokenMakeOneRefresh) {
  LoginWorld world;
  world.LogIn();
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  absl::Notification under_way;
  absl::Notification go_on;
  world.endpoint().on_request = [&] {
    under_way.Notify();
    go_on.WaitForNotification();
  };
  std::vector<std::thread> threads;
  std::vector<std::string> tokens(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      auto token = world.source().AnotherToken("pina_1");
      tokens[i] = token.ok() ? *token : token.status().ToString();
    });
  }
  under_way.WaitForNotification();
  // Nobody else has to wait for it.
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  go_on.Notify();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(tokens, testing::Each("pina_2"));
  EXPECT_EQ(world.Requests(), 2);
}

TEST(OAuthTokenSourceTest, ManyThreadsWithoutATokenMakeOneRefresh) {
  LoginWorld world;
  world.LogIn();
  std::vector<std::thread> threads;
  std::vector<std::string> tokens(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      auto token = world.source().AccessToken();
      tokens[i] = token.ok() ? *token : token.status().ToString();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(tokens, testing::Each("pina_1"));
  EXPECT_EQ(world.Requests(), 1);
}

TEST(OAuthTokenSourceTest, WarnsWhenTheRefreshTokenEndsWithinThirtyDays) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  world.clock().Advance(absl::Hours(31 * 24));
  EXPECT_EQ(ReasonOf(world.source().State().problem),
            "REFRESH_TOKEN_ENDS_SOON");
  world.source().RefreshIfDue();
  EXPECT_TRUE(world.source().State().problem.ok());
}

TEST(OAuthTokenSourceTest, ForgettingTakesTheStoredTokensAway) {
  LoginWorld world;
  world.LogIn();
  world.source().RefreshIfDue();
  ASSERT_TRUE(world.Stored().has_value());
  EXPECT_TRUE(world.source().Forget().ok());
  EXPECT_FALSE(world.Stored().has_value());
  EXPECT_EQ(ReasonOf(world.source().AccessToken().status()), "NO_LOGIN");
}

TEST(OAuthTokenSourceTest, NoMessageHoldsASecret) {
  for (const int status : {200, 400, 401, 403, 429, 500, 302}) {
    for (const Fault fault : {Fault::kNone, Fault::kRefused, Fault::kLostAnswer,
                              Fault::kUnreadable}) {
      LoginWorld world;
      world.LogIn();
      world.endpoint().status = status;
      world.endpoint().fault = fault;
      std::string said = world.source().AccessToken().status().ToString();
      for (const OAuthEvent& event : world.events()) {
        absl::StrAppend(&said, event.status.ToString(),
                        event.state.problem.ToString());
      }
      EXPECT_FALSE(absl::StrContains(said, "pinr_")) << said;
      EXPECT_FALSE(absl::StrContains(said, "pina_")) << said;
      EXPECT_FALSE(absl::StrContains(said, "s3cr3t")) << said;
    }
  }
}

// Random histories of refreshes, uses, failures of the endpoint and of the
// disk, and deaths at every step. At the end the login works, as long as the
// endpoint still honours a token that the process had durably or has in memory.
TEST(OAuthTokenSourceTest, NoHistoryLosesALoginThatCouldBeKept) {
  const char* histories_text = getenv("HISTORIES");
  const int histories = histories_text == nullptr ? 150 : atoi(histories_text);
  int lost_logins = 0;
  for (int seed = 1; seed <= histories; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    LoginWorld world(static_cast<uint64_t>(seed));
    FakeRandom& random = world.random();
    FakeEndpoint& endpoint = world.endpoint();
    const auto one_in = [&](uint64_t n) { return random.Next() % n == 0; };
    const OldToken mode = static_cast<OldToken>(random.Next() % 3);
    endpoint.old_token = mode;
    world.LogIn();
    bool lost = false;
    // A token given out is lost when its answer does not come, or when the
    // process dies before it is durable.
    const auto look = [&](bool died, int lost_answers_before) {
      const auto stored = world.Stored();
      const bool durable =
          stored.has_value() && stored->refresh_token == endpoint.pending;
      if (endpoint.pending.empty() || durable) return;
      if (died || endpoint.lost_answers > lost_answers_before) lost = true;
    };
    for (int step = 0; step < 60; ++step) {
      endpoint.status = one_in(6) ? 503 : 200;
      endpoint.fault = one_in(6)    ? Fault::kLostRequest
                       : one_in(12) ? Fault::kLostAnswer
                                    : Fault::kNone;
      world.files().fail_one_in = one_in(4) ? 3 : 0;
      if (one_in(5)) world.steps().die_at = static_cast<int>(random.Next() % 9);
      const int lost_before = endpoint.lost_answers;
      const std::string pending_before = endpoint.pending;
      std::string token;
      switch (random.Next() % 6) {
        case 0:
        case 1:
        case 2:
          world.source().RefreshIfDue();
          break;
        case 3:
          world.clock().Advance(absl::Hours(1 + random.Next() % 240));
          break;
        case 4: {
          auto got = world.source().AccessToken();
          if (got.ok() && one_in(2)) got = world.source().AnotherToken(*got);
          if (got.ok()) token = *got;
          break;
        }
        case 5:
          if (one_in(10)) {
            world.LogIn();
            lost = false;
            endpoint.pending.clear();
          }
          break;
      }
      const bool died = world.steps().dead;
      if (!token.empty() && !died) {
        const auto stored = world.Stored();
        ASSERT_TRUE(stored.has_value());
        ASSERT_EQ(stored->access_token, token) << "used before it was durable";
        ASSERT_TRUE(endpoint.Use(token));
      }
      look(died, lost_before);
      if (died || one_in(15)) {
        if (!died) look(true, lost_before);
        world.Restart(/*power_cut=*/one_in(2));
      } else {
        world.steps() = StepCounter();
      }
    }
    // All is well again.
    endpoint.status = 200;
    endpoint.fault = Fault::kNone;
    world.files().fail_one_in = 0;
    world.steps() = StepCounter();
    for (int i = 0; i < 40; ++i) {
      world.clock().Advance(absl::Hours(24));
      world.source().RefreshIfDue();
    }
    auto token = world.source().AccessToken();
    if (mode == OldToken::kDiesAtOnce && lost) {
      ++lost_logins;
    } else {
      ASSERT_TRUE(token.ok()) << token.status();
      ASSERT_TRUE(endpoint.Use(*token));
      ASSERT_TRUE(world.source().State().problem.ok());
    }
    // And a new login mends whatever there was.
    world.LogIn();
    world.source().RefreshIfDue();
    token = world.source().AccessToken();
    ASSERT_TRUE(token.ok()) << token.status();
    ASSERT_TRUE(world.source().State().problem.ok())
        << world.source().State().problem;
  }
  // The hard case was there, and did not become the rule.
  EXPECT_GT(lost_logins, 0);
  RecordProperty("lost_logins", lost_logins);
}

// The window that nothing can close: the endpoint let the old token die at
// once, and the process died before it had the new one. The earlier access
// token carries on.
TEST(OAuthTokenSourceTest, DeathBetweenRotationAndStoreLeavesTheAccessToken) {
  LoginWorld world;
  world.endpoint().old_token = OldToken::kDiesAtOnce;
  world.LogIn();
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  world.clock().Advance(absl::Hours(15 * 24));
  // Write, sync, request, answer: dies as it writes the new tokens.
  world.steps() = StepCounter();
  world.steps().die_at = 4;
  world.source().RefreshIfDue();
  ASSERT_TRUE(world.steps().dead);
  EXPECT_EQ(world.Requests(), 2);
  world.Restart(/*power_cut=*/true);
  world.source().RefreshIfDue();
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
  EXPECT_EQ(ReasonOf(world.source().State().problem), "REFRESH_TOKEN_REFUSED");
  world.clock().Advance(absl::Hours(14 * 24));
  EXPECT_EQ(*world.source().AccessToken(), "pina_1");
}

}  // namespace
}  // namespace connector::pinterest
