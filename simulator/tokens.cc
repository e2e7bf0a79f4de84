#include "simulator/tokens.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace simulator {
namespace {

using nlohmann::json;

constexpr char kDefaultScope[] = "ads:read,ads:write,user_accounts:read";

// What follows "Basic " or "Bearer ", the scheme in any case; empty if it is
// another one.
absl::string_view AfterScheme(absl::string_view header,
                              absl::string_view scheme) {
  if (header.size() <= scheme.size() ||
      !absl::EqualsIgnoreCase(header.substr(0, scheme.size()), scheme) ||
      header[scheme.size()] != ' ') {
    return "";
  }
  return absl::StripAsciiWhitespace(header.substr(scheme.size()));
}

std::string Field(const std::map<std::string, std::string>& form,
                  const char* name) {
  auto it = form.find(name);
  return it == form.end() ? "" : it->second;
}

std::string DecodePercent(absl::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      plain += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() &&
               absl::ascii_isxdigit(text[i + 1]) &&
               absl::ascii_isxdigit(text[i + 2])) {
      plain += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

std::map<std::string, std::string> ParseForm(absl::string_view body) {
  std::map<std::string, std::string> form;
  for (absl::string_view pair : absl::StrSplit(body, '&', absl::SkipEmpty())) {
    std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    form.emplace(DecodePercent(parts.first), DecodePercent(parts.second));
  }
  return form;
}

Tokens::Tokens(Options options)
    : options_(std::move(options)),
      random_(options_.seed),
      accept_any_access_(options_.access_token.empty()),
      accept_any_refresh_(options_.refresh_token.empty()) {
  if (!accept_any_access_) access_[options_.access_token];
  if (!accept_any_refresh_) {
    refresh_[options_.refresh_token].scope = kDefaultScope;
  }
}

Tokens::Check Tokens::CheckBearer(absl::string_view authorization,
                                  absl::Time now) const {
  absl::string_view bearer = AfterScheme(authorization, "Bearer");
  Check check;
  if (bearer.empty()) return check;
  auto it = access_.find(bearer);
  if (it == access_.end()) {
    check.good = accept_any_access_;
    return check;
  }
  check.good = Good(it->second, now);
  check.client_only = it->second.client_only;
  check.scopes = absl::StrSplit(it->second.scope, absl::ByAnyChar(", "),
                                absl::SkipEmpty());
  return check;
}

std::string Tokens::MakeToken(absl::string_view prefix) {
  return absl::StrFormat("%s%016x%016x", prefix, random_(), random_());
}

bool Tokens::IsKnownApp(absl::string_view authorization) const {
  std::string plain;
  if (!absl::Base64Unescape(AfterScheme(authorization, "Basic"), &plain)) {
    return false;
  }
  std::pair<std::string, std::string> app =
      absl::StrSplit(plain, absl::MaxSplits(':', 1));
  if (app.first.empty() || app.second.empty()) return false;
  return options_.app_id.empty() ||
         (app.first == options_.app_id && app.second == options_.app_secret);
}

Answer Tokens::Grant(absl::string_view authorization,
                     const std::map<std::string, std::string>& form,
                     const Switches& switches, absl::Time now) {
  if (!IsKnownApp(authorization)) {
    return Error(401, kCodeAuthenticationOrNotFound, "Authentication failed.");
  }
  std::string grant = Field(form, "grant_type");
  std::string scope = Field(form, "scope");
  if (grant == "client_credentials") {
    if (scope.empty()) return Invalid("scope is required.");
    return NewTokens(grant, scope, /*with_refresh=*/false, now);
  }
  if (grant != "authorization_code" && grant != "refresh_token") {
    return Invalid(
        "grant_type must be one of authorization_code, refresh_token, "
        "client_credentials.");
  }
  if (switches.continuous_refresh_required &&
      Field(form, "continuous_refresh") != "true") {
    return Invalid("This app must send continuous_refresh=true.");
  }

  if (grant == "authorization_code") {
    std::string code = Field(form, "code");
    std::string redirect = Field(form, "redirect_uri");
    if (code.empty()) return Invalid("code is required.");
    if (redirect.empty()) return Invalid("redirect_uri is required.");
    auto it = codes_.find(code);
    bool good = it == codes_.end()
                    ? accept_any_refresh_
                    : it->second.empty() || it->second == redirect;
    if (!good || !used_codes_.insert(code).second) {
      return Invalid("The code is invalid, expired or already used.");
    }
    return NewTokens(grant, kDefaultScope, /*with_refresh=*/true, now);
  }

  std::string old = Field(form, "refresh_token");
  if (old.empty()) return Invalid("refresh_token is required.");
  auto it = refresh_.find(old);
  if (it == refresh_.end() ? !accept_any_refresh_ : !Good(it->second, now)) {
    return Invalid("The refresh token is invalid, expired or already used.");
  }
  Token& token = refresh_[old];
  if (token.scope.empty()) token.scope = kDefaultScope;
  if (switches.old_refresh_token_dead_at_once) token.state = State::kRevoked;
  return NewTokens(grant, scope.empty() ? token.scope : scope,
                   /*with_refresh=*/true, now);
}

Answer Tokens::NewTokens(absl::string_view grant, const std::string& scope,
                         bool with_refresh, absl::Time now) {
  ++grants_;
  std::string access = MakeToken(with_refresh ? "pina_" : "pinc_");
  access_[access] = {State::kValid, now + options_.access_lifetime,
                     /*client_only=*/!with_refresh, scope};
  json body = {{"response_type", std::string(grant)},
               {"access_token", access},
               {"token_type", "bearer"},
               {"expires_in", absl::ToInt64Seconds(options_.access_lifetime)},
               {"scope", scope}};
  if (with_refresh) {
    std::string refresh = MakeToken("pinr_");
    absl::Time expires = now + options_.refresh_lifetime;
    refresh_[refresh] = {State::kValid, expires, false, scope};
    body["refresh_token"] = refresh;
    body["refresh_token_expires_in"] =
        absl::ToInt64Seconds(options_.refresh_lifetime);
    body["refresh_token_expires_at"] = absl::ToUnixSeconds(expires);
  }
  return {200, std::move(body)};
}

std::string Tokens::MakeCode(absl::string_view redirect_uri) {
  std::string code = MakeToken("");
  codes_[code] = std::string(redirect_uri);
  return code;
}

absl::Status Tokens::Parse(const json& list, const char* key, absl::Time now,
                           TokenMap* tokens) {
  if (!list.is_array()) return absl::InvalidArgumentError("an array is wanted");
  for (const json& item : list) {
    if (!item.is_object() || !item.contains(key) || !item[key].is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat("each item needs a string \"", key, "\""));
    }
    Token token;
    token.scope = kDefaultScope;
    for (const auto& [name, value] : item.items()) {
      if (name == key) continue;
      if (name == "state" && value == "valid") {
        token.state = State::kValid;
      } else if (name == "state" && value == "expired") {
        token.state = State::kExpired;
      } else if (name == "state" && value == "revoked") {
        token.state = State::kRevoked;
      } else if (name == "expires_in" && value.is_number()) {
        token.expires = now + absl::Seconds(value.get<double>());
      } else if (name == "scope" && value.is_string()) {
        token.scope = value.get<std::string>();
      } else if (name == "client_only" && value.is_boolean()) {
        token.client_only = value.get<bool>();
      } else {
        return absl::InvalidArgumentError(absl::StrCat(
            name,
            ": unknown, or the value does not fit (state is valid, "
            "expired or revoked)"));
      }
    }
    (*tokens)[item[key].get<std::string>()] = token;
  }
  return absl::OkStatus();
}

absl::Status Tokens::Set(const json& in, absl::Time now) {
  if (!in.is_object()) return absl::InvalidArgumentError("an object is wanted");
  Tokens changed = *this;
  for (const auto& [name, value] : in.items()) {
    absl::Status status;
    if (name == "access_tokens") {
      status = Parse(value, "access_token", now, &changed.access_);
    } else if (name == "refresh_tokens") {
      status = Parse(value, "refresh_token", now, &changed.refresh_);
    } else if (name == "accept_any" && value.is_boolean()) {
      changed.accept_any_access_ = value.get<bool>();
      changed.accept_any_refresh_ = value.get<bool>();
    } else if (name == "app_id" && value.is_string()) {
      changed.options_.app_id = value.get<std::string>();
    } else if (name == "app_secret" && value.is_string()) {
      changed.options_.app_secret = value.get<std::string>();
    } else if (name == "access_token_lifetime_s" && value.is_number()) {
      changed.options_.access_lifetime = absl::Seconds(value.get<double>());
    } else if (name == "refresh_token_lifetime_s" && value.is_number()) {
      changed.options_.refresh_lifetime = absl::Seconds(value.get<double>());
    } else {
      status = absl::InvalidArgumentError(
          absl::StrCat(name, ": unknown, or the value does not fit"));
    }
    if (!status.ok()) return status;
  }
  *this = std::move(changed);
  return absl::OkStatus();
}

json Tokens::Inspect(absl::Time now) const {
  auto count = [&](const TokenMap& tokens) {
    int64_t good = 0;
    for (const auto& [text, token] : tokens) good += Good(token, now);
    return json{{"known", tokens.size()}, {"good", good}};
  };
  return {{"accept_any_access_token", accept_any_access_},
          {"accept_any_refresh_token", accept_any_refresh_},
          {"access_tokens", count(access_)},
          {"refresh_tokens", count(refresh_)},
          {"grants", grants_}};
}

}  // namespace simulator
