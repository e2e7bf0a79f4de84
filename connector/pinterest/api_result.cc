#include "connector/pinterest/api_result.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::pinterest {
namespace {

absl::StatusCode CodeOf(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kRetryable:
    case ErrorClass::kRateLimited:
      return absl::StatusCode::kUnavailable;
    case ErrorClass::kSpamBlocked:
    case ErrorClass::kUnauthorized:
    case ErrorClass::kForbidden:
    case ErrorClass::kNotFound:
      return absl::StatusCode::kFailedPrecondition;
    case ErrorClass::kTooLarge:
    case ErrorClass::kBadRequest:
    case ErrorClass::kUnexpected:
      return absl::StatusCode::kInternal;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::string_view ErrorClassName(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kRetryable:
      return "RETRYABLE";
    case ErrorClass::kRateLimited:
      return "RATE_LIMITED";
    case ErrorClass::kSpamBlocked:
      return "SPAM_BLOCKED";
    case ErrorClass::kUnauthorized:
      return "UNAUTHORIZED";
    case ErrorClass::kForbidden:
      return "FORBIDDEN";
    case ErrorClass::kNotFound:
      return "NOT_FOUND";
    case ErrorClass::kTooLarge:
      return "TOO_LARGE";
    case ErrorClass::kBadRequest:
      return "BAD_REQUEST";
    case ErrorClass::kUnexpected:
      return "UNEXPECTED";
  }
  return "UNEXPECTED";
}

absl::Status ApiError::ToStatus() const {
  ErrorDetail detail;
  detail.reason = absl::StrCat("PINTEREST_", ErrorClassName(error_class));
  if (call.http_status != 0) {
    detail.metadata["httpStatus"] = absl::StrCat(call.http_status);
  }
  if (pinterest_code != 0) {
    detail.metadata["pinterestCode"] = absl::StrCat(pinterest_code);
  }
  if (!call.request_id.empty()) detail.metadata["requestId"] = call.request_id;
  detail.retry_delay = call.retry_after;
  std::string text = "Pinterest";
  if (call.http_status != 0) {
    absl::StrAppend(&text, " answered ", call.http_status);
  }
  absl::StrAppend(&text, ": ", message);
  if (!call.request_id.empty()) {
    absl::StrAppend(&text, " (x-pinterest-rid ", call.request_id, ")");
  }
  return MakeError(CodeOf(error_class), text, detail);
}

}  // namespace connector::pinterest
