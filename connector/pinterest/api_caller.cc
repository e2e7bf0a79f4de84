#include "connector/pinterest/api_caller.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/safe_text.h"
#include "connector/pinterest/url.h"

namespace connector::pinterest {
namespace {

constexpr size_t kMaxMessage = 300;
constexpr size_t kMaxRequestId = 64;
constexpr size_t kMaxToken = 4096;

bool IsSendableToken(absl::string_view token) {
  return !token.empty() && token.size() <= kMaxToken &&
         std::all_of(token.begin(), token.end(),
                     [](char c) { return absl::ascii_isgraph(c); });
}

CallInfo ReadCallInfo(const HttpResponse& response, absl::Time now) {
  CallInfo call;
  call.http_status = response.status;
  if (const auto id = response.headers.Find("x-pinterest-rid")) {
    for (const char c : *id) {
      if (call.request_id.size() == kMaxRequestId) break;
      if (absl::ascii_isalnum(c) || c == '_' || c == '.' || c == ':' ||
          c == '-') {
        call.request_id.push_back(c);
      }
    }
  }
  call.rate_limits = ParseRateLimits(response.headers, now);
  call.retry_after = ParseRetryAfter(response.headers, now);
  if (response.status == 429 && !call.retry_after.has_value()) {
    for (const RateLimitWindow& window : call.rate_limits) {
      if (!window.reset_after.has_value()) continue;
      call.retry_after = std::min(*window.reset_after, absl::Hours(24));
    }
  }
  return call;
}

ErrorClass Classify(int status, bool spam) {
  if (status >= 500 && status <= 599) return ErrorClass::kRetryable;
  switch (status) {
    case 400:
      return ErrorClass::kBadRequest;
    case 401:
      return ErrorClass::kUnauthorized;
    case 403:
      return ErrorClass::kForbidden;
    case 404:
      return ErrorClass::kNotFound;
    case 408:
      return ErrorClass::kRetryable;
    case 413:
      return ErrorClass::kTooLarge;
    case 429:
      return spam ? ErrorClass::kSpamBlocked : ErrorClass::kRateLimited;
    default:
      return ErrorClass::kUnexpected;
  }
}

// Did the server refuse the request, so that it surely was not carried out?
bool IsRefusal(int status) {
  return status >= 300 && status <= 499 && status != 408;
}

bool IsUnauthorized(const HttpResult& result) {
  if (const auto* failure = std::get_if<TransportError>(&result)) {
    return failure->partial.has_value() && failure->partial->status == 401;
  }
  return std::get<HttpResponse>(result).status == 401;
}

bool IsSuccess(int status) { return status >= 200 && status <= 299; }

ApiError ErrorFromStatus(const HttpResponse& response, CallInfo call,
                         bool write, absl::string_view token) {
  ErrorAnswer answer = ParseErrorAnswer(response.body, token);
  ApiError error;
  error.error_class = Classify(response.status, answer.spam);
  error.outcome_unknown = write && !IsRefusal(response.status);
  error.pinterest_code = answer.code;
  error.message = std::move(answer.message);
  error.call = std::move(call);
  return error;
}

ApiError ErrorFromTransport(const TransportError& failure, absl::Time now,
                            bool write, absl::string_view token) {
  ApiError error;
  if (failure.partial.has_value()) {
    CallInfo call = ReadCallInfo(*failure.partial, now);
    if (!IsSuccess(failure.partial->status)) {
      // Enough came to know the answer, though not its words.
      error = ErrorFromStatus(*failure.partial, std::move(call), write, token);
      error.message = SafeText(failure.message, kMaxMessage, token);
      return error;
    }
    error.call = std::move(call);
  }
  error.error_class = ErrorClass::kRetryable;
  error.outcome_unknown =
      write && failure.phase == TransportError::Phase::kMaybeSent;
  error.message = SafeText(failure.message, kMaxMessage, token);
  return error;
}

ApiError ErrorFromToken(const absl::Status& status) {
  ApiError error;
  error.error_class = absl::IsUnavailable(status) ? ErrorClass::kRetryable
                                                  : ErrorClass::kUnauthorized;
  error.message = SafeText(absl::StrCat("no access token: ", status.message()),
                           kMaxMessage);
  error.call.retry_after = GetErrorDetail(status).retry_delay;
  return error;
}

}  // namespace

ApiError NotSendable(absl::string_view why) {
  ApiError error;
  error.error_class = ErrorClass::kUnexpected;
  error.message = absl::StrCat("not sent: ", why);
  return error;
}

ApiError ErrorFromBody(const absl::Status& status, CallInfo call, bool write) {
  ApiError error;
  error.error_class = absl::IsDataLoss(status) ? ErrorClass::kRetryable
                                               : ErrorClass::kUnexpected;
  error.outcome_unknown = write;
  error.message = std::string(status.message());
  error.call = std::move(call);
  return error;
}

absl::StatusOr<std::unique_ptr<ApiCaller>> ApiCaller::Create(Options options) {
  const absl::StatusOr<HttpUrl> url = ParseHttpUrl(options.base_url);
  if (!url.ok()) {
    return FieldError("pinterest_base_url", url.status().message());
  }
  if (!url->https && !url->loopback) {
    return FieldError("pinterest_base_url",
                      "must be https:// unless the host is loopback");
  }
  if (options.base_url.find('?') != std::string::npos) {
    return FieldError("pinterest_base_url", "must not have a query");
  }
  while (absl::EndsWith(options.base_url, "/")) options.base_url.pop_back();
  if (options.timeout <= absl::ZeroDuration()) {
    return FieldError("timeout", "must be positive");
  }
  if (options.transport == nullptr || options.token_source == nullptr ||
      options.clock == nullptr) {
    return absl::InvalidArgumentError(
        "transport, token_source and clock must be given");
  }
  return std::unique_ptr<ApiCaller>(new ApiCaller(std::move(options)));
}

std::variant<ApiCaller::Answer, ApiError> ApiCaller::Perform(
    absl::string_view method, std::string path, std::string body) {
  absl::StatusOr<std::string> token = options_.token_source->AccessToken();
  if (!token.ok()) return ErrorFromToken(token.status());
  if (!IsSendableToken(*token)) {
    return ErrorFromToken(absl::FailedPreconditionError(
        "it must be printable ASCII without blanks, at most 4 KiB"));
  }

  const bool write = method != "GET";
  HttpRequest request;
  request.method = std::string(method);
  request.url = absl::StrCat(options_.base_url, path);
  request.headers.emplace_back("Authorization",
                               absl::StrCat("Bearer ", *token));
  request.headers.emplace_back("Accept", "application/json");
  if (!body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
  }
  request.body = std::move(body);
  request.timeout = options_.timeout;

  HttpResult result = options_.transport->Perform(request);
  // A 401 surely had no effect, so the request may go out once more.
  absl::Status no_other_token;
  if (IsUnauthorized(result)) {
    absl::StatusOr<std::string> other =
        options_.token_source->AnotherToken(*token);
    if (!other.ok()) {
      no_other_token = other.status();
    } else if (IsSendableToken(*other)) {
      token = std::move(other);
      request.headers[0].second = absl::StrCat("Bearer ", *token);
      result = options_.transport->Perform(request);
    }
  }
  const absl::Time now = options_.clock->Now();
  if (const auto* failure = std::get_if<TransportError>(&result)) {
    return ErrorFromTransport(*failure, now, write, *token);
  }
  const HttpResponse& response = std::get<HttpResponse>(result);
  CallInfo call = ReadCallInfo(response, now);
  if (!IsSuccess(response.status)) {
    ApiError error = ErrorFromStatus(response, std::move(call), write, *token);
    if (!no_other_token.message().empty()) {
      error.message =
          SafeText(absl::StrCat(error.message, "; ", no_other_token.message()),
                   kMaxMessage);
    }
    return error;
  }
  return Answer{response.body, *std::move(token), std::move(call)};
}

}  // namespace connector::pinterest
