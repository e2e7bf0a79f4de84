#include "connector/pinterest/oauth_token_source.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/pinterest/secret_file.h"

namespace connector::pinterest {
namespace {

// A refresh token that ends so soon should have been renewed long ago.
constexpr absl::Duration kEndsSoon = absl::Hours(24 * 30);

// While nothing can be sent, and while the access token still works.
constexpr absl::Duration kFirstDelay = absl::Seconds(1);
constexpr absl::Duration kLongestDelay = absl::Minutes(1);
constexpr absl::Duration kFirstRelaxedDelay = absl::Minutes(1);
constexpr absl::Duration kLongestRelaxedDelay = absl::Hours(1);

// Refused tokens and apps; a file that changes is looked at within a second.
constexpr absl::Duration kRefusedDelay = absl::Hours(1);
// Files cost nothing to look at again.
constexpr absl::Duration kFileDelay = absl::Seconds(5);
// At most one refresh because of a 401 in so long: where a new token is refused
// as well, more of them change nothing.
constexpr absl::Duration kForcedInterval = absl::Minutes(5);

constexpr char kNoLogin[] = "NO_LOGIN";
constexpr char kDead[] = "REFRESH_TOKEN_REFUSED";
constexpr char kAppRefused[] = "APP_REFUSED";
constexpr char kRefreshFailed[] = "REFRESH_FAILED";
constexpr char kNotStored[] = "TOKENS_NOT_STORED";

bool IsTransient(absl::string_view reason) {
  return reason == kRefreshFailed || reason == kNotStored;
}

}  // namespace

// Messages are cut at 300 bytes further on: what to do stands first.
absl::Status OAuthTokenSource::Problem(absl::string_view reason,
                                       absl::string_view message,
                                       const absl::Status& cause) const {
  return MakeError(IsTransient(reason) ? absl::StatusCode::kUnavailable
                                       : absl::StatusCode::kFailedPrecondition,
                   reason,
                   absl::StrCat("credential \"", options_.credential_id,
                                "\": ", message, cause.ok() ? "" : " [",
                                cause.message(), cause.ok() ? "" : "]"));
}

absl::StatusOr<std::string> OAuthTokenSource::ReadAppSecret(
    const OAuthSettings& s) const {
  return ReadSecretFile(options_.credentials_dir, s.app_secret_file,
                        "app secret file",
                        "put the app's secret into it and run chmod 600 on it");
}

absl::StatusOr<std::string> OAuthTokenSource::ReadOperatorToken(
    const OAuthSettings& s) const {
  return ReadSecretFile(options_.credentials_dir, s.refresh_token_file,
                        "refresh token file", "run \"audiencectl login\"");
}

std::pair<std::string, std::string> OAuthTokenSource::FileDigests(
    const OAuthSettings& settings) const {
  const auto digest = [](const absl::StatusOr<std::string>& secret) {
    return secret.ok() ? SecretDigest(*secret) : "";
  };
  return {digest(ReadAppSecret(settings)), digest(ReadOperatorToken(settings))};
}

bool OAuthTokenSource::AccessTokenGood(absl::Time now) const {
  return tokens_.has_value() && now < tokens_->access_token_expire_time;
}

absl::Time OAuthTokenSource::RefreshTime() const {
  if (!tokens_.has_value()) return absl::InfinitePast();
  return tokens_->refresh_time +
         (tokens_->access_token_expire_time - tokens_->refresh_time) / 2;
}

void OAuthTokenSource::AwaitNoRefresh() {
  const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !refreshing_;
  };
  mutex_.Await(absl::Condition(&none));
}

void OAuthTokenSource::Reset() {
  loaded_ = false;
  tokens_.reset();
  unstored_.reset();
  problem_ = absl::OkStatus();
  failures_ = 0;
  next_try_ = absl::InfinitePast();
  next_forced_ = absl::InfinitePast();
  refused_.clear();
  secret_digest_.clear();
  operator_digest_.clear();
}

void OAuthTokenSource::Configure(std::optional<OAuthSettings> settings) {
  absl::MutexLock lock(&mutex_);
  if (settings == settings_) return;
  AwaitNoRefresh();
  // Nothing of the other login may get into this one's place.
  Reset();
  settings_ = std::move(settings);
}

absl::Status OAuthTokenSource::Forget() {
  absl::MutexLock lock(&mutex_);
  AwaitNoRefresh();
  Reset();
  settings_.reset();
  return options_.vault->Remove(options_.credential_id);
}

absl::Status OAuthTokenSource::Blocked(absl::Time now) const {
  if (!settings_.has_value()) {
    return Problem(kNoLogin, "has no login; its configuration changed");
  }
  if (problem_.ok()) {
    return Problem(kRefreshFailed, "the tokens are just being refreshed");
  }
  if (!absl::IsUnavailable(problem_)) return problem_;
  ErrorDetail detail = GetErrorDetail(problem_);
  detail.retry_delay = std::max(next_try_ - now, kFirstDelay);
  return MakeError(problem_.code(), problem_.message(), detail);
}

absl::StatusOr<std::string> OAuthTokenSource::AccessToken() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    const absl::Time now = options_.clock->Now();
    if (!settings_.has_value()) return Blocked(now);
    if (AccessTokenGood(now)) return tokens_->access_token;
    if (refreshing_) {
      AwaitNoRefresh();
      if (AccessTokenGood(options_.clock->Now())) continue;
      return Blocked(now);
    }
    if (now < next_try_) return Blocked(now);
    Refresh(/*forced=*/false);
    if (!AccessTokenGood(options_.clock->Now())) return Blocked(now);
  }
}

absl::StatusOr<std::string> OAuthTokenSource::AnotherToken(
    absl::string_view refused) {
  absl::MutexLock lock(&mutex_);
  AwaitNoRefresh();
  const absl::Time now = options_.clock->Now();
  if (!settings_.has_value()) return Blocked(now);
  const auto other = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return AccessTokenGood(now) && tokens_->access_token != refused;
  };
  if (other()) return tokens_->access_token;
  if (refused_ != refused) {
    refused_ = std::string(refused);
    // What could wait while the access token worked cannot any more.
    if (absl::IsUnavailable(problem_)) next_try_ = absl::InfinitePast();
  }
  if (now >= next_forced_ && now >= next_try_) {
    next_forced_ = now + kForcedInterval;
    Refresh(/*forced=*/true);
    if (other()) return tokens_->access_token;
  }
  if (!problem_.ok()) return Blocked(now);
  return Problem(
      kDead,
      "Pinterest refuses an access token that it gave a short while ago; see "
      "that the app still has access, then run \"audiencectl login\"");
}

void OAuthTokenSource::RefreshIfDue() {
  OAuthSettings settings;
  {
    absl::MutexLock lock(&mutex_);
    if (!settings_.has_value() || refreshing_) return;
    settings = *settings_;
  }
  const auto [secret, operator_token] = FileDigests(settings);
  absl::MutexLock lock(&mutex_);
  if (refreshing_ || settings_ != settings) return;
  const absl::Time now = options_.clock->Now();
  if (secret != secret_digest_ || operator_token != operator_digest_) {
    failures_ = 0;
    next_forced_ = absl::InfinitePast();
    Refresh(/*forced=*/false);
    return;
  }
  const bool due = !loaded_ || unstored_.has_value() || !problem_.ok() ||
                   now >= RefreshTime();
  if (due && now >= next_try_) Refresh(/*forced=*/false);
}

absl::Status OAuthTokenSource::Check() {
  OAuthSettings settings;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = options_.clock->Now();
    if (!settings_.has_value()) return Blocked(now);
    if (AccessTokenGood(now)) return absl::OkStatus();
    if (!problem_.ok()) return Blocked(now);
    settings = *settings_;
  }
  // Not looked at yet.
  if (auto secret = ReadAppSecret(settings); !secret.ok()) {
    return secret.status();
  }
  return absl::OkStatus();
}

OAuthState OAuthTokenSource::State() {
  absl::MutexLock lock(&mutex_);
  return StateLocked();
}

OAuthState OAuthTokenSource::StateLocked() const {
  OAuthState state;
  state.problem = problem_;
  if (!settings_.has_value() || !tokens_.has_value()) return state;
  state.access_token_expire_time = tokens_->access_token_expire_time;
  state.refresh_token_expire_time = tokens_->refresh_token_expire_time;
  state.last_refresh_time = tokens_->refresh_time;
  state.next_refresh_time = std::max(RefreshTime(), next_try_);
  const absl::Time end =
      tokens_->refresh_token_expire_time.value_or(absl::InfiniteFuture());
  const absl::Duration left = end - options_.clock->Now();
  if (problem_.ok() && left < kEndsSoon) {
    state.problem =
        Problem("REFRESH_TOKEN_ENDS_SOON",
                absl::StrCat("the refresh token ends in ",
                             std::max<int64_t>(0, left / absl::Hours(24)),
                             " days; run \"audiencectl login\" before that"));
  }
  return state;
}

void OAuthTokenSource::Refresh(bool forced) {
  refreshing_ = true;
  Work work;
  work.settings = *settings_;
  work.tokens = tokens_;
  work.loaded = loaded_;
  work.unstored = unstored_;
  work.secret_digest = secret_digest_;
  // A problem is only over when a refresh went well.
  work.forced = forced || (!problem_.ok() && loaded_);
  mutex_.Unlock();
  Outcome outcome = DoRefresh(work);
  mutex_.Lock();
  std::optional<OAuthEvent> event = Adopt(std::move(outcome));
  refreshing_ = false;
  if (event.has_value() && options_.observer) {
    mutex_.Unlock();
    options_.observer(*event);
    mutex_.Lock();
  }
}

std::optional<OAuthEvent> OAuthTokenSource::Adopt(Outcome outcome) {
  const absl::Time now = options_.clock->Now();
  const bool had_problem = !problem_.ok();
  const bool same_problem = outcome.problem == problem_;
  tokens_ = std::move(outcome.tokens);
  loaded_ = outcome.loaded;
  unstored_ = std::move(outcome.unstored);
  secret_digest_ = std::move(outcome.secret_digest);
  operator_digest_ = std::move(outcome.operator_digest);
  problem_ = outcome.problem;
  if (problem_.ok()) {
    failures_ = 0;
    next_try_ = absl::InfinitePast();
  } else {
    absl::Duration delay = outcome.retry_after;
    if (outcome.backoff) {
      const bool relaxed =
          AccessTokenGood(now) && tokens_->access_token != refused_;
      absl::Duration most = relaxed ? kFirstRelaxedDelay : kFirstDelay;
      const absl::Duration longest =
          relaxed ? kLongestRelaxedDelay : kLongestDelay;
      for (int i = 0; i < failures_ && most < longest; ++i) most *= 2;
      ++failures_;
      delay = std::max(delay, std::min(most, longest) *
                                  (0.5 + options_.random->NextUnit() / 2));
    }
    next_try_ = now + delay;
  }
  if (!outcome.refreshed && (problem_.ok() || same_problem)) {
    return std::nullopt;
  }
  OAuthEvent event;
  event.credential_id = options_.credential_id;
  event.status = problem_;
  event.mended = had_problem && outcome.refreshed;
  event.state = StateLocked();
  return event;
}

OAuthTokenSource::Outcome OAuthTokenSource::DoRefresh(const Work& work) {
  Outcome outcome;
  outcome.tokens = work.tokens;
  outcome.loaded = work.loaded;
  outcome.unstored = work.unstored;

  const auto operator_token = ReadOperatorToken(work.settings);
  if (operator_token.ok()) {
    outcome.operator_digest = SecretDigest(*operator_token);
  }
  const auto secret = ReadAppSecret(work.settings);
  if (!secret.ok()) {
    outcome.problem = secret.status();
    outcome.retry_after = kFileDelay;
    return outcome;
  }
  outcome.secret_digest = SecretDigest(*secret);
  const OAuthApp app = {work.settings.app_id, *secret};

  absl::Status unreadable;
  if (!outcome.loaded) {
    auto stored = options_.vault->Load(options_.credential_id, app);
    if (stored.ok()) {
      outcome.tokens = *std::move(stored);
      outcome.loaded = true;
    } else if (absl::IsNotFound(stored.status())) {
      outcome.loaded = true;
    } else if (absl::IsDataLoss(stored.status())) {
      // Looked at again with the next secret; the operator's token may do.
      unreadable = stored.status();
    } else {
      outcome.problem = Problem(
          kRefreshFailed, "the stored tokens cannot be read", stored.status());
      outcome.backoff = true;
      return outcome;
    }
  }
  if (outcome.unstored.has_value()) {
    if (absl::Status s = options_.vault->Store(options_.credential_id, app,
                                               *outcome.unstored);
        !s.ok()) {
      outcome.problem =
          Problem(kNotStored,
                  "new tokens cannot be stored, see the state "
                  "directory; the earlier access token stays in use",
                  s);
      outcome.backoff = true;
      return outcome;
    }
    outcome.tokens = std::move(outcome.unstored);
    outcome.unstored.reset();
    outcome.refreshed = true;
  }

  const absl::Time now = options_.clock->Now();
  bool needed = work.forced && !outcome.refreshed;
  if (!outcome.tokens.has_value()) {
    needed = true;
  } else {
    const StoredTokens& tokens = *outcome.tokens;
    needed |=
        now >= tokens.refresh_time +
                   (tokens.access_token_expire_time - tokens.refresh_time) / 2;
    needed |= operator_token.ok() &&
              outcome.operator_digest != tokens.operator_digest;
    // A new secret shows only in use whether it is right (or by opening what is
    // stored).
    needed |= work.loaded && !work.secret_digest.empty() &&
              work.secret_digest != outcome.secret_digest;
  }
  if (!needed) return outcome;
  Renew(work.settings, app, operator_token, &outcome);
  if (!outcome.problem.ok() && !unreadable.ok()) {
    outcome.problem = Problem(
        GetErrorDetail(outcome.problem).reason,
        absl::StrCat("the stored tokens cannot be opened with this app secret "
                     "and app ID: put the former ones back, or run "
                     "\"audiencectl login\""),
        outcome.problem);
  }
  return outcome;
}

void OAuthTokenSource::Renew(const OAuthSettings& settings, const OAuthApp& app,
                             const absl::StatusOr<std::string>& operator_token,
                             Outcome* outcome) {
  struct Candidate {
    std::string refresh_token;
    bool from_file;
  };
  std::vector<Candidate> candidates;
  const auto add = [&](const std::string& token, bool from_file) {
    for (const Candidate& candidate : candidates) {
      if (candidate.refresh_token == token) return;
    }
    candidates.push_back({token, from_file});
  };
  const bool has_stored =
      outcome->tokens.has_value() && !outcome->tokens->refresh_token.empty();
  const bool new_login = operator_token.ok() &&
                         (!has_stored || outcome->operator_digest !=
                                             outcome->tokens->operator_digest);
  if (new_login) add(*operator_token, true);
  if (has_stored) add(outcome->tokens->refresh_token, false);
  // The last resort.
  if (operator_token.ok()) add(*operator_token, true);
  if (candidates.empty()) {
    outcome->problem = operator_token.status();
    outcome->retry_after = kFileDelay;
    return;
  }
  if (absl::Status s = options_.vault->Reserve(options_.credential_id);
      !s.ok()) {
    outcome->problem =
        Problem(kNotStored,
                "no refresh, as new tokens could not be stored; see the "
                "state directory",
                s);
    outcome->backoff = true;
    return;
  }

  std::optional<GrantError> refused;
  for (const Candidate& candidate : candidates) {
    const absl::Time start = options_.clock->Now();
    GrantResult result = options_.client->Refresh(app, candidate.refresh_token);
    if (auto* error = std::get_if<GrantError>(&result)) {
      if (error->kind == GrantError::Kind::kRetryable) {
        outcome->problem =
            Problem(kRefreshFailed,
                    "the tokens could not be refreshed; it is tried "
                    "again",
                    absl::UnavailableError(error->message));
        outcome->retry_after =
            error->retry_after.value_or(absl::ZeroDuration());
        outcome->backoff = true;
        return;
      }
      if (!refused.has_value() ||
          error->kind == GrantError::Kind::kGrantRefused) {
        refused = *std::move(error);
      }
      continue;
    }
    TokenGrant& grant = std::get<TokenGrant>(result);
    StoredTokens tokens;
    tokens.access_token = std::move(grant.access_token);
    tokens.access_token_expire_time = grant.access_token_expire_time;
    tokens.refresh_time = start;
    if (!grant.refresh_token.empty()) {
      tokens.refresh_token = std::move(grant.refresh_token);
      tokens.refresh_token_expire_time = grant.refresh_token_expire_time;
    } else {
      tokens.refresh_token = candidate.refresh_token;
      if (!candidate.from_file) {
        tokens.refresh_token_expire_time =
            outcome->tokens->refresh_token_expire_time;
      }
    }
    // A login of the operator's that was refused stays a new one.
    const bool login_refused = new_login && !candidate.from_file;
    tokens.operator_digest =
        operator_token.ok() && !login_refused
            ? outcome->operator_digest
            : (outcome->tokens.has_value() ? outcome->tokens->operator_digest
                                           : "");
    if (absl::Status s =
            options_.vault->Store(options_.credential_id, app, tokens);
        !s.ok()) {
      outcome->unstored = std::move(tokens);
      outcome->problem =
          Problem(kNotStored,
                  "new tokens cannot be stored, see the state "
                  "directory; the earlier access token stays in use",
                  s);
      outcome->backoff = true;
      return;
    }
    if (login_refused) {
      outcome->problem = Problem(
          kDead,
          absl::StrCat("Pinterest refuses the token in refresh token file \"",
                       settings.refresh_token_file,
                       "\"; the login from before goes on. Run \"audiencectl "
                       "login\" again"));
      outcome->retry_after =
          (tokens.access_token_expire_time - tokens.refresh_time) / 2;
    }
    outcome->tokens = std::move(tokens);
    outcome->loaded = true;
    outcome->refreshed = true;
    return;
  }
  const absl::Status cause = absl::FailedPreconditionError(refused->message);
  outcome->problem =
      refused->kind == GrantError::Kind::kAppRefused
          ? Problem(
                kAppRefused,
                absl::StrCat("Pinterest refuses the app: see that app_id "
                             "is right and that \"",
                             settings.app_secret_file, "\" holds its secret"),
                cause)
          : Problem(kDead,
                    absl::StrCat("Pinterest refuses the refresh token; run "
                                 "\"audiencectl login\" for a new one in \"",
                                 settings.refresh_token_file, "\""),
                    cause);
  outcome->retry_after = kRefusedDelay;
}

}  // namespace connector::pinterest
