// Every way in which Pinterest can fail for longer, over real connections: who
// is stopped and who is not, what the status says, that there is no storm of
// calls, and that afterwards everything is where it belongs by itself.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/failures/failure_world.h"

namespace failures {
namespace {

// How far a failure reaches.
enum class Reach {
  kList,        // one list
  kAccount,     // all of one ad account
  kCredential,  // all of one credential
};

struct Outage {
  const char* name;
  // Of the fault.
  const char* action;
  Reach reach;
  // What stands while it lasts: of the list, or of the gate above it. Empty:
  // it may be waiting or about to be tried.
  const char* state;
  const char* reason;
  // Most calls to Pinterest that the failing lists may make in an hour.
  int calls_an_hour;
  // How long it lasts; an hour unless the calls take real time.
  int minutes = 60;
};

std::ostream& operator<<(std::ostream& out, const Outage& outage) {
  return out << outage.name;
}

// At most one probe per interval for everyone who waits at the gate; before it
// closes, and after a probe, a few more.
constexpr int kEvery30Seconds = 120 + 20;
constexpr int kEveryMinute = 60 + 20;
constexpr int kEvery5Minutes = 12 + 6;
constexpr int kEvery30Minutes = 2 + 4;

const Outage kOutages[] = {
    // The server's own delay: 20 seconds. One call each for additions and
    // removals of the two accounts.
    {"RateLimitedWithTheLiveHeaders",
     R"({"status": 429, "ratelimit": "exhausted", "ratelimit_reset_s": 20})",
     Reach::kCredential, "RETRYING", "PINTEREST_RATE_LIMITED", 3 * 180 + 20},
    {"RateLimitedWithRetryAfter",
     R"({"status": 429, "headers": {"Retry-After": "120"},
         "ratelimit": "none"})",
     Reach::kCredential, "RETRYING", "PINTEREST_RATE_LIMITED", 3 * 30 + 10},
    // Full jitter up to a minute.
    {"RateLimitedWithoutAHint", R"({"status": 429, "ratelimit": "none"})",
     Reach::kCredential, "RETRYING", "PINTEREST_RATE_LIMITED", 3 * 150},
    {"SpamBlock",
     R"({"status": 429,
         "body": {"code": 8, "message": "This looks like spam."}})",
     Reach::kCredential, "BLOCKED", "PINTEREST_SPAM_BLOCKED", kEvery30Minutes},
    {"Answers500", R"({"status": 500})", Reach::kCredential, "BLOCKED",
     "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"Answers502", R"({"status": 502})", Reach::kCredential, "BLOCKED",
     "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"Answers503", R"({"status": 503})", Reach::kCredential, "BLOCKED",
     "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"Answers504", R"({"status": 504})", Reach::kCredential, "BLOCKED",
     "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"Answers504AndDoesIt", R"({"status": 504, "applied": true})",
     Reach::kCredential, "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"Answers408", R"({"status": 408})", Reach::kCredential, "BLOCKED",
     "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"ConnectionRefused", "refused", Reach::kCredential, "BLOCKED",
     "PINTEREST_RETRYABLE", 0},
    {"ClosedBeforeItIsDone", R"({"drop_before": true})", Reach::kCredential,
     "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"ClosedAfterItIsDone", R"({"drop_after": true})", Reach::kCredential,
     "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"ResetBeforeItIsDone", R"({"drop_before": true, "reset": true})",
     Reach::kCredential, "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"ResetAfterItIsDone", R"({"drop_after": true, "reset": true})",
     Reach::kCredential, "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"TimeOutAfterItIsDone", R"({"delay_after_ms": 900})", Reach::kCredential,
     "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds, 2},
    {"TimeOutBeforeItIsDone", R"({"delay_before_ms": 900})", Reach::kCredential,
     "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds, 2},
    {"DoneLongAfter", R"({"apply_late_ms": 200000})", Reach::kCredential,
     "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"Answers504AndDoesItLongAfter",
     R"({"status": 504, "apply_late_ms": 100000})", Reach::kCredential,
     "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"AnswerCutInTheMiddle", R"({"truncate_body": 20})", Reach::kCredential,
     "BLOCKED", "PINTEREST_RETRYABLE", kEvery30Seconds},
    {"AnswerIsNotJson", R"({"not_json": true})", Reach::kList, "BLOCKED",
     "PINTEREST_UNEXPECTED", kEvery5Minutes},
    {"Answers401", R"({"status": 401})", Reach::kCredential, "BLOCKED",
     "PINTEREST_UNAUTHORIZED", kEveryMinute},
    {"Answers403", R"({"status": 403})", Reach::kAccount, "BLOCKED",
     "PINTEREST_FORBIDDEN", kEvery5Minutes},
    {"Answers404OfTheList", R"({"status": 404})", Reach::kList, "BLOCKED",
     "PINTEREST_NOT_FOUND", kEvery5Minutes},
    {"Answers405", R"({"status": 405})", Reach::kList, "BLOCKED",
     "PINTEREST_UNEXPECTED", kEvery5Minutes},
    {"Answers409", R"({"status": 409})", Reach::kList, "BLOCKED",
     "PINTEREST_UNEXPECTED", kEvery5Minutes},
    {"Answers422", R"({"status": 422})", Reach::kList, "BLOCKED",
     "PINTEREST_UNEXPECTED", kEvery5Minutes},
    // Halved at most so often in a pass, and a pass every five minutes.
    {"Answers400ToEverything", R"({"status": 400})", Reach::kList, "BLOCKED",
     "", 13 * 70},
    // Down to one record, once; then it is the list's own trouble.
    {"Answers413ToEverything", R"({"status": 413})", Reach::kList, "BLOCKED",
     "PINTEREST_TOO_LARGE", kEvery5Minutes + 10},
};

class OutageTest : public testing::TestWithParam<Outage> {
 protected:
  // Lets the failure begin, for writes of what it reaches.
  void Begin(FailureWorld& world, const std::string& list_id) {
    const Outage& outage = GetParam();
    if (std::string(outage.action) == "refused") {
      world.RefuseConnections(true);
      return;
    }
    for (const char* method : {"POST", "PATCH"}) {
      std::string match = absl::StrCat(R"({"method": ")", method, R"(")");
      switch (outage.reach) {
        case Reach::kList:
          absl::StrAppend(&match, R"(, "list_id": ")", list_id, R"("})");
          break;
        case Reach::kAccount:
          absl::StrAppend(&match, R"(, "ad_account": ")", FailureWorld::kFirst,
                          R"("})");
          break;
        case Reach::kCredential:
          absl::StrAppend(&match, R"(, "path": "ad_accounts/()",
                          FailureWorld::kFirst, "|", FailureWorld::kSecond,
                          R"()/"})");
          break;
      }
      world.AddFault(absl::StrCat(R"({"match": )", match, R"(, "action": )",
                                  outage.action, "}"));
    }
  }

  void End(FailureWorld& world) {
    world.pinterest().ClearFaults();
    world.RefuseConnections(false);
  }

  static FailureWorld::Options WorldOptions() {
    FailureWorld::Options options;
    if (GetParam().minutes < 60) options.call_timeout = absl::Milliseconds(300);
    return options;
  }

  void ExpectStanding(FailureWorld& world) {
    const Outage& outage = GetParam();
    const FailureWorld::Condition expected{outage.state, outage.reason};
    if (expected.state.empty()) return;
    FailureWorld::Condition standing;
    switch (outage.reach) {
      case Reach::kList:
        standing = world.OfList(FailureWorld::kFirst, "a");
        break;
      case Reach::kAccount:
        standing = world.OfDestination(FailureWorld::kFirst);
        break;
      case Reach::kCredential:
        standing = std::string(outage.state) == "RETRYING"
                       ? world.OfList(FailureWorld::kFirst, "a")
                       : world.OfCredential("main");
        break;
    }
    EXPECT_EQ(standing.state, expected.state);
    if (!expected.reason.empty()) {
      EXPECT_EQ(standing.reason, expected.reason);
    }
  }
};

TEST_P(OutageTest, StopsWhomItReachesAndIsMadeGoodAfterwards) {
  const Outage& outage = GetParam();
  FailureWorld world(WorldOptions());
  for (const char* account :
       {FailureWorld::kFirst, FailureWorld::kSecond, FailureWorld::kOther}) {
    world.Commit(account, "a", 1, 50, true);
  }
  world.Commit(FailureWorld::kFirst, "b", 1, 50, true);
  ASSERT_TRUE(world.RunUntilQuiet());
  world.ExpectConverged();

  Begin(world, world.ListId(FailureWorld::kFirst, "a"));
  world.pinterest().ClearRequests();
  const auto change = [&](int by) {
    for (const char* account :
         {FailureWorld::kFirst, FailureWorld::kSecond, FailureWorld::kOther}) {
      world.Commit(account, "a", 51 + by, 60 + by, true);
      world.Commit(account, "a", 1 + by, 3 + by, false);
    }
    world.Commit(FailureWorld::kFirst, "b", 51 + by, 60 + by, true);
  };
  change(0);
  world.RunFor(absl::Minutes(outage.minutes) / 2);
  // Exports go on being accepted; what comes back and what goes again too.
  change(5);
  world.Commit(FailureWorld::kFirst, "a", 2, 2, true);
  world.RunFor(absl::Minutes(outage.minutes) / 2);

  ExpectStanding(world);
  // The others are delivered while it lasts.
  const std::set<int> delivered = world.OnList(FailureWorld::kOther, "a");
  EXPECT_EQ(delivered.size(), 50u + 15u - 6u);
  EXPECT_EQ(world.OfCredential("other"), FailureWorld::Condition());
  if (outage.reach != Reach::kCredential) {
    EXPECT_EQ(world.OnList(FailureWorld::kSecond, "a"), delivered);
    EXPECT_EQ(world.OfCredential("main"), FailureWorld::Condition());
  }
  if (outage.reach == Reach::kList) {
    EXPECT_EQ(world.OnList(FailureWorld::kFirst, "b").size(), 65u);
    EXPECT_EQ(world.OfDestination(FailureWorld::kFirst),
              FailureWorld::Condition());
  }
  // Nothing is lost and nobody refused; what fails is pending.
  EXPECT_EQ(world.Counts(FailureWorld::kFirst, "a").settled.refused, 0);
  EXPECT_EQ(world.Counts(FailureWorld::kFirst, "a").pending(), 27);
  // No storm of calls.
  int calls = 0;
  for (const auto& request : world.pinterest().Requests()) {
    calls += request.fault != 0;
  }
  EXPECT_LE(calls, outage.calls_an_hour);
  if (outage.calls_an_hour > 0) {
    EXPECT_GE(calls, 2) << "it was not tried";
  }

  End(world);
  const absl::Time over = world.clock().Now();
  ASSERT_TRUE(world.RunUntilQuiet());
  world.ExpectConverged();
  // By itself, within the longest interval of probes, and the time after which
  // what may be done late is repeated.
  EXPECT_LE(world.clock().Now() - over, absl::Minutes(45));
}

// The same when it meets a destination that has no list yet, and a restart.
TEST_P(OutageTest, OneListIsMadeAfterwards) {
  const Outage& outage = GetParam();
  // What is said of one list only is said of none that is not there.
  const Reach reach = outage.reach;
  FailureWorld world(WorldOptions());
  if (std::string(outage.action) == "refused") {
    world.RefuseConnections(true);
  } else if (reach == Reach::kList) {
    world.AddFault(absl::StrCat(R"({"match": {"method": "POST"}, "action": )",
                                outage.action, "}"));
  } else {
    Begin(world, "");
  }
  world.Commit(FailureWorld::kFirst, "a", 1, 40, true);
  world.RunFor(absl::Minutes(outage.minutes) / 2);
  world.Restart();
  world.Commit(FailureWorld::kFirst, "a", 41, 60, true);
  world.Commit(FailureWorld::kFirst, "a", 1, 5, false);
  world.RunFor(absl::Minutes(outage.minutes) / 2);
  EXPECT_EQ(world.Counts(FailureWorld::kFirst, "a").settled.refused, 0);
  End(world);
  const absl::Time over = world.clock().Now();
  ASSERT_TRUE(world.RunUntilQuiet());
  world.ExpectConverged();
  EXPECT_LE(world.pinterest().Lists(FailureWorld::kFirst).size(), 1u);
  EXPECT_EQ(world.OnList(FailureWorld::kFirst, "a").size(), 55u);
  EXPECT_LE(world.clock().Now() - over, absl::Minutes(45));
}

INSTANTIATE_TEST_SUITE_P(All, OutageTest, testing::ValuesIn(kOutages),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace failures
