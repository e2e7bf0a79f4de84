#ifndef CONNECTOR_PINTEREST_TOKEN_SOURCE_H_
#define CONNECTOR_PINTEREST_TOKEN_SOURCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

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

  // Pinterest answered 401 to `refused`, a token this source gave. Another one
  // than that, to try once more at once; an error (never OK with `refused`
  // itself) when there is none to be had now, which tells what to do. May make
  // a call to Pinterest.
  virtual absl::StatusOr<std::string> AnotherToken(
      absl::string_view refused) = 0;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TOKEN_SOURCE_H_
