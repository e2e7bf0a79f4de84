#ifndef CONNECTOR_PINTEREST_OAUTH_TOKEN_SOURCE_H_
#define CONNECTOR_PINTEREST_OAUTH_TOKEN_SOURCE_H_

#include <functional>
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
#include "connector/pinterest/oauth_client.h"
#include "connector/pinterest/token_source.h"
#include "connector/pinterest/token_vault.h"

namespace connector::pinterest {

// A login as configured: the app, and files of the credentials directory.
struct OAuthSettings {
  std::string app_id;
  std::string app_secret_file;
  std::string refresh_token_file;

  bool operator==(const OAuthSettings&) const = default;
};

// How a login stands. Holds no token.
struct OAuthState {
  std::optional<absl::Time> access_token_expire_time;
  std::optional<absl::Time> refresh_token_expire_time;
  std::optional<absl::Time> last_refresh_time;
  std::optional<absl::Time> next_refresh_time;
  // Why refreshing fails and what to do; OK while nothing is known to be wrong.
  absl::Status problem;
};

// Something an operator would want to read in the log.
struct OAuthEvent {
  std::string credential_id;
  // OK: the tokens were refreshed. Otherwise why they were not; told once until
  // it changes.
  absl::Status status;
  // After a refresh: what went before had failed.
  bool mended = false;
  OAuthState state;
};

// Called without a lock, from whichever thread refreshed; must not block.
using OAuthObserver = std::function<void(const OAuthEvent&)>;

// The access token of a login, refreshed by itself at half of its life.
//
// One refresh is under way at a time, whoever needs it; others go on with the
// access token while it is good, and wait for the refresh only without one.
//
// The endpoint answers a refresh with a new refresh token, and may let the old
// one die with that. So the space for the new tokens is taken before the
// request, and they are durable before any of them is used; while storing fails
// they are kept in memory, nothing more is asked for and the earlier access
// token stays in use. What no order of steps can mend is a process that dies,
// or an answer that is lost, between the endpoint's change and the store, if
// the endpoint has let the old token die at once: then the old access token,
// refreshed at half of its life, still works for the other half, and the state
// says that a new login is needed.
//
// The operator's refresh token file wins over the stored token when its content
// changed. Tokens that may still be good are all tried before a login counts as
// dead, and a dead one is tried again once an hour (Pinterest may answer 400 to
// everything for a while) and whenever a file changes.
//
// Thread-safe.
class OAuthTokenSource final : public TokenSource {
 public:
  struct Options {
    std::string credential_id;
    std::string credentials_dir;
    // Not owned, must outlive the source.
    OAuthClient* client = nullptr;
    const TokenVault* vault = nullptr;
    Clock* clock = nullptr;
    Random* random = nullptr;
    OAuthObserver observer;
  };

  explicit OAuthTokenSource(Options options) : options_(std::move(options)) {}

  // The login from now on; nothing: none, until the next call. Changed settings
  // begin anew with what is stored for them, after a refresh under way.
  void Configure(std::optional<OAuthSettings> settings);

  // Forgets the login, the stored tokens too. Waits for a refresh under way.
  absl::Status Forget();

  absl::StatusOr<std::string> AccessToken() override;
  absl::StatusOr<std::string> AnotherToken(absl::string_view refused) override;

  // Refreshes if it is time to, if a file of the login changed, or if a retry
  // is due. To be called every second or so. Calls Pinterest at most a few
  // times, and only when needed.
  void RefreshIfDue();

  // Whether there is, or could be, an access token. Calls nobody.
  absl::Status Check();

  OAuthState State();

 private:
  // What a refresh works with, taken under the lock.
  struct Work {
    OAuthSettings settings;
    std::optional<StoredTokens> tokens;
    bool loaded = false;
    std::optional<StoredTokens> unstored;
    // Refresh although the access token is not due.
    bool forced = false;
    // The app secret of the last try, as a digest.
    std::string secret_digest;
  };
  // What came of it.
  struct Outcome {
    std::optional<StoredTokens> tokens;
    bool loaded = false;
    std::optional<StoredTokens> unstored;
    bool refreshed = false;
    absl::Status problem;
    // With a problem: when to try again at the earliest; with `backoff`, later
    // and later.
    absl::Duration retry_after = absl::ZeroDuration();
    bool backoff = false;
    // What the files held; empty when they could not be read.
    std::string secret_digest;
    std::string operator_digest;
  };

  bool AccessTokenGood(absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Time RefreshTime() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  OAuthState StateLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Blocked(absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AwaitNoRefresh() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Reset() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The one refresh: gives up the lock while it works.
  void Refresh(bool forced) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Outcome DoRefresh(const Work& work);
  // Tries the refresh tokens there are, one after the other.
  void Renew(const OAuthSettings& settings, const OAuthApp& app,
             const absl::StatusOr<std::string>& operator_token,
             Outcome* outcome);
  // What there is to log, if anything.
  std::optional<OAuthEvent> Adopt(Outcome outcome)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Problem(absl::string_view reason, absl::string_view message,
                       const absl::Status& cause = absl::OkStatus()) const;
  absl::StatusOr<std::string> ReadAppSecret(const OAuthSettings& s) const;
  absl::StatusOr<std::string> ReadOperatorToken(const OAuthSettings& s) const;

  // The digests of both files as they are now; empty where unreadable.
  std::pair<std::string, std::string> FileDigests(
      const OAuthSettings& settings) const;

  const Options options_;

  absl::Mutex mutex_;
  std::optional<OAuthSettings> settings_ ABSL_GUARDED_BY(mutex_);
  bool refreshing_ ABSL_GUARDED_BY(mutex_) = false;
  // Whether the stored tokens were read.
  bool loaded_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<StoredTokens> tokens_ ABSL_GUARDED_BY(mutex_);
  // Given out by the endpoint and not durable yet.
  std::optional<StoredTokens> unstored_ ABSL_GUARDED_BY(mutex_);
  absl::Status problem_ ABSL_GUARDED_BY(mutex_);
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  // No try before, unless a file changes.
  absl::Time next_try_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // Of refreshes that a 401 asks for.
  absl::Time next_forced_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // The access token that Pinterest refused last.
  std::string refused_ ABSL_GUARDED_BY(mutex_);
  // What the files held at the last try.
  std::string secret_digest_ ABSL_GUARDED_BY(mutex_);
  std::string operator_digest_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_OAUTH_TOKEN_SOURCE_H_
