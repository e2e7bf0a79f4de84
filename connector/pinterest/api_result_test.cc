#include "connector/pinterest/api_result.h"

#include <string>

#include "connector/base/error.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

TEST(ApiErrorTest, StatusTellsWhatToDoAndCarriesTheDetails) {
  ApiError error;
  error.error_class = ErrorClass::kRateLimited;
  error.pinterest_code = 8;
  error.message = "slow down";
  error.call.http_status = 429;
  error.call.request_id = "123";
  error.call.retry_after = absl::Seconds(7);
  const absl::Status status = error.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(),
            "Pinterest answered 429: slow down (x-pinterest-rid 123)");
  const ErrorDetail detail = GetErrorDetail(status);
  EXPECT_EQ(detail.reason, "PINTEREST_RATE_LIMITED");
  EXPECT_EQ(detail.metadata.at("httpStatus"), "429");
  EXPECT_EQ(detail.metadata.at("pinterestCode"), "8");
  EXPECT_EQ(detail.metadata.at("requestId"), "123");
  EXPECT_EQ(detail.retry_delay, absl::Seconds(7));
}

TEST(ApiErrorTest, StatusNeverBlamesTheCallerOfOurOwnApi) {
  for (const ErrorClass error_class :
       {ErrorClass::kRetryable, ErrorClass::kRateLimited,
        ErrorClass::kSpamBlocked, ErrorClass::kUnauthorized,
        ErrorClass::kForbidden, ErrorClass::kNotFound, ErrorClass::kTooLarge,
        ErrorClass::kBadRequest, ErrorClass::kUnexpected}) {
    ApiError error;
    error.error_class = error_class;
    const absl::StatusCode code = error.ToStatus().code();
    EXPECT_TRUE(code == absl::StatusCode::kUnavailable ||
                code == absl::StatusCode::kFailedPrecondition ||
                code == absl::StatusCode::kInternal)
        << ErrorClassName(error_class);
  }
}

TEST(ApiResultTest, HoldsAValueOrAnError) {
  CallInfo call;
  call.http_status = 200;
  const ApiResult<std::string> good("value", call);
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(good.value(), "value");
  EXPECT_EQ(good.call().http_status, 200);

  ApiError error;
  error.call.http_status = 404;
  const ApiResult<std::string> bad(error);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().call.http_status, 404);
  EXPECT_EQ(bad.call().http_status, 404);
}

TEST(HttpHeadersTest, CompareNamesWithoutCaseAndKeepAll) {
  HttpHeaders headers = {{"X-A", "1"}, {"b", "2"}};
  headers.Add("x-a", "3");
  EXPECT_EQ(headers.Find("x-A"), "1");
  EXPECT_EQ(headers.Joined("X-a"), "1, 3");
  EXPECT_EQ(headers.Find("c"), std::nullopt);
  EXPECT_EQ(headers.Joined("c"), std::nullopt);
  EXPECT_EQ(headers.entries().size(), 3u);
}

}  // namespace
}  // namespace connector::pinterest
