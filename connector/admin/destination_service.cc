#include "connector/admin/destination_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "connector/admin/check.h"
#include "connector/admin/drain.h"
#include "connector/admin/lifecycle.h"
#include "connector/admin/lookup.h"
#include "connector/admin/preview.h"
#include "connector/admin/rejections.h"
#include "connector/admin/replay.h"
#include "connector/admin/spec.h"
#include "connector/admin/status_report.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/ingest/grpc_status.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using ingest::ToGrpcStatus;

// How often a watch looks whether it should end.
constexpr absl::Duration kWatchSlice = absl::Milliseconds(100);

// Counts one long call for as long as it lives.
class LongCall {
 public:
  explicit LongCall(std::atomic<int>* count, int most = limits::kMaxLongCalls)
      : count_(count), admitted_(count->fetch_add(1) < most) {}
  ~LongCall() { count_->fetch_sub(1); }
  LongCall(const LongCall&) = delete;
  LongCall& operator=(const LongCall&) = delete;

  absl::Status status() const {
    if (admitted_) return absl::OkStatus();
    ErrorDetail detail;
    detail.reason = "TOO_MANY_CALLS";
    detail.retry_delay = absl::Seconds(5);
    return MakeError(absl::StatusCode::kResourceExhausted,
                     "too many calls of this kind run at once", detail);
  }

 private:
  std::atomic<int>* const count_;
  const bool admitted_;
};

void Fill(const config::DestinationState& state,
          v1::GetDestinationResponse* response) {
  *response->mutable_destination() = state.config;
  response->set_owner(state.owner);
}

}  // namespace

grpc::Status DestinationServiceImpl::GetSpec(grpc::ServerContext*,
                                             const v1::GetSpecRequest*,
                                             v1::GetSpecResponse* response) {
  *response = MakeSpec();
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::CheckDestination(
    grpc::ServerContext*, const v1::CheckDestinationRequest* request,
    v1::CheckDestinationResponse* response) {
  const LongCall long_call(&long_calls_);
  if (!long_call.status().ok()) return ToGrpcStatus(long_call.status());
  auto results = admin::CheckDestination(context_, *request);
  if (!results.ok()) return ToGrpcStatus(results.status());
  *response = *std::move(results);
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::ApplyDestination(
    grpc::ServerContext*, const v1::ApplyDestinationRequest* request,
    v1::ApplyDestinationResponse* response) {
  if (!request->has_destination()) {
    return ToGrpcStatus(FieldError("destination", "must be set"));
  }
  auto state = context_.registry->ApplyDestination(request->destination(),
                                                   request->validate_only());
  if (!state.ok()) return ToGrpcStatus(state.status());
  *response->mutable_destination() = (*state)->config;
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::GetDestination(
    grpc::ServerContext*, const v1::GetDestinationRequest* request,
    v1::GetDestinationResponse* response) {
  auto state = FindDestination(context_, request->ad_account_id());
  if (!state.ok()) return ToGrpcStatus(state.status());
  Fill(**state, response);
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::ListDestinations(
    grpc::ServerContext*, const v1::ListDestinationsRequest*,
    v1::ListDestinationsResponse* response) {
  for (const auto& state : context_.registry->Destinations()) {
    Fill(*state, response->add_destinations());
  }
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::DeleteDestination(
    grpc::ServerContext*, const v1::DeleteDestinationRequest* request,
    v1::DeleteDestinationResponse*) {
  return ToGrpcStatus(admin::DeleteDestination(context_, *request));
}

grpc::Status DestinationServiceImpl::ApplyCredential(
    grpc::ServerContext*, const v1::ApplyCredentialRequest* request,
    v1::ApplyCredentialResponse* response) {
  if (!request->has_credential()) {
    return ToGrpcStatus(FieldError("credential", "must be set"));
  }
  auto state = context_.registry->ApplyCredential(request->credential(),
                                                  request->validate_only());
  if (!state.ok()) return ToGrpcStatus(state.status());
  *response->mutable_credential() = (*state)->config;
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::ListCredentials(
    grpc::ServerContext*, const v1::ListCredentialsRequest*,
    v1::ListCredentialsResponse* response) {
  *response = admin::ListCredentials(context_);
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::DeleteCredential(
    grpc::ServerContext*, const v1::DeleteCredentialRequest* request,
    v1::DeleteCredentialResponse*) {
  return ToGrpcStatus(context_.registry->DeleteCredential(
      request->credential_id(), request->etag()));
}

grpc::Status DestinationServiceImpl::PauseDelivery(
    grpc::ServerContext*, const v1::PauseDeliveryRequest* request,
    v1::PauseDeliveryResponse*) {
  return ToGrpcStatus(admin::PauseDelivery(context_, *request));
}

grpc::Status DestinationServiceImpl::ResumeDelivery(
    grpc::ServerContext*, const v1::ResumeDeliveryRequest* request,
    v1::ResumeDeliveryResponse*) {
  return ToGrpcStatus(admin::ResumeDelivery(context_, *request));
}

grpc::Status DestinationServiceImpl::GetSyncStatus(
    grpc::ServerContext*, const v1::GetSyncStatusRequest* request,
    v1::GetSyncStatusResponse* response) {
  auto destination = FindDestination(context_, request->ad_account_id());
  if (!destination.ok()) return ToGrpcStatus(destination.status());
  auto status = ReportStatus(context_, **destination);
  if (!status.ok()) return ToGrpcStatus(status.status());
  *response->mutable_status() = *std::move(status);
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::PreviewDelivery(
    grpc::ServerContext* call, const v1::PreviewDeliveryRequest* request,
    v1::PreviewDeliveryResponse* response) {
  const LongCall long_call(&long_calls_);
  if (!long_call.status().ok()) return ToGrpcStatus(long_call.status());
  auto destination = FindDestination(context_, request->ad_account_id());
  if (!destination.ok()) return ToGrpcStatus(destination.status());
  auto preview = admin::PreviewDelivery(context_, **destination, *request,
                                        [call] { return call->IsCancelled(); });
  if (!preview.ok()) return ToGrpcStatus(preview.status());
  *response = *std::move(preview);
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::WatchSyncStatus(
    grpc::ServerContext* call, const v1::WatchSyncStatusRequest* request,
    grpc::ServerWriter<v1::WatchSyncStatusResponse>* writer) {
  absl::Duration interval = absl::Seconds(1);
  if (request->has_interval()) {
    interval = absl::Seconds(request->interval().seconds()) +
               absl::Nanoseconds(request->interval().nanos());
    if (interval < absl::Milliseconds(100) || interval > absl::Hours(1)) {
      return ToGrpcStatus(FieldError("interval", "must be from 0.1 s to 1 h"));
    }
  }
  const LongCall watch(&watches_, limits::kMaxStatusWatches);
  if (!watch.status().ok()) return ToGrpcStatus(watch.status());
  std::string last;
  for (;;) {
    auto destination = FindDestination(context_, request->ad_account_id());
    if (!destination.ok()) return ToGrpcStatus(destination.status());
    auto status = ReportStatus(context_, **destination);
    if (!status.ok()) return ToGrpcStatus(status.status());
    v1::WatchSyncStatusResponse response;
    *response.mutable_status() = *std::move(status);
    std::string now = response.SerializeAsString();
    if (now != last) {
      if (!writer->Write(response)) return grpc::Status::CANCELLED;
      last = std::move(now);
    }
    for (absl::Duration left = interval; left > absl::ZeroDuration();
         left -= kWatchSlice) {
      if (call->IsCancelled()) return grpc::Status::CANCELLED;
      if (stop_.WaitForNotificationWithTimeout(std::min(left, kWatchSlice))) {
        return ToGrpcStatus(MakeError(absl::StatusCode::kUnavailable,
                                      "SHUTTING_DOWN", "the connector stops"));
      }
    }
  }
}

grpc::Status DestinationServiceImpl::ListRejections(
    grpc::ServerContext*, const v1::ListRejectionsRequest* request,
    v1::ListRejectionsResponse* response) {
  auto destination = FindDestination(context_, request->ad_account_id());
  if (!destination.ok()) return ToGrpcStatus(destination.status());
  auto page = admin::ListRejections(
      context_, **destination, request->page_size(), request->page_token());
  if (!page.ok()) return ToGrpcStatus(page.status());
  *response = *std::move(page);
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::ReplayRejections(
    grpc::ServerContext*, const v1::ReplayRejectionsRequest* request,
    v1::ReplayRejectionsResponse* response) {
  const LongCall long_call(&long_calls_);
  if (!long_call.status().ok()) return ToGrpcStatus(long_call.status());
  absl::MutexLock lock(&replay_mutex_);
  auto replayed = admin::ReplayRejections(context_, *request);
  if (!replayed.ok()) return ToGrpcStatus(replayed.status());
  *response = *std::move(replayed);
  return grpc::Status::OK;
}

grpc::Status DestinationServiceImpl::DrainDestination(
    grpc::ServerContext* call, const v1::DrainDestinationRequest* request,
    v1::DrainDestinationResponse* response) {
  const LongCall long_call(&long_calls_);
  if (!long_call.status().ok()) return ToGrpcStatus(long_call.status());
  auto destination = FindDestination(context_, request->ad_account_id());
  if (!destination.ok()) return ToGrpcStatus(destination.status());
  DrainWait wait;
  // A modest poll: a drain is rare, and each look costs one lookup a list.
  wait.wait = [this](absl::Duration duration) {
    stop_.WaitForNotificationWithTimeout(duration);
  };
  wait.cancelled = [this, call] {
    return stop_.HasBeenNotified() || call->IsCancelled();
  };
  // The caller's deadline is by the machine's clock.
  wait.deadline = context_.clock->Now() +
                  (absl::FromChrono(call->deadline()) - absl::Now());
  const absl::Status drained = Drain(context_, **destination, wait);
  if (!drained.ok()) {
    if (stop_.HasBeenNotified()) {
      return ToGrpcStatus(MakeError(absl::StatusCode::kUnavailable,
                                    "SHUTTING_DOWN", "the connector stops"));
    }
    return ToGrpcStatus(drained);
  }
  auto status = ReportStatus(context_, **destination);
  if (!status.ok()) return ToGrpcStatus(status.status());
  *response->mutable_status() = *std::move(status);
  return grpc::Status::OK;
}

}  // namespace connector::admin
