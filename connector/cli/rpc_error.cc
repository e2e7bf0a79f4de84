#include "connector/cli/rpc_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

absl::Status WithDetails(absl::Status status, const google::rpc::Status& from) {
  for (const google::protobuf::Any& detail : from.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  // What does not parse is left out: the code and the message still stand.
  if (!details.ParseFromString(status.error_details())) details.Clear();
  return WithDetails(
      absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                   status.error_message()),
      details);
}

absl::Status FromProto(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  return WithDetails(absl::Status(static_cast<absl::StatusCode>(status.code()),
                                  status.message()),
                     status);
}

std::string ErrorText(const absl::Status& status) {
  const ErrorDetail detail = GetErrorDetail(status);
  std::string text = Printable(status.message());
  if (text.empty()) text = absl::StatusCodeToString(status.code());
  absl::StrAppend(&text, " (", absl::StatusCodeToString(status.code()));
  if (!detail.reason.empty()) {
    absl::StrAppend(&text, " ", Printable(detail.reason));
  }
  absl::StrAppend(&text, ")");
  for (const auto& [field, rule] : detail.field_violations) {
    absl::StrAppend(&text, "\n  ", Printable(field), ": ", Printable(rule));
  }
  for (const ErrorDetail::Violation& violation : detail.preconditions) {
    absl::StrAppend(&text, "\n  ", Printable(violation.type), " ",
                    Printable(violation.subject), ": ",
                    Printable(violation.description));
  }
  if (detail.retry_delay.has_value()) {
    absl::StrAppend(&text, "\n  try again in ",
                    absl::FormatDuration(*detail.retry_delay));
  }
  return text;
}

nlohmann::ordered_json ErrorJson(const absl::Status& status) {
  const ErrorDetail detail = GetErrorDetail(status);
  nlohmann::ordered_json json;
  json["code"] = absl::StatusCodeToString(status.code());
  json["message"] = std::string(status.message());
  if (!detail.reason.empty()) json["reason"] = detail.reason;
  if (!detail.metadata.empty()) json["metadata"] = detail.metadata;
  for (const auto& [field, rule] : detail.field_violations) {
    json["fieldViolations"].push_back(
        {{"field", field}, {"description", rule}});
  }
  for (const ErrorDetail::Violation& violation : detail.preconditions) {
    json["preconditions"].push_back({{"type", violation.type},
                                     {"subject", violation.subject},
                                     {"description", violation.description}});
  }
  if (detail.retry_delay.has_value()) {
    json["retryDelaySeconds"] = absl::ToDoubleSeconds(*detail.retry_delay);
  }
  return json;
}

std::string ErrorLine(const google::rpc::Status& status) {
  const absl::Status converted = FromProto(status);
  if (converted.ok()) return "";
  const std::string reason = GetErrorDetail(converted).reason;
  return Printable(absl::StrCat(
      reason.empty() ? absl::StatusCodeToString(converted.code()) : reason,
      ": ", converted.message()));
}

std::string UnreachableText(absl::string_view address) {
  return absl::StrCat(
      "no connector answers at ", address,
      "\n  Start one: audience_connector --config=FILE --listen=", address,
      "\n  or name where it listens: audiencectl "
      "--address=unix:PATH|HOST:PORT");
}

}  // namespace connector::cli
