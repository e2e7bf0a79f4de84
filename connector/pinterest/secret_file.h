#ifndef CONNECTOR_PINTEREST_SECRET_FILE_H_
#define CONNECTOR_PINTEREST_SECRET_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::pinterest {

// Files of the credentials directory, each with one secret: an access token, a
// refresh token, an app secret.
//
// A file holds its secret on one line, blanks around it are ignored; at most
// 4 KiB of printable ASCII. It must be a regular file (also through a symbolic
// link, as secret managers mount them) that neither group nor others may read
// or write. Anything else is FAILED_PRECONDITION, with a message that names
// the file and the cure and shows nothing of the content; a missing file too.
// UNAVAILABLE while the file is being written in place.

// Whether `name` can be the name of such a file: letters, digits, '.', '_' and
// '-', not starting with a dot, 1 to 255 characters.
bool IsSecretFileName(absl::string_view name);

// Reads it. `what` is what messages call it: "token file". `cure` says what to
// do when it is missing.
absl::StatusOr<std::string> ReadSecretFile(absl::string_view directory,
                                           absl::string_view file_name,
                                           absl::string_view what,
                                           absl::string_view cure);

// Reads a file that may hold several secrets, at least one and at most
// `max_secrets`, one a line; empty lines are passed over. Everything else as
// above.
absl::StatusOr<std::vector<std::string>> ReadSecretLines(
    absl::string_view directory, absl::string_view file_name,
    absl::string_view what, absl::string_view cure, size_t max_secrets);

// SHA-256 of a secret, 64 lower-case hex digits: tells whether it changed,
// without keeping it. Secrets are random and long, so this does not give them
// away.
std::string SecretDigest(absl::string_view secret);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_SECRET_FILE_H_
