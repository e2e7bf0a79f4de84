#include "connector/pinterest/pinterest_client.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/fake_clock.h"
#include "connector/pinterest/test_records.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

using Phase = TransportError::Phase;

constexpr char kList[] = R"({"id":"643","name":"Spring","status":"READY",
    "num_batches":2})";

class FakeTransport final : public HttpTransport {
 public:
  HttpResult Perform(const HttpRequest& request) override {
    requests.push_back(request);
    if (requests.size() <= first_results.size()) {
      return first_results[requests.size() - 1];
    }
    return result;
  }

  // For the first requests; then `result`.
  std::vector<HttpResult> first_results;
  HttpResult result;
  std::vector<HttpRequest> requests;
};

class FakeTokenSource final : public TokenSource {
 public:
  absl::StatusOr<std::string> AccessToken() override { return token; }
  absl::StatusOr<std::string> AnotherToken(absl::string_view refused) override {
    refusals.push_back(std::string(refused));
    return other;
  }

  absl::StatusOr<std::string> token = std::string("opensesame1");
  absl::StatusOr<std::string> other = absl::FailedPreconditionError("");
  std::vector<std::string> refusals;
};

HttpResponse Response(int status, std::string body, HttpHeaders headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

TransportError Failure(Phase phase,
                       std::optional<HttpResponse> partial = std::nullopt) {
  TransportError error;
  error.phase = phase;
  error.message = "Timeout was reached";
  error.partial = std::move(partial);
  return error;
}

class PinterestClientTest : public testing::Test {
 protected:
  PinterestClientTest() : client_(*PinterestClient::Create(Options())) {
    transport_.result = Response(200, kList);
  }

  PinterestClient::Options Options() {
    PinterestClient::Options options;
    options.base_url = "https://api.example/v5/";
    options.timeout = absl::Seconds(9);
    options.transport = &transport_;
    options.token_source = &token_;
    options.clock = &clock_;
    return options;
  }

  ApiResult<CustomerList> Update() {
    return client_->Update("12", "643", Operation::kAdd, records_.views());
  }
  ApiResult<CustomerList> Create() {
    return client_->Create("12", "Spring", "EMAIL", records_.views());
  }

  FakeTransport transport_;
  FakeTokenSource token_;
  FakeClock clock_;
  TestRecords records_{3, /*mixed=*/true};
  std::unique_ptr<PinterestClient> client_;
};

TEST_F(PinterestClientTest, SendsCreateAsDescribed) {
  const auto list = Create();
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list.value().id, "643");
  ASSERT_EQ(transport_.requests.size(), 1u);
  const HttpRequest& request = transport_.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url,
            "https://api.example/v5/ad_accounts/12/customer_lists");
  EXPECT_EQ(request.body,
            absl::StrCat(R"({"name":"Spring","records":")", records_.Joined(),
                         R"(","list_type":"EMAIL"})"));
  EXPECT_EQ(request.timeout, absl::Seconds(9));
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"Authorization", "Bearer opensesame1"},
      {"Accept", "application/json"},
      {"Content-Type", "application/json"}};
  EXPECT_EQ(request.headers, headers);
}

TEST_F(PinterestClientTest, SendsUpdateAsDescribed) {
  for (const auto& [operation, word] :
       {std::pair{Operation::kAdd, "ADD"},
        std::pair{Operation::kRemove, "REMOVE"}}) {
    ASSERT_TRUE(client_->Update("12", "643", operation, records_.views()).ok());
    const HttpRequest& request = transport_.requests.back();
    EXPECT_EQ(request.method, "PATCH");
    EXPECT_EQ(request.url,
              "https://api.example/v5/ad_accounts/12/customer_lists/643");
    EXPECT_EQ(request.body,
              absl::StrCat(R"({"operation_type":")", word, R"(","records":")",
                           records_.Joined(), R"("})"));
  }
}

TEST_F(PinterestClientTest, SendsReadsAsDescribed) {
  ASSERT_TRUE(client_->Get("12", "643").ok());
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/customer_lists/643");
  ASSERT_TRUE(client_->GetAdAccount("12").ok());
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12");
  transport_.result = Response(200, R"({"items":[],"bookmark":null})");
  ASSERT_TRUE(client_->List("12", "").ok());
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/customer_lists"
            "?page_size=250&order=DESCENDING");
  ASSERT_TRUE(client_->List("12", "a b&c=/\xC3", 1, false).ok());
  EXPECT_EQ(transport_.requests.back().url,
            "https://api.example/v5/ad_accounts/12/customer_lists"
            "?page_size=1&order=ASCENDING&bookmark=a%20b%26c%3D%2F%C3");
  for (const HttpRequest& request : transport_.requests) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.body, "");
    EXPECT_EQ(request.headers.size(), 2u);
  }
}

TEST_F(PinterestClientTest, CreatedIsAsGoodAsOk) {
  transport_.result = Response(201, kList);
  EXPECT_TRUE(Create().ok());
}

TEST_F(PinterestClientTest, KeepsWhatComesAlongWithAnAnswer) {
  const HttpHeaders headers = {{"X-Pinterest-Rid", "70123\r\n<4567>"},
                               {"x-ratelimit-limit", "100, 100;w=1;name=\"a\""},
                               {"x-ratelimit-remaining", "99"}};
  transport_.result = Response(200, kList, headers);
  const auto good = Update();
  ASSERT_TRUE(good.ok());
  transport_.result = Response(400, "{}", headers);
  const auto bad = Update();
  ASSERT_FALSE(bad.ok());
  for (const CallInfo& call : {good.call(), bad.call()}) {
    EXPECT_EQ(call.request_id, "701234567");
    ASSERT_EQ(call.rate_limits.size(), 1u);
    EXPECT_EQ(call.rate_limits[0].remaining, 99);
    EXPECT_EQ(call.retry_after, std::nullopt);
  }
  EXPECT_EQ(good.call().http_status, 200);
  EXPECT_EQ(bad.call().http_status, 400);
}

TEST_F(PinterestClientTest, ClassifiesEveryStatus) {
  struct Case {
    int status;
    ErrorClass error_class;
    // For writes.
    bool outcome_unknown;
  };
  for (const Case& c : {
           Case{301, ErrorClass::kUnexpected, false},
           Case{302, ErrorClass::kUnexpected, false},
           Case{304, ErrorClass::kUnexpected, false},
           Case{307, ErrorClass::kUnexpected, false},
           Case{400, ErrorClass::kBadRequest, false},
           Case{401, ErrorClass::kUnauthorized, false},
           Case{402, ErrorClass::kUnexpected, false},
           Case{403, ErrorClass::kForbidden, false},
           Case{404, ErrorClass::kNotFound, false},
           Case{405, ErrorClass::kUnexpected, false},
           Case{407, ErrorClass::kUnexpected, false},
           Case{408, ErrorClass::kRetryable, true},
           Case{409, ErrorClass::kUnexpected, false},
           Case{410, ErrorClass::kUnexpected, false},
           Case{413, ErrorClass::kTooLarge, false},
           Case{415, ErrorClass::kUnexpected, false},
           Case{422, ErrorClass::kUnexpected, false},
           Case{429, ErrorClass::kRateLimited, false},
           Case{431, ErrorClass::kUnexpected, false},
           Case{451, ErrorClass::kUnexpected, false},
           Case{500, ErrorClass::kRetryable, true},
           Case{501, ErrorClass::kRetryable, true},
           Case{502, ErrorClass::kRetryable, true},
           Case{503, ErrorClass::kRetryable, true},
           Case{504, ErrorClass::kRetryable, true},
           Case{599, ErrorClass::kRetryable, true},
           Case{600, ErrorClass::kUnexpected, true},
           Case{0, ErrorClass::kUnexpected, true},
       }) {
    for (const char* body : {R"({"code":7,"message":"why ann@example.com"})",
                             "<html>oops</html>", ""}) {
      transport_.result = Response(c.status, body);
      for (const bool write : {true, false}) {
        const auto result = write ? Update() : client_->Get("12", "643");
        ASSERT_FALSE(result.ok()) << c.status;
        EXPECT_EQ(result.error().error_class, c.error_class) << c.status;
        EXPECT_EQ(result.error().outcome_unknown, write && c.outcome_unknown)
            << c.status;
        EXPECT_EQ(result.call().http_status, c.status);
        EXPECT_NE(result.error().message, "");
        EXPECT_FALSE(absl::StrContains(result.error().message, "@"));
      }
    }
  }
}

TEST_F(PinterestClientTest, Tells429OfSpamFromARateLimit) {
  transport_.result = Response(429, R"({"code":8,"message":"Too many."})");
  EXPECT_EQ(Update().error().error_class, ErrorClass::kRateLimited);
  transport_.result = Response(
      429, R"({"code":8,"message":"No.","message_detail":"This is Spam!"})");
  EXPECT_EQ(Update().error().error_class, ErrorClass::kSpamBlocked);
  // Only a 429 can be a block.
  transport_.result = Response(403, R"({"code":29,"message":"spam"})");
  EXPECT_EQ(Update().error().error_class, ErrorClass::kForbidden);
}

TEST_F(PinterestClientTest, DelayIsTheServersOwn) {
  const auto delay = [&](int status, HttpHeaders headers) {
    transport_.result = Response(status, "{}", std::move(headers));
    return Update().call().retry_after;
  };
  EXPECT_EQ(delay(429, {{"Retry-After", "7"}, {"x-ratelimit-reset", "3"}}),
            absl::Seconds(7));
  EXPECT_EQ(delay(429, {{"x-ratelimit-reset", "3"}}), absl::Seconds(3));
  EXPECT_EQ(delay(429, {{"x-ratelimit-limit", "9, 9;w=60;name=\"a\""},
                        {"x-ratelimit-reset", "30"}}),
            absl::Seconds(30));
  EXPECT_EQ(delay(429, {{"x-ratelimit-reset", "999999999"}}), absl::Hours(24));
  EXPECT_EQ(delay(429, {}), std::nullopt);
  EXPECT_EQ(delay(503, {{"Retry-After", "Tue, 14 Nov 2023 22:13:25 GMT"}}),
            absl::Seconds(5));  // The fake clock says 22:13:20.
  EXPECT_EQ(delay(503, {{"x-ratelimit-reset", "3"}}), std::nullopt);
}

TEST_F(PinterestClientTest, ConnectionFailuresMayBeTriedAgain) {
  transport_.result = Failure(Phase::kNotSent);
  for (const auto& result : {Update(), Create()}) {
    EXPECT_EQ(result.error().error_class, ErrorClass::kRetryable);
    EXPECT_FALSE(result.error().outcome_unknown);
  }
  transport_.result = Failure(Phase::kMaybeSent);
  for (const auto& result : {Update(), Create()}) {
    EXPECT_EQ(result.error().error_class, ErrorClass::kRetryable);
    EXPECT_TRUE(result.error().outcome_unknown);
    EXPECT_EQ(result.error().message, "Timeout was reached");
    EXPECT_EQ(result.call().http_status, 0);
  }
  EXPECT_FALSE(client_->Get("12", "643").error().outcome_unknown);
}

TEST_F(PinterestClientTest, CutAnswerCountsByItsStatus) {
  transport_.result =
      Failure(Phase::kMaybeSent, Response(200, "", {{"x-pinterest-rid", "5"}}));
  auto error = Update().error();
  EXPECT_EQ(error.error_class, ErrorClass::kRetryable);
  EXPECT_TRUE(error.outcome_unknown);
  EXPECT_EQ(error.call.http_status, 200);
  EXPECT_EQ(error.call.request_id, "5");

  transport_.result = Failure(Phase::kMaybeSent,
                              Response(429, "", {{"x-ratelimit-reset", "4"}}));
  error = Update().error();
  EXPECT_EQ(error.error_class, ErrorClass::kRateLimited);
  EXPECT_FALSE(error.outcome_unknown);
  EXPECT_EQ(error.call.retry_after, absl::Seconds(4));

  transport_.result = Failure(Phase::kMaybeSent, Response(502, ""));
  error = Update().error();
  EXPECT_EQ(error.error_class, ErrorClass::kRetryable);
  EXPECT_TRUE(error.outcome_unknown);
}

TEST_F(PinterestClientTest, SuccessWithoutAReadableListIsNoSuccess) {
  transport_.result = Response(200, R"({"id":"643","na)");
  for (const auto& result : {Update(), Create()}) {
    EXPECT_EQ(result.error().error_class, ErrorClass::kRetryable);
    EXPECT_TRUE(result.error().outcome_unknown);
  }
  for (const char* body : {"", "<html>Sign in</html>", "{}", "[]",
                           R"({"id":"x"})", R"({"name":"Spring"})"}) {
    transport_.result = Response(200, body);
    for (const auto& result : {Update(), Create()}) {
      EXPECT_EQ(result.error().error_class, ErrorClass::kUnexpected) << body;
      EXPECT_TRUE(result.error().outcome_unknown);
      EXPECT_EQ(result.call().http_status, 200);
    }
    const auto read = client_->Get("12", "643");
    EXPECT_EQ(read.error().error_class, ErrorClass::kUnexpected);
    EXPECT_FALSE(read.error().outcome_unknown);
  }
}

TEST_F(PinterestClientTest, WithoutATokenNothingIsSent) {
  token_.token = MakeError(absl::StatusCode::kFailedPrecondition, "X",
                           "token file \"a\": is empty");
  auto error = Update().error();
  EXPECT_EQ(error.error_class, ErrorClass::kUnauthorized);
  EXPECT_EQ(error.message, "no access token: token file \"a\": is empty");
  EXPECT_FALSE(error.outcome_unknown);

  token_.token = absl::UnavailableError("being refreshed");
  EXPECT_EQ(Update().error().error_class, ErrorClass::kRetryable);

  for (const std::string token : {"", "a b", "a\r\nX: y", "t\xC3\xB6ken"}) {
    token_.token = token;
    EXPECT_EQ(Update().error().error_class, ErrorClass::kUnauthorized);
  }
  token_.token = std::string(4097, 't');
  EXPECT_EQ(Update().error().error_class, ErrorClass::kUnauthorized);
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(PinterestClientTest, TokenIsReadForEveryCall) {
  Update();
  token_.token = std::string("another-one");
  Update();
  ASSERT_EQ(transport_.requests.size(), 2u);
  EXPECT_EQ(transport_.requests[1].headers[0].second, "Bearer another-one");
}

TEST_F(PinterestClientTest, After401TheSameRequestGoesOutOnceWithAnotherToken) {
  token_.other = std::string("opensesame2");
  transport_.first_results = {Response(401, R"({"code":2,"message":"no"})")};
  const auto list = Create();
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list.call().http_status, 200);
  ASSERT_EQ(transport_.requests.size(), 2u);
  EXPECT_EQ(transport_.requests[0].headers[0].second, "Bearer opensesame1");
  EXPECT_EQ(transport_.requests[1].headers[0].second, "Bearer opensesame2");
  EXPECT_EQ(transport_.requests[0].body, transport_.requests[1].body);
  EXPECT_EQ(transport_.requests[0].url, transport_.requests[1].url);
  EXPECT_EQ(token_.refusals, std::vector<std::string>({"opensesame1"}));

  // Also where the 401's body was lost on the way.
  transport_.first_results.push_back(transport_.result);
  transport_.first_results.push_back(
      Failure(Phase::kMaybeSent, Response(401, "")));
  EXPECT_TRUE(Update().ok());
}

TEST_F(PinterestClientTest, ASecond401IsTheError) {
  token_.other = std::string("opensesame2");
  transport_.result = Response(401, R"({"code":2,"message":"opensesame2 no"})");
  const ApiError error = Update().error();
  EXPECT_EQ(error.error_class, ErrorClass::kUnauthorized);
  EXPECT_FALSE(error.outcome_unknown);
  EXPECT_EQ(transport_.requests.size(), 2u);
  EXPECT_FALSE(absl::StrContains(error.message, "opensesame2"));
}

TEST_F(PinterestClientTest, WhatCameOfTheSecondTryIsTheAnswer) {
  token_.other = std::string("opensesame2");
  transport_.first_results = {Response(401, "{}")};
  transport_.result = Failure(Phase::kMaybeSent);
  const ApiError error = Update().error();
  EXPECT_EQ(error.error_class, ErrorClass::kRetryable);
  EXPECT_TRUE(error.outcome_unknown);
}

TEST_F(PinterestClientTest, WithoutAnotherTokenA401SaysWhatToDo) {
  token_.other = absl::FailedPreconditionError("run \"audiencectl login\"");
  transport_.result = Response(401, R"({"code":2,"message":"no"})");
  const ApiError error = Update().error();
  EXPECT_EQ(error.error_class, ErrorClass::kUnauthorized);
  EXPECT_EQ(error.message, "no; run \"audiencectl login\"");
  EXPECT_EQ(transport_.requests.size(), 1u);
  EXPECT_EQ(error.ToStatus().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PinterestClientTest, EchoedTokenIsMasked) {
  transport_.result =
      Response(401, R"({"code":2,"message":"bad token opensesame1"})");
  EXPECT_EQ(Update().error().message, "bad token  [token]");
  EXPECT_EQ(Update().error().pinterest_code, 2);
}

TEST_F(PinterestClientTest, SendsNothingWithArgumentsThatBreakARule) {
  std::vector<ApiError> errors;
  for (const std::string id :
       {"", "1234567890123456789", "12a", "../1", "-1", "1?", "\xD9\xA1"}) {
    errors.push_back(
        client_->Create(id, "n", "EMAIL", records_.views()).error());
    errors.push_back(
        client_->Update(id, "1", Operation::kAdd, records_.views()).error());
    errors.push_back(
        client_->Update("1", id, Operation::kAdd, records_.views()).error());
    errors.push_back(client_->Get(id, "1").error());
    errors.push_back(client_->Get("1", id).error());
    errors.push_back(client_->List(id, "").error());
    errors.push_back(client_->GetAdAccount(id).error());
  }
  errors.push_back(client_->Create("1", "n", "EMAIL", {}).error());
  errors.push_back(client_->Update("1", "2", Operation::kRemove, {}).error());
  for (const std::string& name :
       {std::string(), std::string("a\nb"), std::string("\xFF"),
        std::string(1025, 'n')}) {
    errors.push_back(
        client_->Create("1", name, "EMAIL", records_.views()).error());
  }
  for (const char* type : {"", "GAID", "email"}) {
    errors.push_back(client_->Create("1", "n", type, records_.views()).error());
  }
  for (const int size : {0, -1, 251}) {
    errors.push_back(client_->List("1", "", size).error());
  }
  errors.push_back(client_->List("1", std::string(4097, 'b')).error());
  for (const ApiError& error : errors) {
    EXPECT_EQ(error.error_class, ErrorClass::kUnexpected);
    EXPECT_FALSE(error.outcome_unknown);
    EXPECT_EQ(error.call.http_status, 0);
    EXPECT_TRUE(absl::StartsWith(error.message, "not sent: "));
  }
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(PinterestClientTest, OptionsAreChecked) {
  for (const char* url :
       {"", "api.pinterest.com/v5", "http://api.pinterest.com/v5",
        "https://u:p@h/v5", "https://h/v5?x=y", "ftp://h", "https://h/#a"}) {
    PinterestClient::Options options = Options();
    options.base_url = url;
    EXPECT_TRUE(
        absl::IsInvalidArgument(PinterestClient::Create(options).status()))
        << url;
  }
  for (const char* url :
       {"https://api.pinterest.com/v5", "http://127.0.0.1:8080",
        "http://localhost:1/v5/", "http://[::1]:2/v5", "https://h"}) {
    PinterestClient::Options options = Options();
    options.base_url = url;
    EXPECT_TRUE(PinterestClient::Create(options).ok()) << url;
  }
  for (int i = 0; i < 4; ++i) {
    PinterestClient::Options options = Options();
    if (i == 0) options.timeout = absl::ZeroDuration();
    if (i == 1) options.transport = nullptr;
    if (i == 2) options.token_source = nullptr;
    if (i == 3) options.clock = nullptr;
    EXPECT_FALSE(PinterestClient::Create(options).ok());
  }
}

}  // namespace
}  // namespace connector::pinterest
