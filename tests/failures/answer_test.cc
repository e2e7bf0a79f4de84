// Single answers of Pinterest that ask for a behaviour of their own, over real
// connections.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "simulator/simulator.h"
#include "tests/failures/failure_world.h"

namespace failures {
namespace {

using connector::delivery::DeliveryEvent;
using Condition = FailureWorld::Condition;

constexpr const char* kFirst = FailureWorld::kFirst;
constexpr const char* kSecond = FailureWorld::kSecond;
constexpr const char* kOther = FailureWorld::kOther;

class AnswerTest : public testing::Test {
 protected:
  // A list with a hundred people, delivered.
  void MakeList() {
    world_.Commit(kFirst, "a", 1, 100, true);
    ASSERT_TRUE(world_.RunUntilQuiet());
    world_.ExpectConverged();
    world_.pinterest().ClearRequests();
  }

  FailureWorld world_;
};

TEST_F(AnswerTest, A401OnceCostsOneProbe) {
  MakeList();
  world_.AddFault(R"({"match": {"method": "PATCH"}, "times": 1,
                      "action": {"status": 401}})");
  world_.Commit(kFirst, "a", 101, 110, true);
  world_.Commit(kSecond, "a", 1, 10, true);
  const absl::Time start = world_.clock().Now();
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
  EXPECT_LE(world_.clock().Now() - start, absl::Minutes(2));
  EXPECT_EQ(world_.Calls("customer_lists/update"), 2);
}

TEST_F(AnswerTest, ATokenThatIsReplacedIsUsedAtTheNextProbe) {
  MakeList();
  ASSERT_TRUE(world_.pinterest()
                  .SetTokensJson(R"({"accept_any": false, "access_tokens": [
      {"access_token": "pina_other", "state": "valid"},
      {"access_token": "pina_main", "state": "revoked"},
      {"access_token": "pina_new", "state": "valid"}]})")
                  .ok());
  world_.Commit(kFirst, "a", 101, 110, true);
  world_.Commit(kOther, "a", 1, 10, true);
  world_.RunFor(absl::Hours(1));
  EXPECT_EQ(world_.OfCredential("main"),
            (Condition{"BLOCKED", "PINTEREST_UNAUTHORIZED"}));
  EXPECT_EQ(world_.OfCredential("other"), Condition());
  EXPECT_EQ(world_.OnList(kOther, "a").size(), 10u);
  EXPECT_EQ(world_.Counts(kFirst, "a").pending(), 10);
  world_.SetToken("token", "pina_new");
  world_.RunFor(absl::Minutes(2));
  world_.ExpectConverged();
}

TEST_F(AnswerTest, AMissingTokenStopsItsCredentialAndNothingIsSent) {
  MakeList();
  world_.SetToken("token", "two words");
  world_.Commit(kFirst, "a", 101, 110, true);
  world_.Commit(kOther, "a", 1, 10, true);
  world_.RunFor(absl::Minutes(30));
  EXPECT_EQ(world_.OfCredential("main").state, "BLOCKED");
  EXPECT_EQ(world_.Calls("", kFirst), 0);
  EXPECT_EQ(world_.OnList(kOther, "a").size(), 10u);
  world_.SetToken("token", "pina_main");
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
}

TEST(BadRecordTest, OneAmongTenThousandIsRefusedAloneAndOnce) {
  FailureWorld::Options options;
  options.max_request_records = 10'000;
  FailureWorld world(options);
  constexpr int kBad = 7'777;
  world.AddFault(absl::StrCat(R"({"match": {"contains_record": ")",
                              FailureWorld::WireText(kBad),
                              R"("}, "action": {"status": 400}})"));
  world.Commit(kFirst, "a", 1, 10'000, true);
  ASSERT_TRUE(world.RunUntilQuiet());
  const std::set<int> on_list = world.OnList(kFirst, "a");
  EXPECT_EQ(on_list.size(), 9'999u);
  EXPECT_EQ(on_list.count(kBad), 0u);
  const auto counts = world.Counts(kFirst, "a");
  EXPECT_EQ(counts.settled.delivered, 9'999);
  EXPECT_EQ(counts.settled.refused, 1);
  EXPECT_EQ(counts.pending(), 0);
  // Fourteen halvings of two requests each, and the record once more.
  EXPECT_LE(world.Calls(), 2 * 14 + 5);
  auto page = world.store().Rejections(world.Destination(kFirst), 10, "");
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->rejections.size(), 1u);
  ASSERT_TRUE(page->rejections[0].refused.has_value());
  const auto& refusal = page->rejections[0].refused->refusal;
  EXPECT_EQ(refusal.http_status, 400);
  EXPECT_NE(refusal.request_id, "");
  std::string text;
  refusal.record.view().AppendWireText(&text);
  EXPECT_EQ(text, FailureWorld::WireText(kBad));
  // Known, and so not tried again.
  world.pinterest().ClearRequests();
  world.Commit(kFirst, "a", 1, 10'000, true);
  ASSERT_TRUE(world.RunUntilQuiet());
  EXPECT_EQ(world.Calls(), 0);
}

TEST_F(AnswerTest, WhatARequestMayHoldIsLearntFrom413) {
  simulator::Switches switches = world_.pinterest().switches();
  switches.max_records_per_request = 30;
  world_.pinterest().SetSwitches(switches);
  world_.Commit(kFirst, "a", 1, 300, true);
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
  world_.pinterest().ClearRequests();
  world_.Restart();
  world_.Commit(kFirst, "a", 301, 400, true);
  world_.Commit(kFirst, "a", 1, 100, false);
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
  for (const auto& request : world_.pinterest().Requests()) {
    EXPECT_LT(request.status, 300) << "it is remembered over a restart";
    EXPECT_LE(request.record_count, 30);
  }
}

TEST_F(AnswerTest, ExceptionsOfAnyShapeAreToldAndChangeNothing) {
  MakeList();
  const std::vector<std::string> shapes = {
      R"({"error": "some records were not matched"})",
      R"(["one", {"two": [3, 4.5, true, null]}])",
      R"("a text")",
      "17",
      "true",
      R"({"records": [")" + FailureWorld::WireText(5) + R"("]})",
      R"([])",
      R"({})",
      "null"};
  size_t told = 0;
  for (size_t i = 0; i < shapes.size(); ++i) {
    world_.pinterest().ClearFaults();
    world_.AddFault(absl::StrCat(R"({"match": {"method": "PATCH"},
                                     "action": {"exceptions": )",
                                 shapes[i], "}}"));
    const int first = 200 + 10 * static_cast<int>(i);
    world_.Commit(kFirst, "a", first, first + 9, true);
    ASSERT_TRUE(world_.RunUntilQuiet()) << shapes[i];
    world_.ExpectConverged();
  }
  for (const DeliveryEvent& event : world_.events()) {
    if (event.kind != DeliveryEvent::Kind::kExceptions) continue;
    ++told;
    EXPECT_FALSE(absl::StrContains(event.message, FailureWorld::WireText(5)))
        << "a record is shown";
  }
  EXPECT_GE(told, 6u) << "those that say something";
  EXPECT_LE(told, shapes.size());
}

TEST_F(AnswerTest, CountersThatDoNotMatchChangeNothing) {
  MakeList();
  world_.AddFault(R"({"action": {"counters_off": -1000}})");
  world_.Commit(kFirst, "a", 101, 110, true);
  world_.Commit(kFirst, "a", 1, 10, false);
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
  EXPECT_EQ(world_.Calls("customer_lists/update"), 2);
}

TEST_F(AnswerTest, ARedirectIsNeverFollowedAndSoNeitherIsTheToken) {
  MakeList();
  simulator::Simulator::Options options;
  auto elsewhere = simulator::Simulator::Start(options);
  ASSERT_TRUE(elsewhere.ok());
  int person = 101;
  for (int status : {301, 302, 303, 307, 308}) {
    world_.AddFault(
        absl::StrCat(R"({"match": {"method": "PATCH"}, "action": {"status": )",
                     status, R"(, "redirect": ")", (*elsewhere)->base_url(),
                     "/ad_accounts/", kFirst, R"(/customer_lists/1"}})"));
    world_.Commit(kFirst, "a", person, person, true);
    ++person;
    world_.RunFor(absl::Minutes(30));
    EXPECT_EQ(world_.OfList(kFirst, "a"),
              (Condition{"BLOCKED", "PINTEREST_UNEXPECTED"}))
        << status;
    EXPECT_LE(world_.Calls(), 8) << status;
    world_.pinterest().ClearFaults();
    ASSERT_TRUE(world_.RunUntilQuiet());
    world_.ExpectConverged();
    world_.pinterest().ClearRequests();
  }
  EXPECT_TRUE((*elsewhere)->Requests().empty()) << "somebody else was asked";
}

TEST_F(AnswerTest, ALookupIsNotRedirectedEither) {
  simulator::Simulator::Options options;
  auto elsewhere = simulator::Simulator::Start(options);
  ASSERT_TRUE(elsewhere.ok());
  world_.AddFault(absl::StrCat(
      R"({"match": {"method": "GET"}, "action": {"redirect": ")",
      (*elsewhere)->base_url(), R"(/ad_accounts/1/customer_lists"}})"));
  world_.Commit(kFirst, "a", 1, 10, true);
  world_.RunFor(absl::Minutes(30));
  EXPECT_TRUE((*elsewhere)->Requests().empty());
  EXPECT_EQ(world_.Calls("customer_lists/create"), 0);
  world_.pinterest().ClearFaults();
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
}

// A lost answer to a creation never ends in two lists, as long as the list
// shows within the stated time, whatever happens meanwhile.
struct LostCreation {
  const char* name;
  const char* action;
  int visible_after_s;
  bool restart;
};

class LostCreationTest : public testing::TestWithParam<LostCreation> {};

TEST_P(LostCreationTest, EndsInOneList) {
  FailureWorld::Options options;
  if (absl::StrContains(GetParam().action, "delay")) {
    options.call_timeout = absl::Milliseconds(300);
  }
  FailureWorld world(options);
  simulator::Switches switches = world.pinterest().switches();
  switches.list_visible_after = absl::Seconds(GetParam().visible_after_s);
  world.pinterest().SetSwitches(switches);
  world.AddFault(absl::StrCat(
      R"({"match": {"operation": "customer_lists/create"}, "times": 1,
          "action": )",
      GetParam().action, "}"));
  world.Commit(kFirst, "a", 1, 150, true);
  world.RunFor(absl::Seconds(30));
  if (GetParam().visible_after_s > 0) {
    EXPECT_EQ(world.OfList(kFirst, "a"),
              (Condition{"RETRYING", "LIST_CREATION_UNANSWERED"}));
  }
  if (GetParam().restart) world.Restart();
  world.Commit(kFirst, "a", 1, 20, false);
  world.Commit(kFirst, "a", 151, 160, true);
  ASSERT_TRUE(world.RunUntilQuiet());
  world.ExpectConverged();
  EXPECT_EQ(world.pinterest().Lists(kFirst).size(), 1u);
  EXPECT_EQ(world.Calls("customer_lists/create"), 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, LostCreationTest,
    testing::Values(
        LostCreation{"ShowsAtOnce", R"({"drop_after": true})", 0, false},
        LostCreation{"ShowsMinutesLater", R"({"drop_after": true})", 240,
                     false},
        LostCreation{"ShowsMinutesLaterAfterARestart",
                     R"({"drop_after": true})", 240, true},
        LostCreation{"Reset", R"({"drop_after": true, "reset": true})", 120,
                     false},
        LostCreation{"GatewayGaveUp", R"({"status": 504, "applied": true})",
                     120, true},
        LostCreation{"TimedOut", R"({"delay_after_ms": 900})", 60, false},
        LostCreation{"DoneMinutesLater", R"({"apply_late_ms": 120000})", 60,
                     false},
        LostCreation{"DoneMinutesLaterAfterARestart",
                     R"({"apply_late_ms": 120000})", 60, true},
        LostCreation{"AnswerCut", R"({"truncate_body": 10})", 200, false}),
    [](const auto& info) { return info.param.name; });

// A 200 that cannot be read: the list is there, and its id is unknown.
TEST_F(AnswerTest, ACreationWhoseAnswerIsNotJsonEndsInOneList) {
  world_.AddFault(R"({"match": {"operation": "customer_lists/create"},
                      "times": 1, "action": {"not_json": true}})");
  world_.Commit(kFirst, "a", 1, 150, true);
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
  EXPECT_EQ(world_.pinterest().Lists(kFirst).size(), 1u);
  EXPECT_EQ(world_.Calls("customer_lists/create"), 1);
}

TEST_F(AnswerTest, ABudgetThatIsUsedUpIsWaitedForWithoutA429) {
  MakeList();
  world_.AddFault(R"({"match": {"method": "PATCH"}, "times": 1,
      "action": {"ratelimit": "exhausted", "ratelimit_reset_s": 20}})");
  world_.Commit(kFirst, "a", 101, 300, true);  // two requests
  ASSERT_TRUE(world_.RunUntilQuiet());
  world_.ExpectConverged();
  const auto requests = world_.pinterest().Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[1].status, 200);
  EXPECT_GE(requests[1].time - requests[0].time, absl::Seconds(19));
  EXPECT_LE(requests[1].time - requests[0].time, absl::Seconds(25));
}

}  // namespace
}  // namespace failures
