#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/table.h"
#include "nlohmann/json.hpp"

namespace connector::cli {
namespace {

using audience_sync::v1::DeleteCredentialRequest;
using audience_sync::v1::DeleteCredentialResponse;
using audience_sync::v1::DeleteDestinationRequest;
using audience_sync::v1::DeleteDestinationResponse;

int Report(CommandContext& context, const char* what) {
  const std::string& id = context.arguments()[0];
  if (context.json()) {
    context.PrintJson(nlohmann::ordered_json{{"deleted", id}});
  } else {
    context.Print(absl::StrCat(what, " ", Printable(id), ": deleted\n"));
  }
  return kExitOk;
}

int RunDelete(CommandContext& context) {
  DeleteDestinationRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  request.set_force(absl::GetFlag(FLAGS_force));
  DeleteDestinationResponse response;
  if (absl::Status s = context.Call(&CommandContext::Stub::DeleteDestination,
                                    request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  return Report(context, "destination");
}

int RunDeleteCredential(CommandContext& context) {
  DeleteCredentialRequest request;
  request.set_credential_id(context.arguments()[0]);
  DeleteCredentialResponse response;
  if (absl::Status s = context.Call(&CommandContext::Stub::DeleteCredential,
                                    request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  return Report(context, "credential");
}

}  // namespace

Command DeleteCommand() {
  return {"delete",
          "AD_ACCOUNT_ID",
          "Forgets a destination; its lists at Pinterest stay as they are.",
          {"force"},
          1,
          1,
          RunDelete};
}

Command DeleteCredentialCommand() {
  return {"delete-credential",
          "CREDENTIAL_ID",
          "Forgets a credential that no destination uses.",
          {},
          1,
          1,
          RunDeleteCredential};
}

}  // namespace connector::cli
