// What is done with the backlog of a list that cannot be delivered.

#include <algorithm>
#include <string>
#include <utility>

#include "connector/delivery/backlog_netting.h"
#include "connector/delivery/deliverer.h"

namespace connector::delivery {
namespace {

// Below this part of the destination's quota nobody looks.
constexpr int64_t kSmallPart = 1024;

using StepKind = ListPass::StepResult::Kind;

}  // namespace

bool Deliverer::WantsNetting(Task& task,
                             const membership::PendingList& pending) {
  if (pending.bytes < task.net_from) return false;
  // Only waiting for others, not for somebody.
  if (task.not_before <= options_.clock->Now()) return false;
  const auto destination = options_.registry->FindDestination(task.destination);
  if (destination == nullptr) return false;
  const int64_t quota = destination->policy.max_backlog_bytes;
  if (pending.bytes < quota / kSmallPart) return false;
  // Half of the quota, shared by the lists that have something waiting.
  int64_t lists = 0;
  for (const auto& other : options_.ledger->PendingLists()) {
    lists += other.destination == task.destination ? 1 : 0;
  }
  const int64_t share = quota / (2 * std::max<int64_t>(1, lists));
  // Not looked at again for every commit.
  task.net_from = std::min(share, 2 * pending.bytes);
  return pending.bytes >= share;
}

ListPass::StepResult Deliverer::NetBacklogOf(Task& task) {
  const absl::Status status =
      NetBacklog(*options_.ledger, &sort_budget_, options_.spill_directory,
                 &stop_, task.list);
  if (absl::IsNotFound(status)) return {StepKind::kGone};
  if (!status.ok() && !absl::IsCancelled(status) && options_.observer) {
    options_.observer({DeliveryEvent::Kind::kInternalError, "", task.list, "",
                       std::string(status.message())});
  }
  return {StepKind::kAbandoned, task.not_before, status};
}

void Deliverer::FinishNetting(Task& task, const ListPass::StepResult& result) {
  const bool new_removals = std::exchange(task.new_removals, false);
  if (result.kind == StepKind::kGone) {
    tasks_.erase(task.list);  // `task` is gone
    return;
  }
  // What is left is what no event overtook: worth another look when half as
  // much has come besides.
  const auto pending = options_.ledger->FindPendingList(task.list);
  task.net_from =
      pending.has_value() ? 1 + pending->bytes + pending->bytes / 2 : 0;
  // Nothing about its delivery has changed but by others.
  if (task.configuration != configuration_) {
    task.not_before = absl::InfinitePast();
  }
  if (new_removals) LetRemovalsPass(task);
  Schedule(task);
}

}  // namespace connector::delivery
