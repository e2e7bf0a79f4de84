#ifndef CONNECTOR_PINTEREST_HTTP_TRANSPORT_H_
#define CONNECTOR_PINTEREST_HTTP_TRANSPORT_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace connector::pinterest {

struct HttpRequest {
  // Upper case: "GET", "POST", "PATCH".
  std::string method;

  // Absolute: "https://host/path?query".
  std::string url;

  // (name, value). A transport refuses a name or value with a control
  // character, so that no value can smuggle in a header of its own.
  std::vector<std::pair<std::string, std::string>> headers;

  // Sent as it is; empty for none.
  std::string body;

  // For the whole request: connecting, sending, waiting and receiving.
  absl::Duration timeout = absl::Seconds(60);
};

// The headers of an answer, in the order they came. Names compare without
// regard to case (RFC 9110, section 5.1).
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(
      std::initializer_list<std::pair<std::string, std::string>> entries)
      : entries_(entries) {}

  void Add(absl::string_view name, absl::string_view value);
  void Clear() { entries_.clear(); }

  // The first value of that name.
  std::optional<absl::string_view> Find(absl::string_view name) const;

  // All values of that name, joined by ", " as RFC 9110, section 5.3 allows.
  std::optional<std::string> Joined(absl::string_view name) const;

  const std::vector<std::pair<std::string, std::string>>& entries() const {
    return entries_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

// No complete answer came.
struct TransportError {
  enum class Phase {
    // The request surely had no effect: the name could not be resolved, the
    // host not be reached, TLS not be agreed on, or the request was not valid.
    kNotSent,
    // Something may have gone out, so the request may have been carried out,
    // now or later: a reset, a timeout, an answer cut short or too large.
    kMaybeSent,
  };
  Phase phase = Phase::kMaybeSent;

  // For people. Without path, query, header values, token or body.
  std::string message;

  // Where the status line and the headers had come before it broke; the body
  // is empty.
  std::optional<HttpResponse> partial;
};

using HttpResult = std::variant<HttpResponse, TransportError>;

// Sends one request and waits for its answer. Never sends a request body
// twice, never follows a redirect, never retries. Thread-safe; calls run side
// by side.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  virtual HttpResult Perform(const HttpRequest& request) = 0;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_HTTP_TRANSPORT_H_
