#include "connector/admin/full_sync_service.h"

#include <string>

#include "absl/strings/numbers.h"
#include "absl/synchronization/notification.h"
#include "connector/admin/full_sync_status.h"
#include "connector/admin/lookup.h"
#include "connector/base/error.h"
#include "connector/ingest/grpc_status.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

absl::Status NotFound() {
  return MakeError(absl::StatusCode::kNotFound, "FULL_SYNC_NOT_FOUND",
                   "the segment has no such full sync");
}

}  // namespace

grpc::Status FullSyncServiceImpl::DecideFullSync(
    grpc::ServerContext* /*call*/, const v1::DecideFullSyncRequest* request,
    v1::DecideFullSyncResponse* response) {
  absl::StatusOr<v1::FullSync> full_sync = Decide(*request);
  if (!full_sync.ok()) return ingest::ToGrpcStatus(full_sync.status());
  *response->mutable_full_sync() = *std::move(full_sync);
  return grpc::Status::OK;
}

absl::StatusOr<v1::FullSync> FullSyncServiceImpl::Decide(
    const v1::DecideFullSyncRequest& request) {
  const auto destination = FindDestination(context_, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  v1::SegmentName name;
  name.set_segment_namespace(request.segment().segment_namespace());
  name.set_segment_id(request.segment().segment_id());
  const auto segment = FindSegment(context_, **destination, name);
  if (!segment.ok()) return segment.status();

  membership::Batch batch;
  membership::FullSyncDecision& decision = batch.full_sync_decision.emplace();
  decision.list = segment->list;
  if (!absl::SimpleAtoi(request.full_sync_id(), &decision.number)) {
    return NotFound();
  }
  decision.expected = membership::FullSyncState::kWaiting;
  switch (request.decision()) {
    case v1::FULL_SYNC_DECISION_APPLY:
      decision.kind = membership::FullSyncDecision::Kind::kRelease;
      break;
    case v1::FULL_SYNC_DECISION_DISCARD:
      decision.kind = membership::FullSyncDecision::Kind::kDiscard;
      break;
    default:
      return FieldError("decision", "must be APPLY or DISCARD");
  }
  const membership::FullSyncNumber number = decision.number;
  absl::Notification done;
  absl::Status status;
  context_.intake->Commit(
      std::move(batch), [&](absl::StatusOr<membership::CommitOutcome> outcome) {
        status = outcome.status();
        done.Notify();
      });
  done.WaitForNotification();
  if (!status.ok()) return status;
  for (const auto& full_sync : full_syncs_->FindFullSyncs(segment->list)) {
    if (full_sync.number == number) return ToFullSyncProto(full_sync);
  }
  return NotFound();
}

}  // namespace connector::admin
