#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/status_text.h"

namespace connector::cli {
namespace {

using audience_sync::v1::GetSyncStatusRequest;
using audience_sync::v1::GetSyncStatusResponse;

int Run(CommandContext& context) {
  GetSyncStatusRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  GetSyncStatusResponse response;
  if (absl::Status s =
          context.Call(&CommandContext::Stub::GetSyncStatus, request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  if (context.json()) {
    context.PrintJson(response.status());
  } else {
    context.Print(
        StatusText(response.status(), context.environment().clock->Now()));
  }
  return kExitOk;
}

}  // namespace

Command StatusCommand() {
  return {"status",
          "AD_ACCOUNT_ID",
          "Shows how a destination, its lists and its exports stand.",
          {},
          1,
          1,
          Run};
}

}  // namespace connector::cli
