#ifndef CONNECTOR_ADMIN_PRIVACY_SERVICE_H_
#define CONNECTOR_ADMIN_PRIVACY_SERVICE_H_

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "audience_sync/v1/privacy_service.grpc.pb.h"
#include "connector/admin/context.h"
#include "connector/base/random.h"
#include "connector/config/registry.h"
#include "connector/membership/forget.h"

namespace connector::admin {

// PrivacyService over gRPC. A value that it is given is hashed and gone when
// the call returns; no error repeats it.
class PrivacyServiceImpl final
    : public audience_sync::v1::PrivacyService::Service {
 public:
  // What the context and the pointers point to must outlive the service.
  // `on_request` is called after a request became durable.
  PrivacyServiceImpl(AdminContext context, membership::Forgets* forgets,
                     Random* random, std::function<void()> on_request)
      : context_(std::move(context)),
        forgets_(forgets),
        random_(random),
        on_request_(std::move(on_request)) {}

  grpc::Status ForgetIdentity(
      grpc::ServerContext* call,
      const audience_sync::v1::ForgetIdentityRequest* request,
      audience_sync::v1::ForgetIdentityResponse* response) override;
  grpc::Status GetForgetReceipt(
      grpc::ServerContext* call,
      const audience_sync::v1::GetForgetReceiptRequest* request,
      audience_sync::v1::GetForgetReceiptResponse* response) override;
  grpc::Status ListForgetReceipts(
      grpc::ServerContext* call,
      const audience_sync::v1::ListForgetReceiptsRequest* request,
      audience_sync::v1::ListForgetReceiptsResponse* response) override;

 private:
  absl::StatusOr<audience_sync::v1::ForgetIdentityResponse> Forget(
      const audience_sync::v1::ForgetIdentityRequest& request);
  absl::StatusOr<audience_sync::v1::ForgetReceipt> Find(
      const audience_sync::v1::GetForgetReceiptRequest& request);
  absl::StatusOr<audience_sync::v1::ListForgetReceiptsResponse> List(
      const audience_sync::v1::ListForgetReceiptsRequest& request);
  audience_sync::v1::ForgetReceipt ToReceipt(
      const config::DestinationState& destination,
      const membership::Forget& forget);

  const AdminContext context_;
  membership::Forgets* const forgets_;
  Random* const random_;
  const std::function<void()> on_request_;
};

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_PRIVACY_SERVICE_H_
