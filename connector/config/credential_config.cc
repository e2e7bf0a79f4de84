#include "connector/config/credential_config.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "connector/base/limits.h"
#include "connector/base/token_name.h"
#include "connector/config/etag.h"

namespace connector::config {
namespace {

constexpr size_t kMaxCredentialIdBytes = 63;
constexpr size_t kMaxFileNameBytes = limits::kMaxFileNameBytes;
constexpr size_t kMaxAppIdBytes = 30;

// No slash, and no name that begins with a dot: never a way out of the
// directory, never a hidden file.
bool IsPlainFileName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxFileNameBytes && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

void CheckFileName(absl::string_view name, absl::string_view field,
                   FieldCheck* check) {
  if (IsPlainFileName(name)) return;
  check->Add(field,
             absl::StrCat("must be a plain file name of letters, digits, '.', "
                          "'_' and '-', at most ",
                          kMaxFileNameBytes, ", not a path"));
}

void CheckLogin(const audience_sync::v1::OAuthLogin& login,
                absl::string_view field, FieldCheck* check) {
  const auto path = [field](absl::string_view rest) {
    return absl::StrCat(field, ".", rest);
  };
  const std::string& id = login.app_id();
  if (id.empty() || id.size() > kMaxAppIdBytes ||
      !std::all_of(id.begin(), id.end(),
                   [](char c) { return absl::ascii_isdigit(c); })) {
    check->Add(path("app_id"), "must be 1 to 30 digits");
  }
  CheckFileName(login.app_secret_file(), path("app_secret_file"), check);
  CheckFileName(login.refresh_token_file(), path("refresh_token_file"), check);
  if (!login.refresh_token_file().empty() &&
      login.refresh_token_file() == login.app_secret_file()) {
    check->Add(path("refresh_token_file"),
               "must be another file than app_secret_file");
  }
}

}  // namespace

void CheckCredentialId(absl::string_view credential_id, absl::string_view field,
                       FieldCheck* check) {
  if (credential_id.empty()) {
    check->Add(field, "must not be empty");
  } else if (credential_id.size() > kMaxCredentialIdBytes ||
             !absl::ascii_islower(credential_id[0]) ||
             !std::all_of(credential_id.begin(), credential_id.end(),
                          [](char c) {
                            return absl::ascii_islower(c) ||
                                   absl::ascii_isdigit(c) || c == '-';
                          })) {
    check->Add(field,
               "must be a small letter and up to 62 small letters, digits and "
               "hyphens");
  }
}

CredentialState ResolveCredential(
    const audience_sync::v1::Credential& credential, absl::string_view field,
    FieldCheck* check) {
  CredentialState state;
  state.credential_id = credential.credential_id();
  state.token_name = credential.access_token_file();
  state.config = credential;
  state.config.clear_etag();
  const auto path = [field](absl::string_view rest) {
    return absl::StrCat(field, ".", rest);
  };

  CheckCredentialId(credential.credential_id(), path("credential_id"), check);
  check->Text(path("display_name"), credential.display_name(),
              limits::kMaxDisplayNameBytes);
  switch (credential.token_source_case()) {
    case audience_sync::v1::Credential::kAccessTokenFile:
      CheckFileName(credential.access_token_file(), path("access_token_file"),
                    check);
      break;
    case audience_sync::v1::Credential::kOauth:
      state.token_name = LoginTokenName(credential.credential_id());
      CheckLogin(credential.oauth(), path("oauth"), check);
      break;
    case audience_sync::v1::Credential::TOKEN_SOURCE_NOT_SET:
      check->Add(path("access_token_file"), "must be set, unless oauth is set");
      break;
  }
  const audience_sync::v1::RateLimits& rates = credential.rate_limits();
  check->Range(path("rate_limits.writes_per_minute"), rates.writes_per_minute(),
               0, limits::kMaxWritesPerMinute);
  check->Range(path("rate_limits.reads_per_minute"), rates.reads_per_minute(),
               0, limits::kMaxReadsPerMinute);
  if (!audience_sync::v1::AccessTier_IsValid(rates.access_tier())) {
    check->Add(path("rate_limits.access_tier"), "is not a known value");
  }
  if (rates.unlimited()) {
    if (rates.writes_per_minute() != 0 || rates.reads_per_minute() != 0 ||
        rates.access_tier() != audience_sync::v1::ACCESS_TIER_UNSPECIFIED) {
      check->Add(path("rate_limits.unlimited"),
                 "cannot be set together with a rate or an access tier");
    }
  } else {
    state.limits.calls_per_second = limits::kCallsPerSecond;
    state.limits.writes_per_minute = rates.writes_per_minute() == 0
                                         ? limits::kDefaultWritesPerMinute
                                         : rates.writes_per_minute();
    state.limits.reads_per_minute = rates.reads_per_minute() == 0
                                        ? limits::kDefaultReadsPerMinute
                                        : rates.reads_per_minute();
    if (rates.access_tier() == audience_sync::v1::ACCESS_TIER_TRIAL) {
      state.limits.writes_per_day = limits::kTrialWritesPerDay;
      state.limits.calls_per_day = limits::kTrialCallsPerDay;
    }
  }
  state.config.set_etag(EtagOf(state.config));
  return state;
}

absl::StatusOr<CredentialState> ResolveCredential(
    const audience_sync::v1::Credential& credential) {
  FieldCheck check;
  CredentialState state = ResolveCredential(credential, "credential", &check);
  if (!check.ok()) return check.ToStatus();
  return state;
}

}  // namespace connector::config
