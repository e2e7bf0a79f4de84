#include "connector/admin/segment_service.h"

#include "connector/admin/segment_lifecycle.h"
#include "connector/ingest/grpc_status.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

template <typename Response>
grpc::Status Answer(absl::StatusOr<Response> result, Response* response) {
  if (!result.ok()) return ingest::ToGrpcStatus(result.status());
  *response = *std::move(result);
  return grpc::Status::OK;
}

}  // namespace

grpc::Status SegmentServiceImpl::MapSegment(
    grpc::ServerContext*, const v1::MapSegmentRequest* request,
    v1::MapSegmentResponse* response) {
  return Answer(admin::MapSegment(context_, *request), response);
}

grpc::Status SegmentServiceImpl::UpdateSegment(
    grpc::ServerContext*, const v1::UpdateSegmentRequest* request,
    v1::UpdateSegmentResponse* response) {
  return Answer(admin::UpdateSegment(context_, *request), response);
}

grpc::Status SegmentServiceImpl::BindCustomerList(
    grpc::ServerContext*, const v1::BindCustomerListRequest* request,
    v1::BindCustomerListResponse* response) {
  return Answer(admin::BindCustomerList(context_, *request), response);
}

grpc::Status SegmentServiceImpl::UnmapSegment(
    grpc::ServerContext*, const v1::UnmapSegmentRequest* request,
    v1::UnmapSegmentResponse* response) {
  return Answer(admin::UnmapSegment(context_, *request), response);
}

grpc::Status SegmentServiceImpl::ResyncSegment(
    grpc::ServerContext*, const v1::ResyncSegmentRequest* request,
    v1::ResyncSegmentResponse* response) {
  return Answer(admin::ResyncSegment(context_, *request), response);
}

grpc::Status SegmentServiceImpl::ReplaceCustomerList(
    grpc::ServerContext*, const v1::ReplaceCustomerListRequest* request,
    v1::ReplaceCustomerListResponse* response) {
  return Answer(admin::ReplaceCustomerList(context_, *request), response);
}

}  // namespace connector::admin
