#ifndef CONNECTOR_CLI_COMMAND_H_
#define CONNECTOR_CLI_COMMAND_H_

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "nlohmann/json_fwd.hpp"

namespace connector::cli {

// The world a command runs in, replaced by tests.
struct CommandEnvironment {
  FILE* in = stdin;
  FILE* out = stdout;
  FILE* err = stderr;
  // Makes a connection to an address.
  std::function<std::shared_ptr<grpc::Channel>(const std::string&)> connect;
  Clock* clock = nullptr;
  Random* random = nullptr;
  std::function<void(absl::Duration)> sleep;
};

// One run of one command. Not thread-safe.
class CommandContext {
 public:
  CommandContext(const CommandEnvironment& environment, std::string address,
                 bool json, std::vector<std::string> arguments);

  const CommandEnvironment& environment() const { return environment_; }
  const std::string& address() const { return address_; }
  bool json() const { return json_; }
  // What stands behind the command's name.
  const std::vector<std::string>& arguments() const { return arguments_; }

  using Stub = audience_sync::v1::DestinationService::Stub;

  // Makes a unary call of the DestinationService.
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                 const Request&, Response*),
                    const Request& request, Response& response,
                    absl::Duration timeout) {
    grpc::ClientContext context;
    Prepare(context, timeout);
    return Converted((stub_.get()->*method)(&context, request, &response));
  }

  // The same of another service.
  template <typename Service, typename Request, typename Response>
  absl::Status CallOf(grpc::Status (Service::Stub::*method)(
                          grpc::ClientContext*, const Request&, Response*),
                      const Request& request, Response& response,
                      absl::Duration timeout = CallTimeout()) {
    grpc::ClientContext context;
    SetDeadline(context, timeout);
    const auto stub = Service::NewStub(environment_.connect(address_));
    return Converted((stub.get()->*method)(&context, request, &response));
  }

  // The same within --call_timeout.
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                 const Request&, Response*),
                    const Request& request, Response& response) {
    return Call(method, request, response, CallTimeout());
  }

  // The outcome of a call that was made without this.
  static absl::Status Converted(const grpc::Status& status);

  // Standard output.
  void Print(absl::string_view text) const;
  void PrintJson(const nlohmann::ordered_json& json) const;
  void PrintJson(const google::protobuf::Message& message) const;
  // Standard error, a line.
  void Warn(absl::string_view text) const;

  // Report an error, with --json as a document {"error": …} too, and return the
  // exit code.
  int Fail(int exit_code, const absl::Status& status) const;
  // Of a call; kExitUnreachable when nothing answered.
  int FailCall(const absl::Status& status) const;
  int FailUsage(absl::string_view rule) const;

 private:
  void Prepare(grpc::ClientContext& context, absl::Duration timeout);
  static void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);
  static absl::Duration CallTimeout();

  const CommandEnvironment environment_;
  const std::string address_;
  const bool json_;
  const std::vector<std::string> arguments_;
  std::unique_ptr<Stub> stub_;
};

// A command of the command line.
struct Command {
  std::string name;
  // What follows the name: "AD_ACCOUNT_ID".
  std::string usage;
  // One sentence.
  std::string summary;
  // Names of its own flags.
  std::vector<std::string> flags;
  size_t min_arguments;
  size_t max_arguments;
  // Returns the exit code.
  std::function<int(CommandContext&)> run;
};

// A message as canonical protobuf JSON, with the fields that hold defaults.
nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_COMMAND_H_
