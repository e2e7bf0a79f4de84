#ifndef CONNECTOR_EDGE_HTTP_SERVER_H_
#define CONNECTOR_EDGE_HTTP_SERVER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/base/limits.h"
#include "connector/edge/http_message.h"

namespace connector::edge {

// Answers requests. Called on many threads at once.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  // Looks at a request before its body is read: an answer if it is not to be.
  virtual std::optional<HttpResponse> Check(const RequestHead& head) = 0;

  virtual HttpResponse Handle(const RequestHead& head, std::string body) = 0;

  // What is answered in the handler's stead: a malformed message, a body that
  // is too large, a server that is busy or shutting down.
  virtual HttpResponse Refuse(int status, absl::string_view rule) = 0;
};

// HTTP/1.1 on the loopback interface, for a proxy in front that terminates TLS.
// Everything that a client can make it hold is bounded: connections, heads,
// bodies each and all together, and the time each of them may take, however
// slowly its bytes come.
//
// A thread for each connection. (cpp-httplib's server is not used: it bounds
// neither a whole head nor the time of a whole request, and finds its routes
// with std::regex.)
class HttpServer {
 public:
  struct Options {
    // 0: any free port.
    int port = 0;
    bool ipv6 = false;
    int max_connections = limits::kMaxHttpConnections;
    int64_t max_body_bytes = limits::kMaxHttpBodyBytes;
    // Of all bodies together that are being read or answered.
    int64_t max_process_bytes = limits::kMaxHttpProcessBytes;
    absl::Duration head_timeout = limits::kHttpHeadTimeout;
    absl::Duration body_timeout = limits::kHttpBodyTimeout;
    absl::Duration answer_timeout = limits::kHttpAnswerTimeout;
    absl::Duration idle_timeout = limits::kHttpIdleTimeout;
  };

  // `handler` must outlive the server.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      const Options& options, HttpHandler* handler);

  // Stops.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;

  // Takes no connection and no request any more, closes connections on which no
  // request is being answered, and waits for the others. Idempotent.
  virtual void Stop() = 0;

  // Open connections.
  virtual int connections() const = 0;
};

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_HTTP_SERVER_H_
