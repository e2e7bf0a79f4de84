#include "connector/cli/command.h"

#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "connector/base/error.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/rpc_error.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"

namespace connector::cli {

nlohmann::ordered_json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options)
           .ok()) {
    // Only a detail of an unknown type does this; show what the rest holds.
    return nlohmann::ordered_json::object();
  }
  return nlohmann::ordered_json::parse(text, nullptr,
                                       /*allow_exceptions=*/false);
}

CommandContext::CommandContext(const CommandEnvironment& environment,
                               std::string address, bool json,
                               std::vector<std::string> arguments)
    : environment_(environment),
      address_(std::move(address)),
      json_(json),
      arguments_(std::move(arguments)) {}

void CommandContext::Prepare(grpc::ClientContext& context,
                             absl::Duration timeout) {
  if (stub_ == nullptr) {
    stub_ = audience_sync::v1::DestinationService::NewStub(
        environment_.connect(address_));
  }
  SetDeadline(context, timeout);
}

void CommandContext::SetDeadline(grpc::ClientContext& context,
                                 absl::Duration timeout) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

absl::Status CommandContext::Converted(const grpc::Status& status) {
  return FromGrpc(status);
}

absl::Duration CommandContext::CallTimeout() {
  return absl::GetFlag(FLAGS_call_timeout);
}

void CommandContext::Print(absl::string_view text) const {
  absl::FPrintF(environment_.out, "%s", text);
}

void CommandContext::PrintJson(const nlohmann::ordered_json& json) const {
  // Text that is not UTF-8 must not stop the document.
  Print(json.dump(2, ' ', false,
                  nlohmann::ordered_json::error_handler_t::replace) +
        "\n");
}

void CommandContext::PrintJson(const google::protobuf::Message& message) const {
  PrintJson(ToJson(message));
}

void CommandContext::Warn(absl::string_view text) const {
  absl::FPrintF(environment_.err, "%s\n", text);
}

int CommandContext::Fail(int exit_code, const absl::Status& status) const {
  if (json_) PrintJson(nlohmann::ordered_json{{"error", ErrorJson(status)}});
  Warn(absl::StrCat("audiencectl: ", ErrorText(status)));
  return exit_code;
}

int CommandContext::FailCall(const absl::Status& status) const {
  if (status.code() != absl::StatusCode::kUnavailable ||
      !GetErrorDetail(status).reason.empty()) {
    return Fail(kExitCallFailed, status);
  }
  if (json_) PrintJson(nlohmann::ordered_json{{"error", ErrorJson(status)}});
  Warn(absl::StrCat("audiencectl: ", UnreachableText(address_)));
  return kExitUnreachable;
}

int CommandContext::FailUsage(absl::string_view rule) const {
  if (json_) {
    PrintJson(nlohmann::ordered_json{
        {"error", ErrorJson(absl::InvalidArgumentError(rule))}});
  }
  Warn(absl::StrCat("audiencectl: ", rule));
  return kExitUsage;
}

}  // namespace connector::cli
