#include "connector/pinterest/oauth_client.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/rate_limit_headers.h"
#include "connector/pinterest/safe_text.h"
#include "connector/pinterest/url.h"
#include "nlohmann/json.hpp"

namespace connector::pinterest {
namespace {

using nlohmann::json;

constexpr size_t kMaxMessage = 300;
constexpr size_t kMaxToken = 4096;
constexpr size_t kMaxAnswer = 64 << 10;
// Of an answer that does not tell how long its access token lives.
constexpr absl::Duration kUnknownLifetime = absl::Hours(1);
constexpr double kMaxLifetimeSeconds = 10.0 * 365 * 24 * 3600;

bool IsToken(absl::string_view token) {
  return !token.empty() && token.size() <= kMaxToken &&
         std::all_of(token.begin(), token.end(),
                     [](char c) { return absl::ascii_isgraph(c); });
}

std::string TokenField(const json& answer, const char* key) {
  const auto found = answer.find(key);
  if (found == answer.end() || !found->is_string()) return "";
  const std::string& text = found->get_ref<const std::string&>();
  return IsToken(text) ? text : "";
}

// A positive number.
std::optional<double> NumberField(const json& answer, const char* key) {
  const auto found = answer.find(key);
  if (found == answer.end() || !found->is_number()) return std::nullopt;
  const double number = found->get<double>();
  if (!(number > 0)) return std::nullopt;
  return number;
}

absl::Duration Lifetime(double seconds) {
  return absl::Seconds(std::min(seconds, kMaxLifetimeSeconds));
}

// Discarded when it is no object. Nothing here recurses over what it holds.
json ParseBody(const std::string& body) {
  if (body.size() > kMaxAnswer) return json(json::value_t::discarded);
  json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  return parsed.is_object() ? parsed : json(json::value_t::discarded);
}

GrantError Retryable(absl::string_view message, int http_status = 0) {
  GrantError error;
  error.http_status = http_status;
  error.message = std::string(message);
  return error;
}

GrantError ReadError(const HttpResponse& response, absl::Time now,
                     const OAuthApp& app, absl::string_view secret) {
  GrantError error;
  error.http_status = response.status;
  error.retry_after = ParseRetryAfter(response.headers, now);
  std::string oauth_error;
  const json body = ParseBody(response.body);
  if (!body.is_discarded()) {
    const auto found = body.find("error");
    if (found != body.end() && found->is_string()) oauth_error = *found;
  }
  if (response.status == 401 || response.status == 403 ||
      (response.status == 400 && (oauth_error == "invalid_client" ||
                                  oauth_error == "unauthorized_client"))) {
    error.kind = GrantError::Kind::kAppRefused;
  } else if (response.status == 400) {
    error.kind = GrantError::Kind::kGrantRefused;
  }
  if (oauth_error == "invalid_grant" && response.status >= 400 &&
      response.status <= 403) {
    error.kind = GrantError::Kind::kGrantRefused;
  }
  error.message = SafeText(
      absl::StrCat("HTTP ", response.status, ": ",
                   SafeText(ParseErrorAnswer(response.body, secret).message,
                            kMaxMessage, app.app_secret)),
      kMaxMessage, secret);
  return error;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OAuthClient>> OAuthClient::Create(
    Options options) {
  const absl::StatusOr<HttpUrl> url = ParseHttpUrl(options.base_url);
  if (!url.ok()) return FieldError("base_url", url.status().message());
  if (!url->https && !url->loopback) {
    return FieldError("base_url",
                      "must be https:// unless the host is loopback");
  }
  if (options.base_url.find('?') != std::string::npos) {
    return FieldError("base_url", "must not have a query");
  }
  while (absl::EndsWith(options.base_url, "/")) options.base_url.pop_back();
  if (options.timeout <= absl::ZeroDuration() || options.transport == nullptr ||
      options.clock == nullptr) {
    return absl::InvalidArgumentError(
        "a positive timeout, transport and clock must be given");
  }
  return std::unique_ptr<OAuthClient>(new OAuthClient(std::move(options)));
}

GrantResult OAuthClient::Refresh(const OAuthApp& app,
                                 absl::string_view refresh_token) {
  return Grant(
      app,
      absl::StrCat("grant_type=refresh_token&refresh_token=",
                   PercentEncode(refresh_token), "&continuous_refresh=true"),
      refresh_token);
}

GrantResult OAuthClient::Exchange(const OAuthApp& app, absl::string_view code,
                                  absl::string_view redirect_uri) {
  return Grant(
      app,
      absl::StrCat("grant_type=authorization_code&code=", PercentEncode(code),
                   "&redirect_uri=", PercentEncode(redirect_uri),
                   "&continuous_refresh=true"),
      code);
}

GrantResult OAuthClient::Grant(const OAuthApp& app, std::string form,
                               absl::string_view secret) {
  HttpRequest request;
  request.method = "POST";
  request.url = absl::StrCat(options_.base_url, "/oauth/token");
  request.headers.emplace_back(
      "Authorization",
      absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(app.app_id, ":",
                                                             app.app_secret))));
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("Content-Type",
                               "application/x-www-form-urlencoded");
  request.body = std::move(form);
  request.timeout = options_.timeout;

  const absl::Time start = options_.clock->Now();
  const HttpResult result = options_.transport->Perform(request);
  if (const auto* failure = std::get_if<TransportError>(&result)) {
    return Retryable(SafeText(failure->message, kMaxMessage, secret));
  }
  const HttpResponse& response = std::get<HttpResponse>(result);
  if (response.status < 200 || response.status > 299) {
    return ReadError(response, options_.clock->Now(), app, secret);
  }
  const json body = ParseBody(response.body);
  TokenGrant grant;
  if (!body.is_discarded()) {
    grant.access_token = TokenField(body, "access_token");
    grant.refresh_token = TokenField(body, "refresh_token");
  }
  if (grant.access_token.empty()) {
    return Retryable("the answer holds no access token", response.status);
  }
  const auto lifetime = NumberField(body, "expires_in");
  grant.access_token_expire_time =
      start + (lifetime.has_value() ? Lifetime(*lifetime) : kUnknownLifetime);
  if (const auto in = NumberField(body, "refresh_token_expires_in")) {
    grant.refresh_token_expire_time = start + Lifetime(*in);
  } else if (const auto at = NumberField(body, "refresh_token_expires_at")) {
    const absl::Time end = absl::UnixEpoch() + absl::Seconds(*at);
    grant.refresh_token_expire_time =
        std::min(end, start + Lifetime(kMaxLifetimeSeconds));
  }
  return grant;
}

}  // namespace connector::pinterest
