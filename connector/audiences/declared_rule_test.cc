#include "connector/audiences/declared_rule.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "audience_sync/v1/destination.pb.h"
#include "connector/config/destination_config.h"
#include "connector/pinterest/audience_body.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace connector::audiences {
namespace {

namespace v1 = audience_sync::v1;
using nlohmann::json;

constexpr char kAccount[] = "549755885175";

json Requests() {
  std::ifstream file(absl::StrCat(std::getenv("TEST_SRCDIR"), "/",
                                  std::getenv("TEST_WORKSPACE"),
                                  "/testdata/audiences/requests.json"));
  return json::parse(file, nullptr, false);
}

template <typename Message>
Message Text(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

// Each body that Pinterest's guide shows a kind of comes out of a declaration
// that the configuration takes.
TEST(DeclaredRuleTest, ProducesEveryBody) {
  const json requests = Requests();
  ASSERT_TRUE(requests.is_array());
  int produced = 0;
  for (const json& request : requests) {
    const std::string what = request.at("what");
    pinterest::AudienceDraft draft;
    v1::Destination destination;
    destination.set_ad_account_id(kAccount);
    destination.set_credential_id("main");
    if (request.contains("declared")) {
      const auto declared =
          Text<v1::DeclaredAudience>(request["declared"].get<std::string>());
      *destination.mutable_audience_policy()->add_declared_audiences() =
          declared;
      draft = DeclaredDraft(declared, kAccount, request.value("seed_id", ""));
    } else if (request.contains("draft")) {
      draft.name = request["draft"]["name"];
      draft.audience_type = request["draft"]["audience_type"];
      draft.rule_json =
          ListRule(request["draft"]["customer_list_id"].get<std::string>());
    } else {
      continue;  // a list: request_body_test
    }
    absl::StatusOr<std::string> body;
    if (request.contains("older_api")) {
      auto* api = destination.mutable_audience_policy()->mutable_older_api();
      *api =
          Text<v1::OlderAudienceApi>(request["older_api"].get<std::string>());
      body = pinterest::BuildCustomAudienceBody(kAccount, draft,
                                                CustomTerms(*api));
    } else {
      body = pinterest::BuildAudienceBody(kAccount, draft);
    }
    EXPECT_TRUE(config::ResolveDestination(destination).ok())
        << what << config::ResolveDestination(destination).status();
    ASSERT_TRUE(body.ok()) << what << body.status();
    EXPECT_EQ(json::parse(*body), request.at("body")) << what;
    ++produced;
  }
  EXPECT_EQ(produced, 9);
}

TEST(DeclaredRuleTest, MatchesARuleAsItComesBack) {
  const std::string sent =
      R"({"seed_id":["1"],"percentage":10,"country":"US"})";
  EXPECT_TRUE(RuleMatches(sent, sent));
  EXPECT_TRUE(RuleMatches(
      sent, R"({"seed_id":"1","percentage":"10","country":"US","x":null})"));
  EXPECT_FALSE(RuleMatches(
      sent, R"({"seed_id":["1","2"],"percentage":10,"country":"US"})"));
  EXPECT_FALSE(
      RuleMatches(sent, R"({"seed_id":["2"],"percentage":10,"country":"US"})"));
  EXPECT_FALSE(RuleMatches(sent, R"({"seed_id":["1"],"percentage":10})"));
  EXPECT_FALSE(RuleMatches(sent, ""));
  EXPECT_FALSE(RuleMatches(sent, "[]"));
  EXPECT_TRUE(RuleMatches(R"({"event_source":{"=":["web","mobile"]}})",
                          R"({"event_source":{"=":["mobile","web"]}})"));
  EXPECT_FALSE(RuleMatches(R"({"event_source":{"=":["web"]}})",
                           R"({"event_source":{"in":["web"]}})"));
  EXPECT_FALSE(RuleMatches(R"({"or":[{"event":"lead","value":{">":1}}]})",
                           R"({"or":[{"event":"lead","value":{">":2}}]})"));
}

}  // namespace
}  // namespace connector::audiences
