#include "absl/strings/str_cat.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/owner_name.h"
#include "google/protobuf/text_format.h"

namespace connector::cli {
namespace {

using audience_sync::v1::GetDestinationRequest;
using audience_sync::v1::GetDestinationResponse;

int Run(CommandContext& context) {
  GetDestinationRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  GetDestinationResponse response;
  if (absl::Status s = context.Call(&CommandContext::Stub::GetDestination,
                                    request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    context.PrintJson(response);
    return kExitOk;
  }
  // As a ConnectorConfig, which `apply` takes again.
  audience_sync::v1::ConnectorConfig config;
  *config.add_destinations() = response.destination();
  std::string text;
  google::protobuf::TextFormat::PrintToString(config, &text);
  context.Print(
      absl::StrCat("# owner: ", OwnerName(response.owner()), "\n", text));
  return kExitOk;
}

}  // namespace

Command GetCommand() {
  return {"get",
          "AD_ACCOUNT_ID",
          "Shows a destination as a configuration that apply takes again.",
          {},
          1,
          1,
          Run};
}

}  // namespace connector::cli
