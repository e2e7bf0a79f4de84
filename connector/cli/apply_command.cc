#include <algorithm>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/cli/commands.h"
#include "connector/cli/config_file.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ApplyCredentialRequest;
using audience_sync::v1::ApplyCredentialResponse;
using audience_sync::v1::ApplyDestinationRequest;
using audience_sync::v1::ApplyDestinationResponse;
using audience_sync::v1::ConnectorConfig;

bool HasCredential(const ConnectorConfig& config, const std::string& id) {
  return std::any_of(config.credentials().begin(), config.credentials().end(),
                     [&id](const auto& credential) {
                       return credential.credential_id() == id;
                     });
}

int Run(CommandContext& context) {
  auto config = ReadConfigFile(context.arguments()[0]);
  if (!config.ok()) return context.Fail(kExitUsage, config.status());
  const bool validate_only = absl::GetFlag(FLAGS_validate_only);
  const char* done = validate_only ? "valid" : "applied";
  ConnectorConfig applied;
  const auto report = [&](const char* what, const std::string& id) {
    if (context.json()) return;
    context.Print(absl::StrCat(what, " ", Printable(id), ": ", done, "\n"));
  };
  const auto fail = [&](const char* what, const std::string& id,
                        const absl::Status& status) {
    context.Warn(absl::StrCat(what, " ", Printable(id), ": not ", done,
                              "; what stands before it in the file is, what "
                              "stands behind it is not"));
    return context.FailCall(status);
  };
  for (const auto& credential : config->credentials()) {
    ApplyCredentialRequest request;
    *request.mutable_credential() = credential;
    request.set_validate_only(validate_only);
    ApplyCredentialResponse response;
    if (absl::Status s = context.Call(&CommandContext::Stub::ApplyCredential,
                                      request, response);
        !s.ok()) {
      return fail("credential", credential.credential_id(), s);
    }
    *applied.add_credentials() = response.credential();
    report("credential", credential.credential_id());
  }
  for (const auto& destination : config->destinations()) {
    ApplyDestinationRequest request;
    *request.mutable_destination() = destination;
    request.set_validate_only(validate_only);
    ApplyDestinationResponse response;
    absl::Status s = context.Call(&CommandContext::Stub::ApplyDestination,
                                  request, response);
    // A check alone stores no credential, so the server cannot know the one
    // that stands in this very file.
    if (validate_only && !s.ok() &&
        GetErrorDetail(s).reason == "CREDENTIAL_NOT_FOUND" &&
        HasCredential(*config, destination.credential_id())) {
      s = absl::OkStatus();
      *response.mutable_destination() = destination;
    }
    if (!s.ok()) {
      return fail("destination", destination.ad_account_id(), s);
    }
    *applied.add_destinations() = response.destination();
    report("destination", destination.ad_account_id());
  }
  if (context.json()) context.PrintJson(applied);
  return kExitOk;
}

}  // namespace

Command ApplyCommand() {
  return {"apply",
          "FILE",
          "Stores the credentials and then the destinations of a "
          "ConnectorConfig, protobuf text or JSON (- is standard input).",
          {"validate_only"},
          1,
          1,
          Run};
}

}  // namespace connector::cli
