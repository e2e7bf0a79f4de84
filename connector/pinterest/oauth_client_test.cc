#include "connector/pinterest/oauth_client.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/fake_clock.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

using Kind = GrantError::Kind;

class FakeTransport final : public HttpTransport {
 public:
  HttpResult Perform(const HttpRequest& request) override {
    requests.push_back(request);
    return result;
  }
  void Answer(int status, const std::string& body, HttpHeaders headers = {}) {
    HttpResponse response;
    response.status = status;
    response.body = body;
    response.headers = std::move(headers);
    result = response;
  }
  HttpResult result;
  std::vector<HttpRequest> requests;
};

class OAuthClientTest : public testing::Test {
 protected:
  OAuthClientTest() {
    OAuthClient::Options options;
    options.base_url = "https://api.example/v5/";
    options.transport = &transport_;
    options.clock = &clock_;
    client_ = *OAuthClient::Create(options);
  }

  GrantResult Refresh() { return client_->Refresh(app_, "pinr_old+/="); }
  GrantError Error() {
    GrantResult result = Refresh();
    EXPECT_EQ(result.index(), 1u);
    return result.index() == 1 ? std::get<GrantError>(result) : GrantError();
  }

  const OAuthApp app_ = {"1234", "app&secret"};
  FakeClock clock_;
  FakeTransport transport_;
  std::unique_ptr<OAuthClient> client_;
};

TEST_F(OAuthClientTest, SendsARefreshAsDescribed) {
  transport_.Answer(200, R"({"access_token":"pina_new","expires_in":2592000,
      "refresh_token":"pinr_new","refresh_token_expires_in":5184000,
      "refresh_token_expires_at":1,"token_type":"bearer","scope":"x"})");
  GrantResult result = Refresh();
  ASSERT_EQ(result.index(), 0u);
  const TokenGrant& grant = std::get<TokenGrant>(result);
  EXPECT_EQ(grant.access_token, "pina_new");
  EXPECT_EQ(grant.refresh_token, "pinr_new");
  EXPECT_EQ(grant.access_token_expire_time,
            clock_.Now() + absl::Hours(30 * 24));
  EXPECT_EQ(*grant.refresh_token_expire_time,
            clock_.Now() + absl::Hours(60 * 24));
  const HttpRequest& request = transport_.requests[0];
  EXPECT_EQ(request.url, "https://api.example/v5/oauth/token");
  EXPECT_EQ(request.body,
            "grant_type=refresh_token&refresh_token=pinr_old%2B%2F%3D"
            "&continuous_refresh=true");
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"Authorization",
       absl::StrCat("Basic ", absl::Base64Escape("1234:app&secret"))},
      {"Accept", "application/json"},
      {"Content-Type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(request.headers, headers);
}

TEST_F(OAuthClientTest, SendsACodeAsDescribed) {
  transport_.Answer(200, R"({"access_token":"a","refresh_token":"r"})");
  ASSERT_EQ(client_->Exchange(app_, "c de", "http://localhost:1/").index(), 0u);
  EXPECT_EQ(transport_.requests[0].body,
            "grant_type=authorization_code&code=c%20de"
            "&redirect_uri=http%3A%2F%2Flocalhost%3A1%2F"
            "&continuous_refresh=true");
}

TEST_F(OAuthClientTest, TakesAnAnswerThatTellsLittle) {
  transport_.Answer(200, R"({"access_token":"a","expires_in":0})");
  GrantResult result = Refresh();
  ASSERT_EQ(result.index(), 0u);
  const TokenGrant& grant = std::get<TokenGrant>(result);
  EXPECT_EQ(grant.refresh_token, "");
  EXPECT_EQ(grant.access_token_expire_time, clock_.Now() + absl::Hours(1));
  EXPECT_FALSE(grant.refresh_token_expire_time.has_value());
  transport_.Answer(200, R"({"access_token":"a","expires_in":1e300,
                             "refresh_token_expires_at":2000000000})");
  result = Refresh();
  ASSERT_EQ(result.index(), 0u);
  EXPECT_LT(std::get<TokenGrant>(result).access_token_expire_time,
            absl::InfiniteFuture());
  EXPECT_EQ(*std::get<TokenGrant>(result).refresh_token_expire_time,
            absl::FromUnixSeconds(2000000000));
}

TEST_F(OAuthClientTest, ClassifiesErrors) {
  struct Case {
    int status;
    const char* body;
    Kind kind;
  };
  for (const Case& c : std::vector<Case>{
           {400, R"({"code":1,"message":"bad"})", Kind::kGrantRefused},
           {400, R"({"error":"invalid_grant"})", Kind::kGrantRefused},
           {401, R"({"error":"invalid_grant"})", Kind::kGrantRefused},
           {400, R"({"error":"invalid_client"})", Kind::kAppRefused},
           {401, R"({"code":2,"message":"no"})", Kind::kAppRefused},
           {403, "", Kind::kAppRefused},
           {404, "", Kind::kRetryable},
           {429, "{}", Kind::kRetryable},
           {500, "oops", Kind::kRetryable},
           {302, "", Kind::kRetryable},
           {200, "", Kind::kRetryable},
           {200, "[1]", Kind::kRetryable},
           {200, R"({"access_token":"a b"})", Kind::kRetryable},
           {200, R"({"access_token":7})", Kind::kRetryable},
           {200, R"({"access_token":"cut)", Kind::kRetryable}}) {
    transport_.Answer(c.status, c.body);
    const GrantError error = Error();
    EXPECT_EQ(error.kind, c.kind) << c.status << c.body;
    EXPECT_EQ(error.http_status, c.status);
    EXPECT_NE(error.message, "");
  }
  transport_.result = TransportError();
  EXPECT_EQ(Error().kind, Kind::kRetryable);
}

TEST_F(OAuthClientTest, TakesTheServersDelay) {
  transport_.Answer(429, "{}", {{"Retry-After", "17"}});
  EXPECT_EQ(*Error().retry_after, absl::Seconds(17));
}

TEST_F(OAuthClientTest, MasksWhatAnAnswerEchoes) {
  transport_.Answer(400, R"({"message":"pinr_old+/= of app&secret is bad"})");
  const std::string message = Error().message;
  EXPECT_FALSE(absl::StrContains(message, "pinr_old")) << message;
  EXPECT_FALSE(absl::StrContains(message, "app&secret")) << message;
  EXPECT_TRUE(absl::StrContains(message, "is bad")) << message;
}

TEST_F(OAuthClientTest, RefusesBadOptions) {
  OAuthClient::Options options;
  options.transport = &transport_;
  options.clock = &clock_;
  for (const char* url :
       {"", "http://api.example/v5", "https://api.example/v5?x=1"}) {
    options.base_url = url;
    EXPECT_FALSE(OAuthClient::Create(options).ok()) << url;
  }
}

}  // namespace
}  // namespace connector::pinterest
