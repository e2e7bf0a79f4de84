#include "absl/strings/str_cat.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
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
  Table credential_table(
      {{"CREDENTIAL"}, {"NAME"}, {"TOKEN FILE"}, {"OWNER"}, {"STATE"}});
  for (const auto& entry : credentials.credentials()) {
    const std::string blocked = ErrorLine(entry.blocked_by());
    credential_table.AddRow(
        {entry.credential().credential_id(), entry.credential().display_name(),
         entry.credential().access_token_file(), OwnerName(entry.owner()),
         blocked.empty() ? "usable" : blocked});
  }
  context.Print(absl::StrCat(destination_table.Render(), "\n",
                             credential_table.Render()));
  return kExitOk;
}

}  // namespace

Command ListCommand() {
  return {"list", "", "Lists destinations and credentials.", {}, 0, 0, Run};
}

}  // namespace connector::cli
