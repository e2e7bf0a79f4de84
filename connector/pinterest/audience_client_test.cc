#include <memory>
#include <string>
#include <vector>

#include "connector/base/fake_clock.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/audience_body.h"
#include "connector/pinterest/pinterest_audience_client.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace connector::pinterest {
namespace {

using nlohmann::json;

constexpr char kAudience[] = R"({"id":"2542","name":"Gold","size":null,
    "description":null,"audience_type":"CUSTOMER_LIST","status":"INITIALIZING",
    "rule":{"customer_list_id":"400"},"created_timestamp":1755727294,
    "is_ctv_enabled":false})";

class FakeTransport final : public HttpTransport {
 public:
  HttpResult Perform(const HttpRequest& request) override {
    requests.push_back(request);
    return result;
  }
  HttpResult result;
  std::vector<HttpRequest> requests;
};

class FakeTokenSource final : public TokenSource {
 public:
  absl::StatusOr<std::string> AccessToken() override {
    return std::string("opensesame1");
  }
  absl::StatusOr<std::string> AnotherToken(absl::string_view) override {
    return absl::FailedPreconditionError("");
  }
};

class AudienceClientTest : public testing::Test {
 protected:
  AudienceClientTest() {
    ApiCaller::Options options;
    options.base_url = "https://api.example/v5";
    options.transport = &transport_;
    options.token_source = &token_;
    options.clock = &clock_;
    client_ = *PinterestAudienceClient::Create(options);
    Answer(200, kAudience);
    draft_.name = "Gold";
    draft_.audience_type = "CUSTOMER_LIST";
    draft_.rule_json = R"({"customer_list_id":"400"})";
  }
  void Answer(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    transport_.result = response;
  }
  json Body() { return json::parse(transport_.requests.back().body); }

  FakeTransport transport_;
  FakeTokenSource token_;
  FakeClock clock_;
  AudienceDraft draft_;
  std::unique_ptr<PinterestAudienceClient> client_;
};

TEST_F(AudienceClientTest, SendsCreateAsDescribed) {
  const auto audience = client_->Create("12", draft_);
  ASSERT_TRUE(audience.ok());
  EXPECT_EQ(audience.value().id, "2542");
  EXPECT_EQ(audience.value().customer_list_id, "400");
  EXPECT_EQ(audience.value().size, std::nullopt);
  EXPECT_EQ(audience.value().description, "");
  EXPECT_EQ(transport_.requests.back().method, "POST");
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/audiences");
  EXPECT_EQ(Body(), json({{"ad_account_id", "12"},
                          {"name", "Gold"},
                          {"audience_type", "CUSTOMER_LIST"},
                          {"rule", {{"customer_list_id", "400"}}}}));
}

TEST_F(AudienceClientTest, SendsTheOlderCallAsDescribed) {
  ASSERT_TRUE(client_->CreateCustom("12", draft_, {"CUSTOM", "1p", ""}).ok());
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/audiences/custom");
  EXPECT_EQ(Body(), json({{"ad_account_id", "12"},
                          {"name", "Gold"},
                          {"rule", {{"customer_list_id", "400"}}},
                          {"sharing_type", "CUSTOM"},
                          {"data_party", "1p"}}));
  EXPECT_FALSE(client_->CreateCustom("12", draft_, {"OTHER", "1p", ""}).ok());
  EXPECT_FALSE(client_->CreateCustom("12", draft_, {"CUSTOM", "2p", ""}).ok());
}

TEST_F(AudienceClientTest, SendsChangesAsDescribed) {
  AudienceChange change;
  change.name = "New";
  change.description = "";
  ASSERT_TRUE(client_->Update("12", "2542", change).ok());
  EXPECT_EQ(transport_.requests.back().method, "PATCH");
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/audiences/2542");
  EXPECT_EQ(Body(), json({{"name", "New"},
                          {"description", ""},
                          {"operation_type", "UPDATE"}}));
  AudienceChange removal;
  removal.remove = true;
  ASSERT_TRUE(client_->Update("12", "2542", removal).ok());
  EXPECT_EQ(Body(), json({{"operation_type", "REMOVE"}}));
  EXPECT_FALSE(client_->Update("12", "2542", AudienceChange()).ok());
}

TEST_F(AudienceClientTest, SendsReadsAsDescribed) {
  ASSERT_TRUE(client_->Get("12", "2542").ok());
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/audiences/2542");
  Answer(200, R"({"items":[{"id":"1"},{"id":2,"rule":[],"size":"x"}],
                  "bookmark":"a b"})");
  const auto page = client_->List("12", "x/y");
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/audiences?page_size=250"
            "&order=DESCENDING&bookmark=x%2Fy");
  EXPECT_EQ(page.value().bookmark, "a b");
  ASSERT_EQ(page.value().items.size(), 2u);
  EXPECT_EQ(page.value().items[1].id, "2");
  EXPECT_EQ(page.value().items[1].rule_json, "");
}

TEST_F(AudienceClientTest, WhatCannotBeSentIsNotSent) {
  EXPECT_FALSE(client_->Create("x", draft_).ok());
  EXPECT_FALSE(client_->Get("12", "").ok());
  EXPECT_FALSE(client_->List("12", "", 251).ok());
  for (const auto& [name, type, rule] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"", "VISITOR", "{\"a\":1}"},
           {"a\nb", "VISITOR", "{\"a\":1}"},
           {"a", "PERSONA", "{\"a\":1}"},
           {"a", "VISITOR", "{}"},
           {"a", "VISITOR", "[1]"},
           {"a", "VISITOR", "{"}}) {
    AudienceDraft draft;
    draft.name = name;
    draft.audience_type = type;
    draft.rule_json = rule;
    const auto answer = client_->Create("12", draft);
    ASSERT_FALSE(answer.ok()) << name << type << rule;
    EXPECT_EQ(answer.error().call.http_status, 0);
    EXPECT_FALSE(answer.error().outcome_unknown);
  }
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(AudienceClientTest, KnowsWhatAnAnswerMeans) {
  Answer(400, R"({"code":1,"message":"bad"})");
  EXPECT_EQ(client_->Create("12", draft_).error().error_class,
            ErrorClass::kBadRequest);
  EXPECT_FALSE(client_->Create("12", draft_).error().outcome_unknown);
  Answer(503, "");
  EXPECT_TRUE(client_->Create("12", draft_).error().outcome_unknown);
  EXPECT_FALSE(client_->Get("12", "1").error().outcome_unknown);
  Answer(200, R"({"name":"no id"})");
  EXPECT_TRUE(client_->Create("12", draft_).error().outcome_unknown);
  Answer(201, kAudience);
  EXPECT_TRUE(client_->Create("12", draft_).ok());
}

}  // namespace
}  // namespace connector::pinterest
