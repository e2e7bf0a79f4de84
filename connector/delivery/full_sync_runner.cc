#include "connector/delivery/full_sync_runner.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"

namespace connector::delivery {
namespace {

using membership::FullSync;
using membership::FullSyncDecision;
using membership::FullSyncState;

constexpr absl::Duration kRetryDelay = absl::Seconds(30);

}  // namespace

bool NeedsConfirmation(const FullSyncVerdict& verdict,
                       int64_t min_members_to_confirm,
                       int max_removal_percent) {
  return verdict.members >= min_members_to_confirm &&
         verdict.removals * 100 > verdict.members * max_removal_percent;
}

bool FullSyncRunner::IsBeingReplaced(membership::ListNumber list) {
  if (options_.operations == nullptr) return false;
  const auto operation = options_.operations->FindOperation(list);
  if (operation.has_value() &&
      operation->kind == membership::ListOperation::Kind::kReplace) {
    return true;
  }
  const auto row = options_.join.ledger->GetList(list);
  if (!row.ok()) return false;
  const auto segment = options_.join.ledger->GetSegment(row->segment);
  return segment.ok() && segment->former_list != 0;
}

std::optional<FullSyncRunner::Due> FullSyncRunner::FindDue() {
  std::optional<Due> first;
  std::set<membership::ListNumber> judged;
  for (const FullSync& full_sync :
       options_.join.full_syncs->UndecidedFullSyncs()) {
    Due due{full_sync, full_sync.expire_time};
    if (full_sync.state == FullSyncState::kJudging) {
      // In their order: an older one is a part of what there is without a
      // newer one.
      if (!judged.insert(full_sync.list).second) continue;
      if (IsBeingReplaced(full_sync.list)) continue;
      due.time = absl::InfinitePast();
    }
    const auto later = not_before_.find({full_sync.list, full_sync.number});
    if (later != not_before_.end()) {
      due.time = std::max(due.time, later->second);
    }
    if (!first.has_value() || due.time < first->time) first = due;
  }
  if (!first.has_value()) not_before_.clear();
  return first;
}

absl::Time FullSyncRunner::NextStepTime() {
  const std::optional<Due> due = FindDue();
  return due.has_value() ? due->time : absl::InfiniteFuture();
}

bool FullSyncRunner::RunReadyStep() {
  const std::optional<Due> due = FindDue();
  const absl::Time now = options_.clock->Now();
  if (!due.has_value() || due->time > now) return false;
  const FullSync& full_sync = due->full_sync;
  const absl::Status status = full_sync.state == FullSyncState::kJudging
                                  ? Judge(full_sync)
                                  : Expire(full_sync);
  if (!status.ok()) {
    not_before_[{full_sync.list, full_sync.number}] = now + kRetryDelay;
  }
  return true;
}

absl::Status FullSyncRunner::Expire(const FullSync& full_sync) {
  FullSyncDecision decision;
  decision.list = full_sync.list;
  decision.number = full_sync.number;
  decision.kind = FullSyncDecision::Kind::kExpire;
  decision.expected = full_sync.state;
  return Decide(decision);
}

absl::Status FullSyncRunner::Judge(const FullSync& full_sync) {
  auto row = options_.join.ledger->GetList(full_sync.list);
  if (!row.ok()) return row.status();
  auto segment = options_.join.ledger->GetSegment(row->segment);
  if (!segment.ok()) return segment.status();
  const auto destination = options_.registry->FindDestination(row->destination);
  if (destination == nullptr) {
    return absl::NotFoundError("the destination was deleted");
  }
  absl::StatusOr<FullSyncVerdict> verdict =
      JudgeFullSync(options_.join, full_sync);
  if (!verdict.ok()) {
    if (options_.observer && !absl::IsCancelled(verdict.status())) {
      options_.observer({DeliveryEvent::Kind::kInternalError,
                         destination->ad_account_id, full_sync.list,
                         row->customer_list_id,
                         std::string(verdict.status().message())});
    }
    return verdict.status();
  }
  FullSyncDecision decision;
  decision.list = full_sync.list;
  decision.number = full_sync.number;
  decision.expected = FullSyncState::kJudging;
  decision.members = verdict->members;
  decision.removals = verdict->removals;
  decision.kind = FullSyncDecision::Kind::kRelease;
  const bool asks =
      NeedsConfirmation(*verdict, options_.min_members_to_confirm,
                        destination->policy.max_full_sync_removal_percent);
  if (asks) {
    decision.kind = FullSyncDecision::Kind::kHoldBack;
    decision.expire_time =
        options_.clock->Now() + limits::kFullSyncConfirmationTime;
  }
  ReachCrashPoint(CrashPoint::kFullSyncJudged);
  if (absl::Status s = Decide(decision); !s.ok()) return s;
  if (options_.observer) {
    options_.observer(
        {DeliveryEvent::Kind::kFullSyncJudged, destination->ad_account_id,
         full_sync.list, row->customer_list_id,
         absl::StrCat(asks ? "waits for confirmation" : "is applied",
                      ": members=", verdict->members,
                      " removes=", verdict->removals)});
  }
  return absl::OkStatus();
}

absl::Status FullSyncRunner::Decide(FullSyncDecision decision) {
  membership::Batch batch;
  batch.full_sync_decision = decision;
  absl::Notification done;
  absl::Status status;
  options_.intake->Commit(
      std::move(batch), [&](absl::StatusOr<membership::CommitOutcome> outcome) {
        status = outcome.status();
        done.Notify();
      });
  done.WaitForNotification();
  return status;
}

}  // namespace connector::delivery
