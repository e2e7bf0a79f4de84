#ifndef CONNECTOR_PINTEREST_API_RESULT_H_
#define CONNECTOR_PINTEREST_API_RESULT_H_

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/pinterest/rate_limit_headers.h"

namespace connector::pinterest {

// What an answer means for the caller. Decided by the HTTP status: Pinterest's
// own numeric codes are ambiguous (2 is both "authentication failed" and "not
// found" in its API description).
enum class ErrorClass {
  // Try the same again, later: 408, 5xx, a connection that failed, an answer
  // that was cut short, a token that cannot be fetched just now.
  kRetryable,
  // 429: try again after the delay Pinterest gave.
  kRateLimited,
  // 429 that speaks of spam: going on makes it worse.
  kSpamBlocked,
  // 401, or no usable token (then the HTTP status is 0).
  kUnauthorized,
  // 403: the user or app may not do this to this ad account.
  kForbidden,
  // 404: no such ad account or list.
  kNotFound,
  // 413: the body was too large.
  kTooLarge,
  // 400: the body was refused.
  kBadRequest,
  // Anything else: 3xx, 405, 409, 422…, a 2xx whose complete body is not what
  // it must be, and arguments that cannot be sent (then the HTTP status is 0).
  kUnexpected,
};

// "RETRYABLE", "RATE_LIMITED"…; for logs, metrics and error reasons.
absl::string_view ErrorClassName(ErrorClass error_class);

// What came along with an answer, good or bad.
struct CallInfo {
  // 0: no answer came.
  int http_status = 0;

  // x-pinterest-rid, for Pinterest's support; at most 64 characters of
  // [A-Za-z0-9_.:-].
  std::string request_id;

  std::vector<RateLimitWindow> rate_limits;

  // How long the server asks to be left alone: Retry-After, or for a 429
  // without it the reset of the tightest window. At most 24 hours.
  std::optional<absl::Duration> retry_after;
};

struct ApiError {
  ErrorClass error_class = ErrorClass::kUnexpected;

  // The write may have been carried out, or may still be: a timeout, a reset
  // after sending, 408, 5xx, a cut or unreadable 2xx answer. Never for reads.
  bool outcome_unknown = false;

  // "code" of the error body; 0 when there is none.
  int pinterest_code = 0;

  // For people: at most 300 bytes of UTF-8 without control characters;
  // addresses, digests, device ids and tokens are masked.
  std::string message;

  CallInfo call;

  // UNAVAILABLE (try again), FAILED_PRECONDITION (someone must mend the
  // credential, the account or the list) or INTERNAL; with reason
  // "PINTEREST_" + ErrorClassName, metadata httpStatus, pinterestCode and
  // requestId where known, and the retry delay. Never UNAUTHENTICATED or
  // PERMISSION_DENIED: those are about callers of the connector's own API.
  absl::Status ToStatus() const;
};

// A value or an ApiError; either way with what came along with the answer.
template <typename T>
class ApiResult {
 public:
  // Implicit, so that a function can return either.
  ApiResult(T value, CallInfo call = {})  // NOLINT
      : content_(std::in_place_index<0>, std::move(value)),
        call_(std::move(call)) {}
  ApiResult(ApiError error)  // NOLINT
      : content_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return content_.index() == 0; }

  // Only if ok().
  const T& value() const& { return std::get<0>(content_); }
  T&& value() && { return std::get<0>(std::move(content_)); }

  // Only if not ok().
  const ApiError& error() const { return std::get<1>(content_); }

  const CallInfo& call() const { return ok() ? call_ : error().call; }

 private:
  std::variant<T, ApiError> content_;
  CallInfo call_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_API_RESULT_H_
