#ifndef CONNECTOR_ADMIN_SEGMENT_SERVICE_H_
#define CONNECTOR_ADMIN_SEGMENT_SERVICE_H_

#include <utility>

#include "audience_sync/v1/segment_service.grpc.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// SegmentService over gRPC.
class SegmentServiceImpl final
    : public audience_sync::v1::SegmentService::Service {
 public:
  explicit SegmentServiceImpl(AdminContext context)
      : context_(std::move(context)) {}

  grpc::Status MapSegment(
      grpc::ServerContext* call,
      const audience_sync::v1::MapSegmentRequest* request,
      audience_sync::v1::MapSegmentResponse* response) override;
  grpc::Status UpdateSegment(
      grpc::ServerContext* call,
      const audience_sync::v1::UpdateSegmentRequest* request,
      audience_sync::v1::UpdateSegmentResponse* response) override;
  grpc::Status BindCustomerList(
      grpc::ServerContext* call,
      const audience_sync::v1::BindCustomerListRequest* request,
      audience_sync::v1::BindCustomerListResponse* response) override;
  grpc::Status UnmapSegment(
      grpc::ServerContext* call,
      const audience_sync::v1::UnmapSegmentRequest* request,
      audience_sync::v1::UnmapSegmentResponse* response) override;
  grpc::Status ResyncSegment(
      grpc::ServerContext* call,
      const audience_sync::v1::ResyncSegmentRequest* request,
      audience_sync::v1::ResyncSegmentResponse* response) override;
  grpc::Status ReplaceCustomerList(
      grpc::ServerContext* call,
      const audience_sync::v1::ReplaceCustomerListRequest* request,
      audience_sync::v1::ReplaceCustomerListResponse* response) override;

 private:
  const AdminContext context_;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_SEGMENT_SERVICE_H_
