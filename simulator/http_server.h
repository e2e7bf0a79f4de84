#ifndef CONNECTOR_SIMULATOR_HTTP_SERVER_H_
#define CONNECTOR_SIMULATOR_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace simulator {

struct HttpRequest {
  std::string method;
  // Decoded, without the query.
  std::string path;
  // As it came, with the query.
  std::string target;
  // Decoded; a repeated name keeps its first value.
  std::map<std::string, std::string> query;
  // Values of the headers that the API looks at.
  std::string authorization;
  // Lives as long as the call of the handler.
  absl::string_view body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The connection is closed without a byte of an answer; with `reset` by a TCP
  // reset.
  bool drop = false;
  bool reset = false;
  // Only so many bytes of the body are written, then the connection is closed.
  std::optional<int64_t> truncate_body;
};

// HTTP/1.1 on the loopback interface, plain or over TLS. cpp-httplib reads and
// writes the messages; connections are held here (a thread each, kept alive
// without a limit), since cpp-httplib cannot close one without answering.
class HttpServer {
 public:
  using Handler = std::function<void(const HttpRequest&, HttpResponse*)>;

  struct Options {
    // 0 takes any free port.
    int port = 0;
    // PEM files; both or none.
    std::string tls_certificate;
    std::string tls_key;
    // A larger body is answered with 413 before the handler sees it.
    size_t max_body_bytes = size_t{256} << 20;
  };

  // `handler` is called on many threads at once. It is also called, with
  // `status` already set to 400 or above and an empty method, for a message
  // that is no valid request, to fill in the body and headers.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(Options options,
                                                           Handler handler);

  virtual ~HttpServer() = default;
  virtual int port() const = 0;

  // Closes every connection and waits for handlers to return. May be called
  // twice.
  virtual void Stop() = 0;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_HTTP_SERVER_H_
