#include "simulator/audiences.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace simulator {
namespace {

using nlohmann::json;

constexpr char kAccount[] = "120123456789";

class AudiencesTest : public ::testing::Test {
 protected:
  // A list with so many records.
  std::string MakeList(int records) {
    std::string body = R"({"name": "n", "records": ")";
    for (int i = 0; i < records; ++i) absl::StrAppend(&body, "r", i, ",");
    body += "\"}";
    return lists_.Create(kAccount, parser_.Parse(body), switches_, now_)
        .body["id"];
  }
  void AddRecord(const std::string& list, const std::string& record) {
    std::string body =
        json({{"operation_type", "ADD"}, {"records", record}}).dump();
    ASSERT_EQ(
        lists_.Update(kAccount, list, parser_.Parse(body), switches_, now_)
            .status,
        200);
  }
  Answer Create(const json& body) {
    return audiences_.Create(kAccount, body, switches_, now_);
  }
  std::string CreateForList(const std::string& list) {
    return Create({{"name", "a"},
                   {"audience_type", "CUSTOMER_LIST"},
                   {"rule", {{"customer_list_id", list}}}})
        .body["id"];
  }
  json Get(const std::string& id) {
    return audiences_.Get(kAccount, id, switches_, now_).body;
  }
  Answer Patch(const std::string& id, const json& body) {
    return audiences_.Update(kAccount, id, body, switches_, now_);
  }

  CustomerLists lists_;
  Audiences audiences_{lists_};
  ListRequestParser parser_;
  Switches switches_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(AudiencesTest, ANewAudienceLooksAsSeenLive) {
  std::string list = MakeList(1);
  Answer answer = Create({{"name", "a"},
                          {"ad_account_id", kAccount},
                          {"audience_type", "CUSTOMER_LIST"},
                          {"rule", {{"customer_list_id", list}}}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, json({{"id", "2542600000001"},
                               {"ad_account_id", kAccount},
                               {"name", "a"},
                               {"audience_type", "CUSTOMER_LIST"},
                               {"description", nullptr},
                               {"rule", {{"customer_list_id", list}}},
                               {"size", 0},
                               {"status", "INITIALIZING"},
                               {"type", "audience"},
                               {"created_timestamp", 1'700'000'000},
                               {"updated_timestamp", 1'700'000'000},
                               {"created_by_company_name", nullptr},
                               {"is_nca", false}}));
}

TEST_F(AudiencesTest, LivesThroughItsStatuses) {
  std::string list = MakeList(99);
  std::string id = CreateForList(list);
  EXPECT_EQ(Get(id)["status"], "INITIALIZING");
  now_ += absl::Seconds(5);
  EXPECT_EQ(Get(id)["status"], "PROCESSING");
  EXPECT_EQ(Get(id)["size"], 0);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Get(id)["status"], "TOO_SMALL");
  EXPECT_EQ(Get(id)["size"], 99);
  AddRecord(list, "one more");
  EXPECT_EQ(Get(id)["status"], "UPDATING");
  now_ += absl::Seconds(5);
  EXPECT_EQ(Get(id)["status"], "READY");
  EXPECT_EQ(Get(id)["size"], 100);
}

TEST_F(AudiencesTest, RemovedIsArchivedOrGone) {
  std::string id = CreateForList(MakeList(1));
  EXPECT_EQ(Patch(id, {{"operation_type", "REMOVE"}}).status, 200);
  EXPECT_EQ(Get(id)["status"], "ARCHIVED");
  switches_.removed_audience_gone = true;
  EXPECT_EQ(audiences_.Get(kAccount, id, switches_, now_).status, 404);
  EXPECT_EQ(audiences_.List(kAccount, {}, switches_, now_).body["items"].size(),
            0u);
}

TEST_F(AudiencesTest, CanBeRenamedAndPointedAtAnotherList) {
  std::string id = CreateForList(MakeList(1));
  std::string other = MakeList(200);
  now_ += absl::Minutes(1);
  Answer answer = Patch(id, {{"name", "new"},
                             {"description", "d"},
                             {"rule", {{"customer_list_id", other}}}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["status"], "UPDATING");
  now_ += absl::Minutes(1);
  EXPECT_EQ(Get(id)["name"], "new");
  EXPECT_EQ(Get(id)["description"], "d");
  EXPECT_EQ(Get(id)["size"], 200);
  EXPECT_EQ(Patch(id, {{"rule", {{"customer_list_id", "1"}}}}).status, 400);
  EXPECT_EQ(Patch(id, {{"operation_type", "DELETE"}}).status, 400);
  EXPECT_EQ(Patch("1", {{"name", "x"}}).status, 404);
}

TEST_F(AudiencesTest, AnActalikeWaitsForItsSeed) {
  std::string list = MakeList(99);
  std::string seed = CreateForList(list);
  json body = {
      {"name", "like"},
      {"audience_type", "ACTALIKE"},
      {"rule", {{"seed_id", {seed}}, {"country", "US"}, {"percentage", 3}}}};
  std::string id = Create(body).body["id"];
  now_ += absl::Minutes(1);
  EXPECT_EQ(Get(seed)["status"], "TOO_SMALL");
  EXPECT_EQ(Get(id)["status"], "INITIALIZING");
  switches_.actalike_needs_ready_seed = true;
  EXPECT_EQ(Create(body).status, 400);
  AddRecord(list, "one more");
  now_ += absl::Minutes(1);
  EXPECT_EQ(Get(id)["status"], "READY");
  EXPECT_EQ(Get(id)["size"], 3'000'000);
  EXPECT_EQ(Create(body).status, 200);
}

TEST_F(AudiencesTest, ASeedThatGrowsFromItsOwnAudienceIsHarmless) {
  json rule = {{"seed_id", {CreateForList(MakeList(100))}},
               {"country", "US"},
               {"percentage", 1}};
  json body = {{"name", "n"}, {"audience_type", "ACTALIKE"}, {"rule", rule}};
  std::string one = Create(body).body["id"];
  body["rule"]["seed_id"] = {one};
  std::string two = Create(body).body["id"];
  rule["seed_id"] = {two};
  EXPECT_EQ(Patch(one, {{"rule", rule}}).status, 200);
  now_ += absl::Minutes(1);
  EXPECT_EQ(Get(one)["status"], "INITIALIZING");
}

TEST_F(AudiencesTest, SwitchAudienceNeedsAReadyList) {
  switches_.audience_needs_ready_list = true;
  std::string list = MakeList(100);
  json body = {{"name", "a"},
               {"audience_type", "CUSTOMER_LIST"},
               {"rule", {{"customer_list_id", list}}}};
  EXPECT_EQ(Create(body).status, 400);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Create(body).status, 200);
}

TEST_F(AudiencesTest, TakesEveryExampleOfTheGuide) {
  for (const char* body : {
           R"({"name": "Pin Clickers - Last 30 Days",
               "audience_type": "ENGAGEMENT",
               "rule": {"engagement_type": "CLICK", "lookback_window": 30},
               "description": "People who clicked my Pins"})",
           R"({"name": "n", "audience_type": "ENGAGEMENT",
               "rule": {"engagement_domain": ["www.example.com"],
                        "engager_type": 1}})",
           R"({"name": "n", "audience_type": "ENGAGEMENT",
               "rule": {"lookback_window": 30,
                        "engagement_type": "CLICK,SAVE"}})",
           R"({"name": "Site Visitors", "audience_type": "VISITOR",
               "rule": {"event_type": "PAGE_VISIT", "lookback_window": 30,
                        "visitor_source_id": "9876543210321",
                        "event_source": {"=": ["web", "mobile"]},
                        "ingestion_source": {"=": ["tag"]}}})",
           R"({"name": "My seed audience", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "9876543210321",
                        "ingestion_source": {"=": ["conversions_api"]},
                        "or": [{"event": "viewcategory",
                                "value": {">": 1}}],
                        "advertiser_id": "120123456789"},
               "created_by_company_name": "Example, Inc."})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": ["1234"],
                        "retention_days": "180",
                        "event_source": {"in": ["web", "offline"]}}})",
       }) {
    Answer answer = Create(json::parse(body));
    EXPECT_EQ(answer.status, 200) << body << answer.body;
  }
}

// The bodies that the connector can make, beside the one of a list.
TEST_F(AudiencesTest, TakesTheRequestsOfTheTestData) {
  std::ifstream file(absl::StrCat(std::getenv("TEST_SRCDIR"), "/",
                                  std::getenv("TEST_WORKSPACE"),
                                  "/testdata/audiences/requests.json"));
  const json requests = json::parse(file, nullptr, false);
  ASSERT_TRUE(requests.is_array());
  const std::string list = MakeList(100);
  ASSERT_EQ(CreateForList(list), "2542600000001");
  switches_.legacy_audiences_custom = true;
  for (const json& request : requests) {
    const std::string call = request.at("call");
    json body = request.at("body");
    if (request.value("needs", "") == "customer_list") {
      body["rule"]["customer_list_id"] = list;
    }
    Answer answer;
    if (call == "customer_lists") {
      const std::string text = body.dump();
      answer = lists_.Create(kAccount, parser_.Parse(text), switches_, now_);
    } else if (call == "audiences") {
      answer = Create(body);
    } else {
      answer = audiences_.CreateCustom(kAccount, body, switches_, now_);
    }
    EXPECT_EQ(answer.status, 200) << request.at("what") << answer.body;
  }
}

TEST_F(AudiencesTest, MatchesWithTheConfiguredRate) {
  switches_.match_rate = 0.5;
  std::string id = CreateForList(MakeList(400));
  now_ += absl::Minutes(1);
  EXPECT_GT(Get(id)["size"], 120);
  EXPECT_LT(Get(id)["size"], 280);
  EXPECT_EQ(Get(id)["status"], "READY");
  switches_.match_rate = 0.1;
  EXPECT_EQ(Get(id)["status"], "TOO_SMALL");
}

TEST_F(AudiencesTest, SwitchAudienceVisibleAfter) {
  switches_.audience_visible_after = absl::Seconds(30);
  std::string id = CreateForList(MakeList(1));
  const auto listed = [&] {
    return audiences_.List(kAccount, {}, switches_, now_).body["items"].size();
  };
  EXPECT_EQ(listed(), 0u);
  EXPECT_EQ(Get(id)["id"], id);
  now_ += absl::Seconds(30);
  EXPECT_EQ(listed(), 1u);
}

TEST_F(AudiencesTest, RefusesBadRules) {
  std::string list = MakeList(1);
  for (const char* body : {
           R"([])",
           R"({"audience_type": "ENGAGEMENT",
               "rule": {"engager_type": 1}})",
           R"({"name": "n", "rule": {"engager_type": 1}})",
           R"({"name": "n", "audience_type": "engagement",
               "rule": {"engager_type": 1}})",
           R"({"name": "n", "audience_type": "PERSONA", "rule": {}})",
           R"({"name": "n", "audience_type": "ENGAGEMENT"})",
           R"({"name": "n", "audience_type": "ENGAGEMENT", "rule": {}})",
           R"({"name": "n", "audience_type": "ENGAGEMENT",
               "rule": {"engager_type": 3}})",
           R"({"name": "n", "audience_type": "ENGAGEMENT",
               "rule": {"engagement_type": "stare"}})",
           R"({"name": "n", "audience_type": "CUSTOMER_LIST", "rule": {}})",
           R"({"name": "n", "audience_type": "CUSTOMER_LIST",
               "rule": {"customer_list_id": 4000001}})",
           R"({"name": "n", "audience_type": "CUSTOMER_LIST",
               "rule": {"customer_list_id": "999"}})",
           R"({"name": "n", "audience_type": "ACTALIKE",
               "rule": {"seed_id": ["999"], "country": "US",
                        "percentage": 1}})",
           R"({"name": "n", "audience_type": "VISITOR", "rule": {}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "1", "retention_days": 541}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "1",
                        "event_source": {"=": ["tv"]}}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "1", "or": []}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "1",
                        "or": [{"value": {">": 1}}]}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "1",
                        "or": [{"event": "lead", "value": {"~": 1}}]}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "1", "event_type": ""}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "rule": {"visitor_source_id": "1",
                        "visitor_source": {"=": ["tv"]}}})",
           R"({"name": "n", "audience_type": "VISITOR", "description": 1,
               "rule": {"visitor_source_id": "1"}})",
           R"({"name": "n", "audience_type": "VISITOR",
               "ad_account_id": "abc",
               "rule": {"visitor_source_id": "1"}})",
       }) {
    EXPECT_EQ(Create(json::parse(body)).status, 400) << body;
  }
  std::string seed = CreateForList(list);
  for (const json& wrong : std::vector<json>{{{"country", "USA"}},
                                             {{"percentage", 0}},
                                             {{"percentage", 11}},
                                             {{"percentage", "x"}},
                                             {{"percentage", 1.5}}}) {
    json rule = {{"seed_id", {seed}}, {"country", "US"}, {"percentage", "10"}};
    json body = {{"name", "n"}, {"audience_type", "ACTALIKE"}, {"rule", rule}};
    EXPECT_EQ(Create(body).status, 200);
    body["rule"].update(wrong);
    EXPECT_EQ(Create(body).status, 400) << wrong;
  }
}

TEST_F(AudiencesTest, ListsByOwnership) {
  CreateForList(MakeList(1));
  auto count = [&](const Query& query) {
    return audiences_.List(kAccount, query, switches_, now_)
        .body["items"]
        .size();
  };
  EXPECT_EQ(count({}), 1u);
  EXPECT_EQ(count({{"ownership_type", "OWNED"}}), 1u);
  EXPECT_EQ(count({{"ownership_type", "RECEIVED"}}), 0u);
  EXPECT_EQ(
      audiences_.List(kAccount, {{"ownership_type", "ALL"}}, switches_, now_)
          .status,
      400);
}

TEST_F(AudiencesTest, TheOlderCreateCall) {
  json body = {{"name", "n"},
               {"rule", {{"customer_list_id", MakeList(1)}}},
               {"sharing_type", "CUSTOM"},
               {"data_party", "1p"}};
  Answer answer = audiences_.CreateCustom(kAccount, body, switches_, now_);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["audience_type"], "CUSTOMER_LIST");
  for (const char* field : {"sharing_type", "data_party"}) {
    json wrong = body;
    wrong[field] = "other";
    EXPECT_EQ(audiences_.CreateCustom(kAccount, wrong, switches_, now_).status,
              400);
    wrong.erase(field);
    EXPECT_EQ(audiences_.CreateCustom(kAccount, wrong, switches_, now_).status,
              400);
  }
}

TEST_F(AudiencesTest, AStatusCanBeForced) {
  std::string id = CreateForList(MakeList(1));
  EXPECT_TRUE(audiences_.Force(kAccount, id, "SOMETHING_NEW", 7));
  EXPECT_EQ(Get(id)["status"], "SOMETHING_NEW");
  EXPECT_EQ(Get(id)["size"], 7);
  EXPECT_TRUE(audiences_.Force(kAccount, id, std::nullopt, std::nullopt));
  EXPECT_EQ(Get(id)["status"], "INITIALIZING");
  EXPECT_FALSE(audiences_.Force(kAccount, "1", "ERROR", std::nullopt));
}

}  // namespace
}  // namespace simulator
