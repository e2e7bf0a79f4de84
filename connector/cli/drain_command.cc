#include "absl/flags/flag.h"
#include "connector/base/error.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/status_text.h"

namespace connector::cli {
namespace {

using audience_sync::v1::DrainDestinationRequest;
using audience_sync::v1::DrainDestinationResponse;

int Run(CommandContext& context) {
  DrainDestinationRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  DrainDestinationResponse response;
  const absl::Status status =
      context.Call(&CommandContext::Stub::DrainDestination, request, response,
                   absl::GetFlag(FLAGS_timeout));
  if (status.code() == absl::StatusCode::kDeadlineExceeded ||
      GetErrorDetail(status).reason == "DELIVERY_BLOCKED") {
    return context.Fail(kExitNotSettled, status);
  }
  if (!status.ok()) return context.FailCall(status);
  if (context.json()) {
    context.PrintJson(response.status());
  } else {
    context.Print(
        StatusText(response.status(), context.environment().clock->Now()));
    context.Print("\neverything that was durable at the call is settled\n");
  }
  return kExitOk;
}

}  // namespace

Command DrainCommand() {
  return {"drain",
          "AD_ACCOUNT_ID",
          "Sends at once what waits, and returns when all of it is settled.",
          {"timeout"},
          1,
          1,
          Run};
}

}  // namespace connector::cli
