#include "simulator/faults.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "simulator/switches.h"

namespace simulator {
namespace {

using nlohmann::json;

Fault Parse(const char* text) {
  absl::StatusOr<Fault> fault = ParseFault(json::parse(text));
  EXPECT_TRUE(fault.ok()) << fault.status();
  return fault.ok() ? *fault : Fault();
}

FaultRequest Patch() {
  return {"PATCH",
          "/v5/ad_accounts/12/customer_lists/34",
          "customer_lists/update",
          "12",
          "34",
          "ADD",
          "aa,bb,cc"};
}

TEST(FaultsTest, FitsOnlyWhatItNames) {
  struct Case {
    const char* match;
    bool fits;
  };
  for (const Case& c : {
           Case{R"({})", true},
           Case{R"({"method": "PATCH"})", true},
           Case{R"({"method": "POST"})", false},
           Case{R"({"operation": "customer_lists/update"})", true},
           Case{R"({"operation": "customer_lists/create"})", false},
           Case{R"({"path": "customer_lists/[0-9]+$"})", true},
           Case{R"({"path": "^customer_lists"})", false},
           Case{R"({"ad_account": "12"})", true},
           Case{R"({"ad_account": "1"})", false},
           Case{R"({"list_id": "34"})", true},
           Case{R"({"list_id": "3"})", false},
           Case{R"({"operation_type": "ADD"})", true},
           Case{R"({"operation_type": "REMOVE"})", false},
           Case{R"({"contains_record": "bb"})", true},
           Case{R"({"contains_record": "aa"})", true},
           Case{R"({"contains_record": "cc"})", true},
           Case{R"({"contains_record": "b"})", false},
           Case{R"({"contains_record": "aa,bb"})", true},
           Case{R"({"method": "PATCH", "ad_account": "13"})", false},
       }) {
    Faults faults(1);
    json fault = {{"match", json::parse(c.match)},
                  {"action", {{"status", 500}}}};
    ASSERT_TRUE(faults.Add(Parse(fault.dump().c_str())).ok());
    EXPECT_EQ(faults.Check(Patch()).has_value(), c.fits) << c.match;
  }
}

TEST(FaultsTest, SkipsThenStrikesSoManyTimes) {
  Faults faults(1);
  int64_t id = *faults.Add(Parse(R"({"skip": 2, "times": 3, "action": {}})"));
  std::string seen;
  for (int i = 0; i < 8; ++i) seen += faults.Check(Patch()) ? 'x' : '.';
  EXPECT_EQ(seen, "..xxx...");
  json shown = faults.Inspect();
  EXPECT_EQ(shown[0]["id"], id);
  EXPECT_EQ(shown[0]["seen"], 8);
  EXPECT_EQ(shown[0]["hits"], 3);
}

TEST(FaultsTest, TheFirstThatFiresDecides) {
  Faults faults(1);
  int64_t once = *faults.Add(Parse(R"({"times": 1, "action": {}})"));
  int64_t always = *faults.Add(Parse(R"({"action": {"status": 503}})"));
  EXPECT_EQ(faults.Check(Patch())->id, once);
  EXPECT_EQ(faults.Check(Patch())->id, always);
  faults.Clear();
  EXPECT_FALSE(faults.Check(Patch()).has_value());
  EXPECT_GT(*faults.Add(Fault()), always);
}

TEST(FaultsTest, ProbabilityIsSeeded) {
  auto run = [](uint64_t seed) {
    Faults faults(seed);
    EXPECT_TRUE(
        faults.Add(Parse(R"({"probability": 0.3, "action": {}})")).ok());
    std::string seen;
    for (int i = 0; i < 1000; ++i) seen += faults.Check(Patch()) ? 'x' : '.';
    return seen;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
  std::string seen = run(5);
  EXPECT_NEAR(std::count(seen.begin(), seen.end(), 'x'), 300, 60);
}

TEST(FaultsTest, EveryMemberSurvivesARoundTrip) {
  json all = json::parse(R"({
    "match": {"method": "PATCH", "path": "x", "operation": "o",
              "ad_account": "1", "list_id": "2", "operation_type": "ADD",
              "contains_record": "r"},
    "action": {"status": 500, "body": "text", "headers": {"A": "b"},
               "applied": true, "drop_before": true, "drop_after": true,
               "reset": true, "delay_before_ms": 1.0, "delay_after_ms": 2.0,
               "apply_late_ms": 3.0, "truncate_body": 4, "not_json": true,
               "redirect": "http://x/", "exceptions": {"code": 2},
               "counters_off": -1, "ratelimit": "exhausted",
               "ratelimit_reset_s": 5.0},
    "skip": 1, "times": 2, "probability": 0.5})");
  EXPECT_EQ(ToJson(*ParseFault(all)), all);
}

TEST(FaultsTest, NamesWhatItDoesNotUnderstand) {
  for (const char* wrong :
       {R"([])", R"({})", R"({"action": []})", R"({"action": {"stat": 1}})",
        R"({"action": {"status": 99}})", R"({"action": {"status": "500"}})",
        R"({"action": {"truncate_body": -1}})",
        R"({"action": {"ratelimit": "odd"}})",
        R"({"action": {"headers": {"a": 1}}})",
        R"({"action": {"delay_before_ms": -1}})",
        R"({"action": {}, "match": {"host": "x"}})",
        R"({"action": {}, "probability": 2})", R"({"action": {}, "skip": -1})",
        R"({"action": {}, "times": -2})", R"({"action": {}, "more": 1})"}) {
    EXPECT_EQ(ParseFault(json::parse(wrong)).status().code(),
              absl::StatusCode::kInvalidArgument)
        << wrong;
  }
  Faults faults(1);
  EXPECT_FALSE(
      faults.Add(Parse(R"({"match": {"path": "("}, "action": {}})")).ok());
}

TEST(SwitchesTest, EachCanBeReadAndSet) {
  Switches switches;
  json before = ToJson(switches);
  json change = {{"list_visible_after_s", 2.5},
                 {"match_rate", 0.25},
                 {"patch_refused_while_processing", true},
                 {"max_records_per_request", 7},
                 {"too_large_status", 400},
                 {"legacy_audiences_custom", true}};
  ASSERT_TRUE(Update(change, &switches).ok());
  EXPECT_EQ(switches.list_visible_after, absl::Seconds(2.5));
  change["patch_refused_while_processing"] = 409;
  json expected = before;
  expected.update(change);
  EXPECT_EQ(ToJson(switches), expected);
  ASSERT_TRUE(Update(before, &switches).ok());
  EXPECT_EQ(ToJson(switches), before);
}

TEST(SwitchesTest, ABadOneChangesNothing) {
  Switches switches;
  json before = ToJson(switches);
  for (const json& wrong :
       std::vector<json>{{{"no_such", 1}},
                         {{"match_rate", 2}},
                         {{"match_rate", 0.5}, {"strict_records", 1}},
                         {{"list_processing_s", -1}},
                         {{"patch_refused_while_processing", 200}},
                         {{"too_large_status", 500}},
                         {{"max_body_bytes", 1.5}},
                         json::array()}) {
    EXPECT_EQ(Update(wrong, &switches).code(),
              absl::StatusCode::kInvalidArgument)
        << wrong;
    EXPECT_EQ(ToJson(switches), before);
  }
}

}  // namespace
}  // namespace simulator
