#ifndef CONNECTOR_ADMIN_DESTINATION_SERVICE_H_
#define CONNECTOR_ADMIN_DESTINATION_SERVICE_H_

#include <atomic>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// DestinationService over gRPC: finds the destination, calls the function that
// does the work, turns its status into gRPC's. Its behaviour is written down in
// destination_service.proto.
class DestinationServiceImpl final
    : public audience_sync::v1::DestinationService::Service {
 public:
  explicit DestinationServiceImpl(AdminContext context)
      : context_(std::move(context)) {}

  // Ends calls that wait, with UNAVAILABLE; the process stops. Once.
  void Stop() { stop_.Notify(); }

  grpc::Status GetSpec(grpc::ServerContext* call,
                       const audience_sync::v1::GetSpecRequest* request,
                       audience_sync::v1::GetSpecResponse* response) override;
  grpc::Status CheckDestination(
      grpc::ServerContext* call,
      const audience_sync::v1::CheckDestinationRequest* request,
      audience_sync::v1::CheckDestinationResponse* response) override;
  grpc::Status ApplyDestination(
      grpc::ServerContext* call,
      const audience_sync::v1::ApplyDestinationRequest* request,
      audience_sync::v1::ApplyDestinationResponse* response) override;
  grpc::Status GetDestination(
      grpc::ServerContext* call,
      const audience_sync::v1::GetDestinationRequest* request,
      audience_sync::v1::GetDestinationResponse* response) override;
  grpc::Status ListDestinations(
      grpc::ServerContext* call,
      const audience_sync::v1::ListDestinationsRequest* request,
      audience_sync::v1::ListDestinationsResponse* response) override;
  grpc::Status DeleteDestination(
      grpc::ServerContext* call,
      const audience_sync::v1::DeleteDestinationRequest* request,
      audience_sync::v1::DeleteDestinationResponse* response) override;
  grpc::Status ApplyCredential(
      grpc::ServerContext* call,
      const audience_sync::v1::ApplyCredentialRequest* request,
      audience_sync::v1::ApplyCredentialResponse* response) override;
  grpc::Status ListCredentials(
      grpc::ServerContext* call,
      const audience_sync::v1::ListCredentialsRequest* request,
      audience_sync::v1::ListCredentialsResponse* response) override;
  grpc::Status DeleteCredential(
      grpc::ServerContext* call,
      const audience_sync::v1::DeleteCredentialRequest* request,
      audience_sync::v1::DeleteCredentialResponse* response) override;
  grpc::Status PauseDelivery(
      grpc::ServerContext* call,
      const audience_sync::v1::PauseDeliveryRequest* request,
      audience_sync::v1::PauseDeliveryResponse* response) override;
  grpc::Status ResumeDelivery(
      grpc::ServerContext* call,
      const audience_sync::v1::ResumeDeliveryRequest* request,
      audience_sync::v1::ResumeDeliveryResponse* response) override;
  grpc::Status GetSyncStatus(
      grpc::ServerContext* call,
      const audience_sync::v1::GetSyncStatusRequest* request,
      audience_sync::v1::GetSyncStatusResponse* response) override;
  grpc::Status PreviewDelivery(
      grpc::ServerContext* call,
      const audience_sync::v1::PreviewDeliveryRequest* request,
      audience_sync::v1::PreviewDeliveryResponse* response) override;
  grpc::Status WatchSyncStatus(
      grpc::ServerContext* call,
      const audience_sync::v1::WatchSyncStatusRequest* request,
      grpc::ServerWriter<audience_sync::v1::WatchSyncStatusResponse>* writer)
      override;
  grpc::Status ListRejections(
      grpc::ServerContext* call,
      const audience_sync::v1::ListRejectionsRequest* request,
      audience_sync::v1::ListRejectionsResponse* response) override;
  grpc::Status ReplayRejections(
      grpc::ServerContext* call,
      const audience_sync::v1::ReplayRejectionsRequest* request,
      audience_sync::v1::ReplayRejectionsResponse* response) override;
  grpc::Status DrainDestination(
      grpc::ServerContext* call,
      const audience_sync::v1::DrainDestinationRequest* request,
      audience_sync::v1::DrainDestinationResponse* response) override;

 private:
  const AdminContext context_;
  absl::Notification stop_;
  // Held over a replay.
  absl::Mutex replay_mutex_;
  // Calls that hold a thread for long: drains, checks and previews.
  std::atomic<int> long_calls_ = 0;
  std::atomic<int> watches_ = 0;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_DESTINATION_SERVICE_H_
