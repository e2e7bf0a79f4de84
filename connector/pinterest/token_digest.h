#ifndef CONNECTOR_PINTEREST_TOKEN_DIGEST_H_
#define CONNECTOR_PINTEREST_TOKEN_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "connector/pinterest/token_source.h"

namespace connector::pinterest {

// SHA-256 of the source's current token, 64 lower-case hex digits: tells
// whether the operator put another token there, without keeping the token
// itself. Tokens are random and long, so the digest does not give them away.
// The source's error where there is no token.
absl::StatusOr<std::string> TokenDigest(TokenSource& source);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_TOKEN_DIGEST_H_
