#include "connector/admin/check.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "connector/admin/admin_fixture.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kPassed[] = "passed";
constexpr char kFailed[] = "failed";
constexpr char kSkipped[] = "skipped";

class CheckTest : public AdminFixture {
 protected:
  static v1::CheckDestinationRequest Stored() {
    v1::CheckDestinationRequest request;
    request.set_ad_account_id(kAdAccount);
    return request;
  }

  std::vector<std::string> Outcomes(
      const v1::CheckDestinationRequest& request) {
    auto response = CheckDestination(context_, request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> outcomes;
    ids_.clear();
    messages_.clear();
    for (const v1::CheckResult& result : response->results()) {
      ids_.push_back(result.check_id());
      messages_.push_back(result.status().message());
      switch (result.outcome()) {
        case v1::CHECK_OUTCOME_PASSED:
          EXPECT_FALSE(result.has_status());
          outcomes.push_back(kPassed);
          break;
        case v1::CHECK_OUTCOME_FAILED:
          EXPECT_NE(result.status().code(), 0);
          outcomes.push_back(kFailed);
          break;
        case v1::CHECK_OUTCOME_SKIPPED:
          EXPECT_NE(result.status().message(), "");
          outcomes.push_back(kSkipped);
          break;
        default:
          outcomes.push_back("?");
      }
    }
    EXPECT_THAT(
        ids_,
        ElementsAre("configuration-valid", "credential-known", "token-readable",
                    "store-writable", "ad-account-reachable",
                    "customer-lists-readable", "refresh-token-valid"));
    login_outcome_ = outcomes.back();
    outcomes.pop_back();
    return outcomes;
  }

  static pinterest::ApiError Refusal(pinterest::ErrorClass error_class,
                                     int http_status, int code = 0) {
    pinterest::ApiError error;
    error.error_class = error_class;
    error.pinterest_code = code;
    error.message = "no";
    error.call.http_status = http_status;
    error.call.request_id = "rid-1";
    return error;
  }

  std::vector<std::string> ids_;
  std::vector<std::string> messages_;
  // Of refresh-token-valid; the others are what Outcomes returns.
  std::string login_outcome_;
};

TEST_F(CheckTest, PassesWhenAllIsWell) {
  EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kPassed,
                                              kPassed, kPassed, kPassed));
  EXPECT_THAT(clients_.files, ElementsAre("main.token"));
  EXPECT_THAT(
      clients_.client->calls,
      ElementsAre("account 549755885175", "lists of 549755885175 by 1"));
}

TEST_F(CheckTest, ChecksAConfigurationThatIsNotStored) {
  v1::CheckDestinationRequest request;
  *request.mutable_destination() = Config("77");
  EXPECT_THAT(Outcomes(request), ElementsAre(kPassed, kPassed, kPassed, kPassed,
                                             kPassed, kPassed));
  EXPECT_EQ(registry_->FindDestination(absl::string_view("77")), nullptr);
  EXPECT_EQ(clients_.client->calls[0], "account 77");
}

TEST_F(CheckTest, AnInvalidConfigurationIsAResultAndStopsTheCallsToPinterest) {
  v1::CheckDestinationRequest request;
  *request.mutable_destination() = Config("not a number");
  request.mutable_destination()
      ->mutable_delivery_policy()
      ->set_max_request_records(-1);
  EXPECT_THAT(Outcomes(request), ElementsAre(kFailed, kPassed, kPassed, kPassed,
                                             kSkipped, kSkipped));
  EXPECT_THAT(messages_[0], HasSubstr("ad_account_id"));
  EXPECT_THAT(messages_[0], HasSubstr("max_request_records"));
  EXPECT_THAT(clients_.client->calls, IsEmpty());
}

TEST_F(CheckTest, AnUnknownCredentialStopsTheChecksThatNeedIt) {
  v1::CheckDestinationRequest request;
  *request.mutable_destination() = Config("77");
  request.mutable_destination()->set_credential_id("other");
  EXPECT_THAT(Outcomes(request), ElementsAre(kPassed, kFailed, kSkipped,
                                             kPassed, kSkipped, kSkipped));
}

TEST_F(CheckTest, AnUnreadableTokenStopsTheCallsToPinterest) {
  token_status_ = MakeError(absl::StatusCode::kFailedPrecondition,
                            "TOKEN_FILE_UNUSABLE", "it is not there");
  EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kFailed,
                                              kPassed, kSkipped, kSkipped));
  EXPECT_THAT(messages_[2], HasSubstr("not there"));
  EXPECT_THAT(clients_.client->calls, IsEmpty());
}

TEST_F(CheckTest, AStoreThatCannotBeWrittenFailsByItself) {
  store_.SetHealth(absl::UnavailableError("disk full"));
  EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kPassed,
                                              kFailed, kPassed, kPassed));
}

TEST_F(CheckTest, OfflineCallsNobody) {
  v1::CheckDestinationRequest request = Stored();
  request.set_offline(true);
  EXPECT_THAT(Outcomes(request), ElementsAre(kPassed, kPassed, kPassed, kPassed,
                                             kSkipped, kSkipped));
  EXPECT_THAT(clients_.client->calls, IsEmpty());
}

TEST_F(CheckTest, SaysWhatToDoAboutEachRefusal) {
  struct Case {
    pinterest::ErrorClass error_class;
    int http_status;
    int code;
    std::vector<const char*> words;
  };
  using pinterest::ErrorClass;
  for (const Case& c : std::vector<Case>{
           {ErrorClass::kUnauthorized,
            401,
            2,
            {"access token", "ads:read", "ads:write", "main.token"}},
           {ErrorClass::kForbidden, 403, 29, {"Audience", kAdAccount, "ads:"}},
           {ErrorClass::kForbidden, 403, 2626, {"reviews", kAdAccount}},
           {ErrorClass::kNotFound, 404, 2, {kAdAccount, "Audience"}},
           {ErrorClass::kRateLimited, 429, 8, {"Wait"}},
           {ErrorClass::kRetryable, 0, 0, {"network"}},
           {ErrorClass::kUnexpected, 302, 0, {"--pinterest_base_url"}}}) {
    clients_.client->account_error =
        Refusal(c.error_class, c.http_status, c.code);
    EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kPassed,
                                                kPassed, kFailed, kSkipped));
    for (const char* word : c.words) EXPECT_THAT(messages_[4], HasSubstr(word));
    EXPECT_THAT(messages_[4], HasSubstr("rid-1"));
  }
}

TEST_F(CheckTest, ListsMayBeForbiddenThoughTheAccountIsSeen) {
  clients_.client->lists_error =
      Refusal(pinterest::ErrorClass::kForbidden, 403, 29);
  EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kPassed,
                                              kPassed, kPassed, kFailed));
  auto response = CheckDestination(context_, Stored());
  bool has_error_info = false;
  for (const auto& detail : response->results(5).status().details()) {
    has_error_info |= absl::StrContains(detail.type_url(), "ErrorInfo");
  }
  EXPECT_TRUE(has_error_info);
}

TEST_F(CheckTest, TellsWhetherALoginWillLast) {
  Outcomes(Stored());
  EXPECT_EQ(login_outcome_, kSkipped);  // a token file
  login_state_.emplace();
  Outcomes(Stored());
  EXPECT_EQ(login_outcome_, kSkipped);  // nothing known yet
  login_state_->last_refresh_time = clock_.Now();
  EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kPassed,
                                              kPassed, kPassed, kPassed));
  EXPECT_EQ(login_outcome_, kPassed);
  login_state_->problem =
      MakeError(absl::StatusCode::kFailedPrecondition, "REFRESH_TOKEN_REFUSED",
                "run \"audiencectl login\"");
  // The access token still works.
  EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kPassed,
                                              kPassed, kPassed, kPassed));
  EXPECT_EQ(login_outcome_, kFailed);
  EXPECT_THAT(messages_.back(), HasSubstr("audiencectl login"));
}

TEST_F(CheckTest, ARefusedLoginAsksForANewOne) {
  v1::Credential credential;
  credential.set_credential_id("main");
  credential.mutable_oauth()->set_app_id("1234");
  credential.mutable_oauth()->set_app_secret_file("secret");
  credential.mutable_oauth()->set_refresh_token_file("refresh");
  ASSERT_TRUE(registry_->ApplyCredential(credential, false).ok());
  context_.check_token = [](absl::string_view name) {
    EXPECT_EQ(name, "login:main");
    return absl::OkStatus();
  };
  clients_.client->account_error =
      Refusal(pinterest::ErrorClass::kUnauthorized, 401, 2);
  EXPECT_THAT(Outcomes(Stored()), ElementsAre(kPassed, kPassed, kPassed,
                                              kPassed, kFailed, kSkipped));
  EXPECT_THAT(messages_[4], HasSubstr("audiencectl login"));
  EXPECT_EQ(clients_.files.back(), "login:main");
}

TEST_F(CheckTest, RefusesARequestThatNamesNothingOrTheUnknown) {
  EXPECT_EQ(CheckDestination(context_, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  v1::CheckDestinationRequest request;
  request.set_ad_account_id("404");
  EXPECT_EQ(CheckDestination(context_, request).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace connector::admin
