#include "absl/strings/str_cat.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/login_text.h"
#include "connector/cli/owner_name.h"
#include "connector/cli/rpc_error.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using audience_sync::v1::ListCredentialsRequest;
using audience_sync::v1::ListCredentialsResponse;
using audience_sync::v1::ListDestinationsRequest;
using audience_sync::v1::ListDestinationsResponse;

std::string CredentialTable(const CommandContext& context,
                            const ListCredentialsResponse& credentials) {
  Table credential_table(
      {{"CREDENTIAL"}, {"NAME"}, {"TOKEN FILE"}, {"OWNER"}, {"STATE"}});
  const absl::Time now = context.environment().clock->Now();
  for (const auto& entry : credentials.credentials()) {
    std::string state = ErrorLine(entry.blocked_by());
    if (state.empty()) state = "usable";
    if (entry.has_oauth_status()) {
      absl::StrAppend(&state, "; ", LoginText(entry.oauth_status(), now));
    }
    const auto& credential = entry.credential();
    credential_table.AddRow(
        {credential.credential_id(), credential.display_name(),
         credential.has_oauth() ? credential.oauth().refresh_token_file()
                                : credential.access_token_file(),
         OwnerName(entry.owner()), state});
  }
  return credential_table.Render();
}

int Run(CommandContext& context) {
  ListDestinationsResponse destinations;
  ListCredentialsResponse credentials;
  absl::Status status = context.Call(&CommandContext::Stub::ListDestinations,
                                     ListDestinationsRequest(), destinations);
  if (status.ok()) {
    status = context.Call(&CommandContext::Stub::ListCredentials,
                          ListCredentialsRequest(), credentials);
  }
  if (!status.ok()) return context.FailCall(status);
  if (context.json()) {
    nlohmann::ordered_json document = ToJson(destinations);
    document["credentials"] = ToJson(credentials)["credentials"];
    context.PrintJson(document);
    return kExitOk;
  }
  Table destination_table(
      {{"DESTINATION"}, {"NAME"}, {"CREDENTIAL"}, {"OWNER"}});
  for (const auto& entry : destinations.destinations()) {
    destination_table.AddRow({entry.destination().ad_account_id(),
                              entry.destination().display_name(),
                              entry.destination().credential_id(),
                              OwnerName(entry.owner())});
  }
  context.Print(absl::StrCat(destination_table.Render(), "\n",
                             CredentialTable(context, credentials)));
  return kExitOk;
}

int RunCredentials(CommandContext& context) {
  ListCredentialsResponse credentials;
  if (absl::Status s = context.Call(&CommandContext::Stub::ListCredentials,
                                    ListCredentialsRequest(), credentials);
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    context.PrintJson(credentials);
  } else {
    context.Print(CredentialTable(context, credentials));
  }
  return kExitOk;
}

}  // namespace

Command ListCommand() {
  return {"list", "", "Lists destinations and credentials.", {}, 0, 0, Run};
}

Command CredentialsCommand() {
  return {"credentials",
          "",
          "Lists the credentials: whether they can be used, and for how long.",
          {},
          0,
          0,
          RunCredentials};
}

}  // namespace connector::cli
