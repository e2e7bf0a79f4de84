#ifndef CONNECTOR_SIMULATOR_DIGEST_H_
#define CONNECTOR_SIMULATOR_DIGEST_H_

#include <string>

#include "absl/strings/string_view.h"

namespace simulator {

// SHA-256 in lower-case hex. BoringSSL stays behind this one file: the HTTP
// server is built with the headers of the system's OpenSSL.
std::string Sha256Hex(absl::string_view data);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_DIGEST_H_
