#include "connector/admin/full_sync_status.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "connector/admin/timestamps.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

v1::FullSyncState ToProto(membership::FullSyncState state) {
  switch (state) {
    case membership::FullSyncState::kOpen:
      return v1::FULL_SYNC_STATE_OPEN;
    case membership::FullSyncState::kJudging:
      return v1::FULL_SYNC_STATE_JUDGING;
    case membership::FullSyncState::kWaiting:
      return v1::FULL_SYNC_STATE_WAITING_FOR_CONFIRMATION;
    case membership::FullSyncState::kReleased:
      return v1::FULL_SYNC_STATE_APPLYING;
    case membership::FullSyncState::kApplied:
      return v1::FULL_SYNC_STATE_APPLIED;
    case membership::FullSyncState::kDiscarded:
      return v1::FULL_SYNC_STATE_DISCARDED;
    case membership::FullSyncState::kExpired:
      return v1::FULL_SYNC_STATE_EXPIRED;
  }
  return v1::FULL_SYNC_STATE_UNSPECIFIED;
}

}  // namespace

v1::FullSync ToFullSyncProto(const membership::FullSync& full_sync) {
  v1::FullSync proto;
  proto.set_full_sync_id(absl::StrCat(full_sync.number));
  proto.set_state(ToProto(full_sync.state));
  proto.set_export_id(full_sync.export_id);
  proto.set_declared_count(full_sync.declared);
  proto.set_member_count(full_sync.members);
  proto.set_removal_count(full_sync.removals);
  *proto.mutable_begin_time() = ToTimestamp(full_sync.begin_time);
  const auto finite = [](absl::Time time) {
    return time > absl::InfinitePast() && time < absl::InfiniteFuture();
  };
  if (finite(full_sync.expire_time) && !full_sync.ended()) {
    *proto.mutable_expire_time() = ToTimestamp(full_sync.expire_time);
  }
  if (finite(full_sync.commit_time)) {
    *proto.mutable_commit_time() = ToTimestamp(full_sync.commit_time);
  }
  if (finite(full_sync.decision_time)) {
    *proto.mutable_decision_time() = ToTimestamp(full_sync.decision_time);
  }
  if (finite(full_sync.apply_time)) {
    *proto.mutable_apply_time() = ToTimestamp(full_sync.apply_time);
  }
  return proto;
}

}  // namespace connector::admin
