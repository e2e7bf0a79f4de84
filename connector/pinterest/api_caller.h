#ifndef CONNECTOR_PINTEREST_API_CALLER_H_
#define CONNECTOR_PINTEREST_API_CALLER_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/pinterest/api_result.h"
#include "connector/pinterest/http_transport.h"
#include "connector/pinterest/token_source.h"

namespace connector::pinterest {

// Nothing was sent: an argument breaks its rule.
ApiError NotSendable(absl::string_view why);

// A 2xx that does not hold what it must.
ApiError ErrorFromBody(const absl::Status& status, CallInfo call, bool write);

// Makes the calls of all clients with the token of one credential, and says
// what their answers mean. A request that is answered with 401 goes out once
// more, within the same call, if the token source has another token: only the
// answer to that one is told. Thread-safe.
class ApiCaller {
 public:
  struct Options {
    // With its path: "https://api.pinterest.com/v5". http:// only for a
    // loopback host, as the token would travel in the clear.
    std::string base_url;

    // For one whole call; positive.
    absl::Duration timeout = absl::Seconds(60);

    // Not owned, must outlive the caller. `clock` reads dates in headers.
    HttpTransport* transport = nullptr;
    TokenSource* token_source = nullptr;
    Clock* clock = nullptr;
  };

  // INVALID_ARGUMENT when an option breaks its rule.
  static absl::StatusOr<std::unique_ptr<ApiCaller>> Create(Options options);

  // A 2xx.
  struct Answer {
    std::string body;
    // To be masked in what is kept of the body.
    std::string token;
    CallInfo call;
  };
  // `path` follows the base URL; every method but GET is a write.
  std::variant<Answer, ApiError> Perform(absl::string_view method,
                                         std::string path, std::string body);

  // Sends the request and reads the answer with `parse`, a function of
  // (body, token to mask) to absl::StatusOr<T>.
  template <typename T, typename Parse>
  ApiResult<T> Call(absl::string_view method, std::string path,
                    std::string body, Parse parse) {
    auto result = Perform(method, std::move(path), std::move(body));
    if (auto* error = std::get_if<ApiError>(&result)) return std::move(*error);
    Answer& answer = std::get<Answer>(result);
    absl::StatusOr<T> value = parse(answer.body, answer.token);
    if (!value.ok()) {
      return ErrorFromBody(value.status(), std::move(answer.call),
                           method != "GET");
    }
    return ApiResult<T>(*std::move(value), std::move(answer.call));
  }

 private:
  explicit ApiCaller(Options options) : options_(std::move(options)) {}

  const Options options_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_API_CALLER_H_
