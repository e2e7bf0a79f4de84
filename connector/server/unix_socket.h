#ifndef CONNECTOR_SERVER_UNIX_SOCKET_H_
#define CONNECTOR_SERVER_UNIX_SOCKET_H_

#include <string>

#include "absl/status/status.h"

namespace connector::server {

// Makes sure that a Unix socket may be made at `path`: its directory is made
// with mode 0700 if it is not there, and must belong to this user with no
// access for group and others, as who can reach the socket can use the API. A
// socket that a dead server left there is removed.
//
// FAILED_PRECONDITION for a directory that others can reach, or a file that is
// no socket; ALREADY_EXISTS when somebody answers on the socket.
absl::Status PrepareUnixSocket(const std::string& path);

// Leaves the socket to its owner alone: mode 0600.
absl::Status RestrictUnixSocket(const std::string& path);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_UNIX_SOCKET_H_
