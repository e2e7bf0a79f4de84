#ifndef CONNECTOR_BASE_DEFAULT_ADDRESS_H_
#define CONNECTOR_BASE_DEFAULT_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace connector {

// Where the server listens and the command line looks for it when nobody says
// otherwise: the socket "connector.sock" in a directory of its own, which the
// server makes with mode 0700.
//
// `runtime_dir` is the value of XDG_RUNTIME_DIR; when it is empty or not an
// absolute path (the XDG base directory specification has such a value
// ignored), the directory is /tmp/audience-connector-<uid>.
std::string DefaultSocketPath(absl::string_view runtime_dir, uint32_t uid);

// The same for this process, as a gRPC address: "unix:" and the path.
std::string DefaultAddress();

}  // namespace connector

#endif  // CONNECTOR_BASE_DEFAULT_ADDRESS_H_
