#include "connector/pinterest/token_sources.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/base/error.h"
#include "connector/base/token_name.h"
#include "connector/pinterest/token_file.h"

namespace connector::pinterest {

absl::StatusOr<std::unique_ptr<TokenSources>> TokenSources::Create(
    Options options) {
  if (options.credentials_dir.empty()) {
    return FieldError("credentials_dir", "must not be empty");
  }
  OAuthClient::Options client_options;
  client_options.base_url = options.base_url;
  client_options.timeout = options.timeout;
  client_options.transport = options.transport;
  client_options.clock = options.clock;
  auto client = OAuthClient::Create(std::move(client_options));
  if (!client.ok()) return client.status();
  return std::unique_ptr<TokenSources>(
      new TokenSources(std::move(options), *std::move(client)));
}

absl::Status TokenSources::Configure(
    const std::map<std::string, std::optional<OAuthSettings>>& credentials) {
  struct Change {
    std::shared_ptr<OAuthTokenSource> source;
    std::optional<OAuthSettings> settings;
    bool forget = false;
  };
  std::vector<Change> changes;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [id, login] : logins_) {
      const auto found = credentials.find(id);
      if (found != credentials.end() && found->second.has_value()) continue;
      if (!login.configured) continue;
      login.configured = false;
      changes.push_back(
          {login.source, std::nullopt, found == credentials.end()});
    }
    for (const auto& [id, settings] : credentials) {
      if (!settings.has_value()) continue;
      if (mkdir(options_.tokens_dir.c_str(), 0700) != 0 && errno != EEXIST) {
        return MakeError(absl::StatusCode::kFailedPrecondition,
                         "STATE_UNUSABLE",
                         absl::StrCat("making the directory of stored tokens: ",
                                      std::strerror(errno)));
      }
      Login& login = logins_[id];
      login.configured = true;
      if (login.source == nullptr) {
        OAuthTokenSource::Options source;
        source.credential_id = id;
        source.credentials_dir = options_.credentials_dir;
        source.client = client_.get();
        source.vault = &vault_;
        source.clock = options_.clock;
        source.random = options_.random;
        source.observer = options_.observer;
        login.source = std::make_shared<OAuthTokenSource>(std::move(source));
      }
      changes.push_back({login.source, settings});
    }
  }
  absl::Status status;
  for (Change& change : changes) {
    if (change.forget) {
      status.Update(change.source->Forget());
    } else {
      change.source->Configure(std::move(change.settings));
    }
  }
  return status;
}

absl::StatusOr<std::shared_ptr<TokenSource>> TokenSources::Find(
    absl::string_view name) {
  if (absl::ConsumePrefix(&name, kLoginPrefix)) {
    std::shared_ptr<OAuthTokenSource> login = FindLogin(name);
    if (login == nullptr) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "NO_LOGIN",
                       "the credential has no login");
    }
    return login;
  }
  absl::MutexLock lock(&mutex_);
  const auto found = files_.find(name);
  if (found != files_.end()) return found->second;
  auto source = FileTokenSource::Create(options_.credentials_dir, name);
  if (!source.ok()) return source.status();
  return files_.emplace(std::string(name), *std::move(source)).first->second;
}

absl::Status TokenSources::Check(absl::string_view name) {
  absl::string_view credential_id = name;
  if (absl::ConsumePrefix(&credential_id, kLoginPrefix)) {
    if (auto login = FindLogin(credential_id)) return login->Check();
  }
  auto source = Find(name);
  return source.ok() ? (*source)->AccessToken().status() : source.status();
}

std::optional<OAuthState> TokenSources::LoginState(
    absl::string_view credential_id) {
  {
    absl::MutexLock lock(&mutex_);
    const auto found = logins_.find(credential_id);
    if (found == logins_.end() || !found->second.configured) {
      return std::nullopt;
    }
  }
  return FindLogin(credential_id)->State();
}

void TokenSources::RefreshDue() {
  std::vector<std::shared_ptr<OAuthTokenSource>> sources;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, login] : logins_) {
      if (login.configured) sources.push_back(login.source);
    }
  }
  for (const auto& source : sources) source->RefreshIfDue();
}

std::shared_ptr<OAuthTokenSource> TokenSources::FindLogin(
    absl::string_view credential_id) {
  absl::MutexLock lock(&mutex_);
  const auto found = logins_.find(credential_id);
  return found == logins_.end() ? nullptr : found->second.source;
}

}  // namespace connector::pinterest
