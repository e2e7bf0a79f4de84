#ifndef CONNECTOR_PINTEREST_OAUTH_CLIENT_H_
#define CONNECTOR_PINTEREST_OAUTH_CLIENT_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/pinterest/http_transport.h"

namespace connector::pinterest {

// An app at Pinterest.
struct OAuthApp {
  std::string app_id;
  std::string app_secret;
};

// What a grant gave. Tokens are printable ASCII without blanks, at most 4 KiB.
struct TokenGrant {
  std::string access_token;
  // By the clock before the request, so rather too early than too late. An
  // answer that does not say how long is taken for an hour.
  absl::Time access_token_expire_time;
  // Empty when the answer gave none: then the one used stays.
  std::string refresh_token;
  // Unknown when the answer does not tell.
  std::optional<absl::Time> refresh_token_expire_time;
};

struct GrantError {
  enum class Kind {
    // 400: the refresh token (or code) is expired, revoked or was never one.
    kGrantRefused,
    // 401, 403: the app's id and secret are not right, or it may not do this.
    kAppRefused,
    // Everything else: again later.
    kRetryable,
  };
  Kind kind = Kind::kRetryable;
  int http_status = 0;
  // For people; masked. At most 300 bytes.
  std::string message;
  // How long the server asks to be left alone.
  std::optional<absl::Duration> retry_after;
};

using GrantResult = std::variant<TokenGrant, GrantError>;

// The token endpoint, POST /oauth/token. One call is one request. Facts:
// Pinterest's API description v5.23, "oauth/token": Basic auth with app id and
// secret, form body; continuous_refresh=true must be sent for apps from before
// 2025-09-25 and makes no difference to newer ones, so it always is. A refresh
// answers with a new refresh token; whether the old one works on is not said.
// How a refused token is answered is not said either: by status, as elsewhere;
// {"error": "invalid_client"} (RFC 6749, 5.2) tells of the app whatever the
// status. Thread-safe.
class OAuthClient {
 public:
  struct Options {
    // As PinterestClient::Options.
    std::string base_url;
    absl::Duration timeout = absl::Seconds(30);
    HttpTransport* transport = nullptr;
    Clock* clock = nullptr;
  };

  // INVALID_ARGUMENT when an option breaks its rule.
  static absl::StatusOr<std::unique_ptr<OAuthClient>> Create(Options options);

  GrantResult Refresh(const OAuthApp& app, absl::string_view refresh_token);

  // The grant after a user's consent; `redirect_uri` as in the consent's URL.
  GrantResult Exchange(const OAuthApp& app, absl::string_view code,
                       absl::string_view redirect_uri);

 private:
  explicit OAuthClient(Options options) : options_(std::move(options)) {}

  // `secret` is masked in messages.
  GrantResult Grant(const OAuthApp& app, std::string form,
                    absl::string_view secret);

  const Options options_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_OAUTH_CLIENT_H_
