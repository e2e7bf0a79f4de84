#ifndef CONNECTOR_PINTEREST_SEAL_H_
#define CONNECTOR_PINTEREST_SEAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::pinterest {

// Keeps a text from whoever has the file and not the secret.
//
// AES-256-GCM under a key of its own for each sealing: HKDF-SHA256 of the
// secret with 32 random bytes of salt. Sealed form: "ACS1", salt (32), nonce
// (12), ciphertext with its tag (16). The secret should be random and long, as
// an app secret is: nothing slows down guessing.
//
// By BoringSSL, whose headers only seal.cc includes here (see
// identity_mapping/digest.h).

// `context` is not hidden but has to be the same for opening: what the text
// belongs to.
std::string Seal(absl::string_view secret, absl::string_view context,
                 absl::string_view text);

// DATA_LOSS when it was not sealed with this secret and context, or changed
// since.
absl::StatusOr<std::string> Unseal(absl::string_view secret,
                                   absl::string_view context,
                                   absl::string_view sealed);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_SEAL_H_
