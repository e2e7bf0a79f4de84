#ifndef CONNECTOR_BASE_ERROR_H_
#define CONNECTOR_BASE_ERROR_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace connector {

// What a program may read from an error. Travels inside an absl::Status as
// payloads and becomes google.rpc details in one place, where a status leaves
// the process over gRPC (connector/ingest/grpc_status.h).
//
// No field may hold personal data or a token: errors are logged and shown.
struct ErrorDetail {
  // UPPER_SNAKE_CASE, stable: "SEQUENCE_GAP". Becomes ErrorInfo.reason.
  std::string reason;

  // Whatever varies in the message, by lowerCamelCase name.
  std::map<std::string, std::string> metadata;

  // (field path, the rule it breaks): becomes BadRequest.
  std::vector<std::pair<std::string, std::string>> field_violations;

  // When to try again: becomes RetryInfo.
  std::optional<absl::Duration> retry_delay;

  // (type, subject, description) of what must be mended first: becomes
  // PreconditionFailure. The type is UPPER_SNAKE_CASE.
  struct Violation {
    std::string type;
    std::string subject;
    std::string description;
  };
  std::vector<Violation> preconditions;
};

// A status with details. `code` must not be OK.
absl::Status MakeError(absl::StatusCode code, absl::string_view message,
                       const ErrorDetail& detail);

// The common case: a reason and nothing else.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason,
                       absl::string_view message);

// INVALID_ARGUMENT that names the field and the rule.
absl::Status FieldError(absl::string_view field, absl::string_view rule);

// The details of a status made by the functions above; empty for others.
ErrorDetail GetErrorDetail(const absl::Status& status);

}  // namespace connector

#endif  // CONNECTOR_BASE_ERROR_H_
