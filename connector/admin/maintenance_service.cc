#include "connector/admin/maintenance_service.h"

#include "connector/admin/timestamps.h"
#include "connector/base/error.h"
#include "connector/ingest/grpc_status.h"

namespace connector::admin {

grpc::Status MaintenanceServiceImpl::BackupState(
    grpc::ServerContext* /*call*/,
    const audience_sync::v1::BackupStateRequest* /*request*/,
    audience_sync::v1::BackupStateResponse* response) {
  if (backup_dir_.empty()) {
    return ingest::ToGrpcStatus(
        MakeError(absl::StatusCode::kFailedPrecondition, "BACKUPS_OFF",
                  "the server was started without --backup_dir"));
  }
  const auto backup = maintenance_->Backup(backup_dir_);
  if (!backup.ok()) return ingest::ToGrpcStatus(backup.status());
  response->set_name(backup->name);
  response->set_size_bytes(backup->bytes);
  *response->mutable_create_time() = ToTimestamp(backup->time);
  return grpc::Status::OK;
}

}  // namespace connector::admin
