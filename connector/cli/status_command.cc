#include <unistd.h>

#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/status_text.h"

ABSL_FLAG(bool, watch, false,
          "status: shows the status again whenever it changes, until "
          "interrupted or until the destination is deleted; a terminal is "
          "redrawn, anything else gets one status after the other");
ABSL_FLAG(absl::Duration, interval, absl::Seconds(1),
          "status --watch: the least time between two of them");
ABSL_FLAG(int32_t, updates, 0,
          "status --watch: ends after so many of them; 0: never");

namespace connector::cli {
namespace {

using audience_sync::v1::DestinationService;
using audience_sync::v1::DestinationStatus;
using audience_sync::v1::GetSyncStatusRequest;
using audience_sync::v1::GetSyncStatusResponse;
using audience_sync::v1::WatchSyncStatusRequest;
using audience_sync::v1::WatchSyncStatusResponse;

void Show(CommandContext& context, const DestinationStatus& status) {
  if (context.json()) {
    context.PrintJson(status);
  } else {
    context.Print(StatusText(status, context.environment().clock->Now()));
  }
}

int Watch(CommandContext& context) {
  WatchSyncStatusRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  const absl::Duration interval = absl::GetFlag(FLAGS_interval);
  request.mutable_interval()->set_seconds(absl::ToInt64Seconds(interval));
  request.mutable_interval()->set_nanos(static_cast<int32_t>(
      (interval - absl::Seconds(absl::ToInt64Seconds(interval))) /
      absl::Nanoseconds(1)));
  const auto stub = DestinationService::NewStub(
      context.environment().connect(context.address()));
  grpc::ClientContext call;
  const auto reader = stub->WatchSyncStatus(&call, request);
  const bool terminal = isatty(fileno(context.environment().out)) == 1;
  WatchSyncStatusResponse response;
  int shown = 0;
  while (reader->Read(&response)) {
    if (terminal && !context.json()) {
      context.Print("\033[H\033[2J");
    } else if (!context.json() && shown > 0) {
      context.Print("\n");
    }
    Show(context, response.status());
    fflush(context.environment().out);
    if (++shown == absl::GetFlag(FLAGS_updates)) {
      call.TryCancel();
      reader->Finish();
      return kExitOk;
    }
  }
  return context.FailCall(CommandContext::Converted(reader->Finish()));
}

int Run(CommandContext& context) {
  if (absl::GetFlag(FLAGS_watch)) return Watch(context);
  GetSyncStatusRequest request;
  request.set_ad_account_id(context.arguments()[0]);
  GetSyncStatusResponse response;
  if (absl::Status s =
          context.Call(&CommandContext::Stub::GetSyncStatus, request, response);
      !s.ok()) {
    return context.FailCall(s);
  }
  Show(context, response.status());
  return kExitOk;
}

}  // namespace

Command StatusCommand() {
  return {"status",
          "AD_ACCOUNT_ID",
          "Shows how a destination, its lists and its exports stand.",
          {"watch", "interval", "updates"},
          1,
          1,
          Run};
}

}  // namespace connector::cli
