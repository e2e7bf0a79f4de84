#ifndef CONNECTOR_CLI_REDIRECT_LISTENER_H_
#define CONNECTOR_CLI_REDIRECT_LISTENER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace connector::cli {

// Takes the redirect of a browser after the user's consent: an HTTP server on
// 127.0.0.1 that knows one page and lives until it was asked for. A browser
// opens several connections, some of which stay silent; at most 16 at a time
// are held, each for 10 s and 8 KiB. Not thread-safe.
class RedirectListener {
 public:
  // Port 0: any free one. UNAVAILABLE when the port is taken.
  static absl::StatusOr<std::unique_ptr<RedirectListener>> Create(
      uint16_t port);
  ~RedirectListener();

  uint16_t port() const { return port_; }

  // Waits for GET /?code=…&state=… and returns the code. Requests with another
  // state are answered and do not count: anybody on the machine may send some.
  // FAILED_PRECONDITION when the redirect tells of an error (the user said no),
  // DEADLINE_EXCEEDED after `timeout`.
  absl::StatusOr<std::string> Await(absl::string_view state,
                                    absl::Duration timeout);

 private:
  RedirectListener(int fd, uint16_t port) : fd_(fd), port_(port) {}

  const int fd_;
  const uint16_t port_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_REDIRECT_LISTENER_H_
