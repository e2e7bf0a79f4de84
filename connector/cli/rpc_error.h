#ifndef CONNECTOR_CLI_RPC_ERROR_H_
#define CONNECTOR_CLI_RPC_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "nlohmann/json_fwd.hpp"

namespace connector::cli {

// The status of a call with its google.rpc details as payloads, so that
// connector::GetErrorDetail reads them.
absl::Status FromGrpc(const grpc::Status& status);

// The same for a status inside of a message.
absl::Status FromProto(const google::rpc::Status& status);

// A status for people: the message, the reason, and an indented line for each
// violated field and each precondition. No line feed at the end. Text that came
// over the wire is shown without its control characters.
std::string ErrorText(const absl::Status& status);

// A status for programs: code, message, reason, metadata, fieldViolations,
// preconditions, retryDelaySeconds; absent where the status has none.
nlohmann::ordered_json ErrorJson(const absl::Status& status);

// "reason: message" in one line, for a table.
std::string ErrorLine(const google::rpc::Status& status);

// What to say when no server answers at `address`.
std::string UnreachableText(absl::string_view address);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_RPC_ERROR_H_
