#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "audience_sync/v1/maintenance_service.grpc.pb.h"
#include "connector/cli/commands.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"
#include "connector/cli/table.h"

namespace connector::cli {
namespace {

using audience_sync::v1::BackupStateRequest;
using audience_sync::v1::BackupStateResponse;
using audience_sync::v1::MaintenanceService;

int Run(CommandContext& context) {
  BackupStateResponse response;
  const absl::Status status = context.CallOf<MaintenanceService>(
      &MaintenanceService::Stub::BackupState, BackupStateRequest(), response,
      absl::GetFlag(FLAGS_timeout));
  if (!status.ok()) return context.FailCall(status);
  if (context.json()) {
    context.PrintJson(response);
  } else {
    context.Print(absl::StrCat(Printable(response.name()), "\n"));
  }
  return kExitOk;
}

}  // namespace

Command BackupCommand() {
  return {"backup",
          "",
          "Makes a backup of the server's state below its --backup_dir, and "
          "prints its name.",
          {"timeout"},
          0,
          0,
          Run};
}

}  // namespace connector::cli
