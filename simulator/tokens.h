#ifndef CONNECTOR_SIMULATOR_TOKENS_H_
#define CONNECTOR_SIMULATOR_TOKENS_H_

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "simulator/answer.h"
#include "simulator/switches.h"

namespace simulator {

// Who may call: access tokens, refresh tokens, apps, and the token endpoint.
//
// As long as nothing was said, any bearer token, app and authorization code is
// good. A token that was named (a flag, POST /_simulator/tokens) or given out
// here has a state and an end of its own. Not thread-safe.
class Tokens {
 public:
  struct Options {
    // Not empty: the one access token that is good besides those given out
    // here.
    std::string access_token;
    // Not empty: the one refresh token that is good besides those given out
    // here.
    std::string refresh_token;
    // Not empty: the only app and its secret.
    std::string app_id;
    std::string app_secret;
    // As reported for live tokens: 30 and 60 days.
    absl::Duration access_lifetime = absl::Hours(30 * 24);
    absl::Duration refresh_lifetime = absl::Hours(60 * 24);
    uint64_t seed = 1;
  };

  explicit Tokens(Options options);

  struct Check {
    bool good = false;
    // From a client_credentials grant: no user stands behind it.
    bool client_only = false;
    // Empty: all.
    std::set<std::string> scopes;
  };
  // `authorization` is the header's value.
  Check CheckBearer(absl::string_view authorization, absl::Time now) const;

  // POST /oauth/token. `form` is the decoded body.
  Answer Grant(absl::string_view authorization,
               const std::map<std::string, std::string>& form,
               const Switches& switches, absl::Time now);

  // A code as after the user's consent. It is good for one grant, and only with
  // the same redirect_uri if that is not empty.
  std::string MakeCode(absl::string_view redirect_uri);

  // {"access_tokens": [...], "refresh_tokens": [...], "accept_any": bool,
  // "app_id", "app_secret", "access_token_lifetime_s",
  // "refresh_token_lifetime_s"}; see README.md. INVALID_ARGUMENT changes
  // nothing.
  absl::Status Set(const nlohmann::json& json, absl::Time now);

  // Counts and states, and never a token.
  nlohmann::json Inspect(absl::Time now) const;

 private:
  enum class State { kValid, kExpired, kRevoked };
  struct Token {
    State state = State::kValid;
    absl::Time expires = absl::InfiniteFuture();
    bool client_only = false;
    std::string scope;
  };
  using TokenMap = std::map<std::string, Token, std::less<>>;

  static bool Good(const Token& token, absl::Time now) {
    return token.state == State::kValid && now < token.expires;
  }
  static absl::Status Parse(const nlohmann::json& list, const char* key,
                            absl::Time now, TokenMap* tokens);
  std::string MakeToken(absl::string_view prefix);
  bool IsKnownApp(absl::string_view authorization) const;
  Answer NewTokens(absl::string_view grant, const std::string& scope,
                   bool with_refresh, absl::Time now);

  Options options_;
  std::mt19937_64 random_;
  bool accept_any_access_;
  bool accept_any_refresh_;
  TokenMap access_;
  TokenMap refresh_;
  // Codes given out here, with their redirect_uri, and codes already used.
  std::map<std::string, std::string, std::less<>> codes_;
  std::set<std::string, std::less<>> used_codes_;
  int64_t grants_ = 0;
};

// Decodes application/x-www-form-urlencoded; a repeated name keeps its first
// value.
std::map<std::string, std::string> ParseForm(absl::string_view body);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_TOKENS_H_
