#ifndef CONNECTOR_ADMIN_FULL_SYNC_SERVICE_H_
#define CONNECTOR_ADMIN_FULL_SYNC_SERVICE_H_

#include <utility>

#include "absl/status/statusor.h"
#include "audience_sync/v1/full_sync_service.grpc.pb.h"
#include "connector/admin/context.h"
#include "connector/membership/full_sync.h"

namespace connector::admin {

// FullSyncService over gRPC.
class FullSyncServiceImpl final
    : public audience_sync::v1::FullSyncService::Service {
 public:
  // What the context and `full_syncs` point to must outlive the service.
  FullSyncServiceImpl(AdminContext context, membership::FullSyncs* full_syncs)
      : context_(std::move(context)), full_syncs_(full_syncs) {}

  grpc::Status DecideFullSync(
      grpc::ServerContext* call,
      const audience_sync::v1::DecideFullSyncRequest* request,
      audience_sync::v1::DecideFullSyncResponse* response) override;

 private:
  absl::StatusOr<audience_sync::v1::FullSync> Decide(
      const audience_sync::v1::DecideFullSyncRequest& request);

  const AdminContext context_;
  membership::FullSyncs* const full_syncs_;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_FULL_SYNC_SERVICE_H_
