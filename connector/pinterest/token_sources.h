#ifndef CONNECTOR_PINTEREST_TOKEN_SOURCES_H_
#define CONNECTOR_PINTEREST_TOKEN_SOURCES_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/pinterest/file_ops.h"
#include "connector/pinterest/http_transport.h"
#include "connector/pinterest/oauth_client.h"
#include "connector/pinterest/oauth_token_source.h"
#include "connector/pinterest/token_source.h"
#include "connector/pinterest/token_vault.h"

namespace connector::pinterest {

// The token sources of the process, by name (base/token_name.h): files of the
// credentials directory, and logins. Thread-safe.
class TokenSources {
 public:
  struct Options {
    std::string credentials_dir;
    // Where the tokens of logins are stored. Made (0700) if it is not there,
    // once there is a login.
    std::string tokens_dir;
    // As OAuthClient::Options.
    std::string base_url;
    absl::Duration timeout = absl::Seconds(30);
    // Not owned, must outlive this.
    HttpTransport* transport = nullptr;
    Clock* clock = nullptr;
    Random* random = nullptr;
    FileOps* files = &FileOps::Real();
    OAuthObserver observer;
  };

  // INVALID_ARGUMENT when an option breaks its rule. Reads no file.
  static absl::StatusOr<std::unique_ptr<TokenSources>> Create(Options options);

  // All credentials there are, and the logins of those that have one. A login
  // that is no longer named is not used any more; one whose credential is gone
  // is forgotten, its stored tokens too. A login that changes waits for a
  // refresh under way. One call at a time.
  absl::Status Configure(
      const std::map<std::string, std::optional<OAuthSettings>>& credentials);

  // The source of that name, the same one each time. INVALID_ARGUMENT for what
  // cannot be a name; FAILED_PRECONDITION for a login that was never named.
  absl::StatusOr<std::shared_ptr<TokenSource>> Find(absl::string_view name);

  // Whether the source has, or could get, a token. Calls nobody.
  absl::Status Check(absl::string_view name);

  // Nothing for a credential without a login.
  std::optional<OAuthState> LoginState(absl::string_view credential_id);

  // OAuthTokenSource::RefreshIfDue of each.
  void RefreshDue();

 private:
  TokenSources(Options options, std::unique_ptr<OAuthClient> client)
      : options_(std::move(options)),
        client_(std::move(client)),
        vault_(options_.files, options_.tokens_dir) {}

  std::shared_ptr<OAuthTokenSource> FindLogin(absl::string_view credential_id);

  const Options options_;
  const std::unique_ptr<OAuthClient> client_;
  const TokenVault vault_;

  absl::Mutex mutex_;
  struct Login {
    std::shared_ptr<OAuthTokenSource> source;
    bool configured = false;
  };
  std::map<std::string, Login, std::less<>> logins_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<TokenSource>, std::less<>> files_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TOKEN_SOURCES_H_
