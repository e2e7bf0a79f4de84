#ifndef CONNECTOR_ADMIN_MAINTENANCE_SERVICE_H_
#define CONNECTOR_ADMIN_MAINTENANCE_SERVICE_H_

#include <string>
#include <utility>

#include "audience_sync/v1/maintenance_service.grpc.pb.h"
#include "connector/membership/maintenance.h"

namespace connector::admin {

// MaintenanceService over gRPC.
class MaintenanceServiceImpl final
    : public audience_sync::v1::MaintenanceService::Service {
 public:
  // `backup_dir`: an existing directory, or empty: no backups are made.
  // `maintenance` must outlive the service.
  MaintenanceServiceImpl(membership::Maintenance* maintenance,
                         std::string backup_dir)
      : maintenance_(maintenance), backup_dir_(std::move(backup_dir)) {}

  grpc::Status BackupState(
      grpc::ServerContext* call,
      const audience_sync::v1::BackupStateRequest* request,
      audience_sync::v1::BackupStateResponse* response) override;

 private:
  membership::Maintenance* const maintenance_;
  const std::string backup_dir_;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_MAINTENANCE_SERVICE_H_
