#ifndef CONNECTOR_SIMULATOR_ANSWER_H_
#define CONNECTOR_SIMULATOR_ANSWER_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace simulator {

// What an operation says: an HTTP status and a JSON body.
struct Answer {
  int status = 200;
  nlohmann::json body;
};

// Pinterest's error codes, from the examples in its API description. They are
// ambiguous (2 is "authentication failed" and "not found"), and not one is
// about customer lists, so the HTTP status is what counts.
inline constexpr int kCodeInvalidParameter = 1;
inline constexpr int kCodeAuthenticationOrNotFound = 2;
inline constexpr int kCodeMissingScope = 3;
inline constexpr int kCodeMethodNotAllowed = 5;
inline constexpr int kCodeRateLimit = 8;
inline constexpr int kCodeNotPermitted = 29;

// Pinterest's error shape. `message` never holds a value from the request.
inline Answer Error(int status, int code, absl::string_view message) {
  return {status, {{"code", code}, {"message", std::string(message)}}};
}

inline Answer Invalid(absl::string_view message) {
  return Error(400, kCodeInvalidParameter, message);
}

inline Answer NotFound(absl::string_view what) {
  return Error(404, kCodeAuthenticationOrNotFound,
               std::string(what) + " not found.");
}

// JSON text; what is not UTF-8 is replaced.
inline std::string Dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_ANSWER_H_
