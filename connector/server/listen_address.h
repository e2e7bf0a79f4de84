#ifndef CONNECTOR_SERVER_LISTEN_ADDRESS_H_
#define CONNECTOR_SERVER_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::server {

// Where the server listens.
struct ListenAddress {
  // Absolute path of a Unix socket; empty for TCP.
  std::string socket_path;

  // TCP: an IP address without brackets, or a host name.
  std::string host;
  // TCP: 0 is any free port.
  uint16_t port = 0;
  // TCP: reachable from this machine only.
  bool loopback = false;

  bool is_unix() const { return !socket_path.empty(); }

  // As gRPC and clients take it: "unix:/path", "127.0.0.1:7070", "[::1]:7070".
  std::string ToString() const;
};

// Reads "unix:PATH", "HOST:PORT" or "[IPV6]:PORT". "localhost" is 127.0.0.1: a
// name that may mean two addresses would bind only one of them.
// INVALID_ARGUMENT names the flag --listen and the rule.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_LISTEN_ADDRESS_H_
