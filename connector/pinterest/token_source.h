#ifndef CONNECTOR_PINTEREST_TOKEN_SOURCE_H_
#define CONNECTOR_PINTEREST_TOKEN_SOURCE_H_

#include <string>

#include "absl/status/statusor.h"

namespace connector::pinterest {

// Where a credential's access token comes from. Asked before every request.
// Thread-safe.
class TokenSource {
 public:
  virtual ~TokenSource() = default;

  // The token to use now: printable ASCII without blanks. UNAVAILABLE means
  // that asking again later may help; every other error means that somebody
  // must mend the credential. Error messages never show any part of a token.
  virtual absl::StatusOr<std::string> AccessToken() = 0;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TOKEN_SOURCE_H_
