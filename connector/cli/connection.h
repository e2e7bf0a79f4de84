#ifndef CONNECTOR_CLI_CONNECTION_H_
#define CONNECTOR_CLI_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/channel.h"

namespace connector::cli {

// Checks the form of a server address: "unix:PATH" or "HOST:PORT". As nothing
// is encrypted, the host must be this machine (a loopback address or
// "localhost") unless `allow_remote`. INVALID_ARGUMENT says which rule is
// broken.
absl::Status CheckAddress(absl::string_view address, bool allow_remote);

// A new connection that shares nothing with earlier ones, so that its first
// call tries at once whatever happened to them.
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_CONNECTION_H_
