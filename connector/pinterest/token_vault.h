#ifndef CONNECTOR_PINTEREST_TOKEN_VAULT_H_
#define CONNECTOR_PINTEREST_TOKEN_VAULT_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/pinterest/file_ops.h"
#include "connector/pinterest/oauth_client.h"

namespace connector::pinterest {

// The tokens of one login as they last came. Times are whole seconds.
struct StoredTokens {
  std::string access_token;
  absl::Time access_token_expire_time;
  std::string refresh_token;
  std::optional<absl::Time> refresh_token_expire_time;
  absl::Time refresh_time;
  // SecretDigest of what the operator's refresh token file held then: another
  // content is a new login.
  std::string operator_digest;
};

// Keeps the tokens of each credential in a file of its own, named by the
// credential's ID, sealed with the app's secret and bound to credential and
// app. Thread-safe for different credentials.
class TokenVault {
 public:
  // `directory` must be there and be the owner's alone. `files` must outlive
  // the vault.
  TokenVault(FileOps* files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  // What it gives is durable. NOT_FOUND when there are none; DATA_LOSS when
  // what is there was sealed with another secret or for another app, or is
  // damaged; else the error of reading.
  absl::StatusOr<StoredTokens> Load(absl::string_view credential_id,
                                    const OAuthApp& app) const;

  // Takes the space that Store will need, so that a full disk shows before
  // tokens come that exist nowhere else.
  absl::Status Reserve(absl::string_view credential_id) const;

  // OK: they are durable. Whatever happens, the earlier or these tokens are
  // there, whole.
  absl::Status Store(absl::string_view credential_id, const OAuthApp& app,
                     const StoredTokens& tokens) const;

  absl::Status Remove(absl::string_view credential_id) const;

 private:
  FileOps* const files_;
  const std::string directory_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TOKEN_VAULT_H_
