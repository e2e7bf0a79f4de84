#include "connector/pinterest/pinterest_client.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/request_body.h"
#include "connector/pinterest/safe_text.h"
#include "connector/pinterest/url.h"
#include "connector/pinterest/utf8.h"

namespace connector::pinterest {
namespace {

using identity_mapping::RecordView;

constexpr size_t kMaxMessage = 300;
constexpr size_t kMaxRequestId = 64;
constexpr size_t kMaxListName = 1024;
constexpr size_t kMaxBookmark = 4096;
constexpr size_t kMaxToken = 4096;
constexpr int kMaxPageSize = 250;

bool IsListType(absl::string_view type) {
  constexpr std::array<absl::string_view, 6> kTypes = {
      "EMAIL", "IDFA", "MAID", "LR_ID", "DLX_ID", "HASHED_PINNER_ID"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

bool IsSendableToken(absl::string_view token) {
  return !token.empty() && token.size() <= kMaxToken &&
         std::all_of(token.begin(), token.end(),
                     [](char c) { return absl::ascii_isgraph(c); });
}

// Nothing was sent: an argument breaks its rule.
ApiError NotSendable(absl::string_view why) {
  ApiError error;
  error.error_class = ErrorClass::kUnexpected;
  error.message = absl::StrCat("not sent: ", why);
  return error;
}

std::optional<ApiError> CheckAdAccount(absl::string_view id) {
  if (IsPinterestId(id)) return std::nullopt;
  return NotSendable("the ad account id must be 1 to 18 digits");
}

std::optional<ApiError> CheckList(absl::string_view ad_account_id,
                                  absl::string_view customer_list_id) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return error;
  }
  if (IsPinterestId(customer_list_id)) return std::nullopt;
  return NotSendable("the customer list id must be 1 to 18 digits");
}

std::string ListsPath(absl::string_view ad_account_id) {
  return absl::StrCat("/ad_accounts/", ad_account_id, "/customer_lists");
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

// A 2xx that does not hold what it must.
ApiError ErrorFromBody(const absl::Status& status, CallInfo call, bool write) {
  ApiError error;
  error.error_class = absl::IsDataLoss(status) ? ErrorClass::kRetryable
                                               : ErrorClass::kUnexpected;
  error.outcome_unknown = write;
  error.message = std::string(status.message());
  error.call = std::move(call);
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

absl::StatusOr<std::unique_ptr<PinterestClient>> PinterestClient::Create(
    Options options) {
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
  return std::unique_ptr<PinterestClient>(
      new PinterestClient(std::move(options)));
}

template <typename T, typename Parse>
ApiResult<T> PinterestClient::Call(absl::string_view method, std::string path,
                                   std::string body, Parse parse) {
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
  absl::StatusOr<T> value = parse(response.body, *token);
  if (!value.ok()) {
    return ErrorFromBody(value.status(), std::move(call), write);
  }
  return ApiResult<T>(*std::move(value), std::move(call));
}

ApiResult<CustomerList> PinterestClient::Create(
    absl::string_view ad_account_id, absl::string_view name,
    absl::string_view list_type, absl::Span<const RecordView> records) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return *std::move(error);
  }
  if (name.empty() || name.size() > kMaxListName || !IsPlainUtf8(name)) {
    return NotSendable(
        "the list name must be 1 to 1024 bytes of UTF-8 without control "
        "characters");
  }
  if (!IsListType(list_type)) return NotSendable("the list type is unknown");
  if (records.empty()) return NotSendable("there are no records");
  return Call<CustomerList>("POST", ListsPath(ad_account_id),
                            BuildCreateBody(name, list_type, records),
                            ParseCustomerList);
}

ApiResult<CustomerList> PinterestClient::Update(
    absl::string_view ad_account_id, absl::string_view customer_list_id,
    Operation operation, absl::Span<const RecordView> records) {
  if (std::optional<ApiError> error =
          CheckList(ad_account_id, customer_list_id)) {
    return *std::move(error);
  }
  if (records.empty()) return NotSendable("there are no records");
  return Call<CustomerList>(
      "PATCH", absl::StrCat(ListsPath(ad_account_id), "/", customer_list_id),
      BuildUpdateBody(operation, records), ParseCustomerList);
}

ApiResult<CustomerList> PinterestClient::Get(
    absl::string_view ad_account_id, absl::string_view customer_list_id) {
  if (std::optional<ApiError> error =
          CheckList(ad_account_id, customer_list_id)) {
    return *std::move(error);
  }
  return Call<CustomerList>(
      "GET", absl::StrCat(ListsPath(ad_account_id), "/", customer_list_id), "",
      ParseCustomerList);
}

ApiResult<CustomerListPage> PinterestClient::List(
    absl::string_view ad_account_id, absl::string_view bookmark, int page_size,
    bool newest_first) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return *std::move(error);
  }
  if (page_size < 1 || page_size > kMaxPageSize) {
    return NotSendable("the page size must be 1 to 250");
  }
  if (bookmark.size() > kMaxBookmark) {
    return NotSendable("the bookmark is too long");
  }
  std::string path =
      absl::StrCat(ListsPath(ad_account_id), "?page_size=", page_size,
                   "&order=", newest_first ? "DESCENDING" : "ASCENDING");
  if (!bookmark.empty()) {
    absl::StrAppend(&path, "&bookmark=", PercentEncode(bookmark));
  }
  return Call<CustomerListPage>(
      "GET", std::move(path), "",
      [&](absl::string_view body, absl::string_view token) {
        return ParseCustomerListPage(body, bookmark, token);
      });
}

ApiResult<AdAccount> PinterestClient::GetAdAccount(
    absl::string_view ad_account_id) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return *std::move(error);
  }
  return Call<AdAccount>("GET", absl::StrCat("/ad_accounts/", ad_account_id),
                         "", ParseAdAccount);
}

}  // namespace connector::pinterest
