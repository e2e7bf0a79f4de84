#include "connector/base/error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace connector {
namespace {

constexpr char kDomain[] = "audience-connector";
constexpr char kErrorInfo[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kRetryInfo[] = "type.googleapis.com/google.rpc.RetryInfo";
constexpr char kPrecondition[] =
    "type.googleapis.com/google.rpc.PreconditionFailure";

template <typename Message>
void Attach(absl::Status& status, const char* url, const Message& message) {
  status.SetPayload(url, absl::Cord(message.SerializeAsString()));
}

template <typename Message>
std::optional<Message> Read(const absl::Status& status, const char* url) {
  auto payload = status.GetPayload(url);
  Message message;
  if (!payload.has_value() || !message.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return message;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view message,
                       const ErrorDetail& detail) {
  absl::Status status(code, message);
  google::rpc::ErrorInfo info;
  info.set_reason(detail.reason);
  info.set_domain(kDomain);
  for (const auto& [name, value] : detail.metadata) {
    (*info.mutable_metadata())[name] = value;
  }
  Attach(status, kErrorInfo, info);
  if (!detail.field_violations.empty()) {
    google::rpc::BadRequest request;
    for (const auto& [field, rule] : detail.field_violations) {
      auto* violation = request.add_field_violations();
      violation->set_field(field);
      violation->set_description(rule);
    }
    Attach(status, kBadRequest, request);
  }
  if (detail.retry_delay.has_value()) {
    google::rpc::RetryInfo retry;
    auto* delay = retry.mutable_retry_delay();
    absl::Duration rest = *detail.retry_delay;
    delay->set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
    delay->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
    Attach(status, kRetryInfo, retry);
  }
  if (!detail.preconditions.empty()) {
    google::rpc::PreconditionFailure failure;
    for (const auto& violation : detail.preconditions) {
      auto* added = failure.add_violations();
      added->set_type(violation.type);
      added->set_subject(violation.subject);
      added->set_description(violation.description);
    }
    Attach(status, kPrecondition, failure);
  }
  return status;
}

absl::Status MakeError(absl::StatusCode code, absl::string_view reason,
                       absl::string_view message) {
  ErrorDetail detail;
  detail.reason = std::string(reason);
  return MakeError(code, message, detail);
}

absl::Status FieldError(absl::string_view field, absl::string_view rule) {
  ErrorDetail detail;
  detail.reason = "FIELD_INVALID";
  detail.metadata["field"] = std::string(field);
  detail.field_violations.emplace_back(field, rule);
  return MakeError(absl::StatusCode::kInvalidArgument,
                   absl::StrCat(field, ": ", rule), detail);
}

ErrorDetail GetErrorDetail(const absl::Status& status) {
  ErrorDetail detail;
  if (auto info = Read<google::rpc::ErrorInfo>(status, kErrorInfo)) {
    detail.reason = info->reason();
    for (const auto& [name, value] : info->metadata()) {
      detail.metadata[name] = value;
    }
  }
  if (auto request = Read<google::rpc::BadRequest>(status, kBadRequest)) {
    for (const auto& violation : request->field_violations()) {
      detail.field_violations.emplace_back(violation.field(),
                                           violation.description());
    }
  }
  if (auto retry = Read<google::rpc::RetryInfo>(status, kRetryInfo)) {
    detail.retry_delay = absl::Seconds(retry->retry_delay().seconds()) +
                         absl::Nanoseconds(retry->retry_delay().nanos());
  }
  if (auto failure =
          Read<google::rpc::PreconditionFailure>(status, kPrecondition)) {
    for (const auto& violation : failure->violations()) {
      detail.preconditions.push_back(
          {violation.type(), violation.subject(), violation.description()});
    }
  }
  return detail;
}

}  // namespace connector
