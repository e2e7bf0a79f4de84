#include "connector/admin/drain.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/admin/standing.h"
#include "connector/base/error.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using membership::CommitNumber;
using membership::ListNumber;
using membership::ListRow;

constexpr absl::Duration kFirstWait = absl::Milliseconds(20);
constexpr absl::Duration kLongestWait = absl::Milliseconds(500);

// A block may end at once: the probe that a resume asked for is on its way.
constexpr absl::Duration kBlockedGrace = absl::Seconds(2);

// What a list has to be settled through.
struct Target {
  ListNumber list = 0;
  CommitNumber through = 0;
  membership::SegmentNumber segment = 0;
};

absl::Status Deleted() {
  return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                   "the destination was deleted meanwhile");
}

// Drops what is settled.
absl::Status DropSettled(const AdminContext& context,
                         std::vector<Target>* targets) {
  std::vector<Target> left;
  for (Target& target : *targets) {
    absl::StatusOr<ListRow> row = context.ledger->GetList(target.list);
    if (absl::IsNotFound(row.status())) return Deleted();
    if (!row.ok()) return row.status();
    target.segment = row->segment;
    if (row->settled < target.through) left.push_back(target);
  }
  *targets = std::move(left);
  return absl::OkStatus();
}

// What stops the lists that are left.
struct Blocks {
  // Some list is not stopped: there is something to wait for.
  bool moving = false;
  // Only the operator can end one of the blocks.
  bool paused = false;
  std::vector<ErrorDetail::Violation> violations;
};

absl::StatusOr<Blocks> FindBlocks(const AdminContext& context,
                                  const config::DestinationState& destination,
                                  const std::vector<Target>& targets) {
  Blocks blocks;
  const auto note = [&](Standing standing) {
    blocks.paused |= standing.by_operator();
    blocks.violations.push_back(std::move(standing.violation));
  };
  Standing whole = StandingOf(context, destination);
  const bool all_stopped = whole.stopped();
  if (all_stopped) note(std::move(whole));
  for (const Target& target : targets) {
    auto segment = context.ledger->GetSegment(target.segment);
    if (absl::IsNotFound(segment.status())) return Deleted();
    if (!segment.ok()) return segment.status();
    // That of the list itself: it may be one that was replaced.
    segment->list = target.list;
    Standing standing = StandingOf(context, *segment);
    if (standing.stopped()) {
      note(std::move(standing));
    } else if (!all_stopped) {
      blocks.moving = true;
    }
  }
  return blocks;
}

// Brings in what profiles said until now: which lists that changes shows only
// then.
absl::Status BringPeopleUp(const AdminContext& context,
                           const config::DestinationState& destination,
                           const DrainWait& wait) {
  if (context.people == nullptr) return absl::OkStatus();
  const CommitNumber through = context.ledger->SyncedCommit();
  for (absl::Duration pause = kFirstWait;;
       pause = std::min(pause * 1.5, kLongestWait)) {
    bool waits = false;
    for (const auto& each : context.people->WaitingForPeople()) {
      waits |= each.destination == destination.number &&
               each.oldest_statements != 0 && each.oldest_statements <= through;
    }
    if (!waits) return absl::OkStatus();
    if (wait.cancelled()) {
      return absl::CancelledError("the drain was cancelled");
    }
    const absl::Time now = context.clock->Now();
    if (now >= wait.deadline) {
      return absl::DeadlineExceededError(
          "what profiles said is still being brought in");
    }
    context.delivery->Flush(destination.number);
    wait.wait(std::min(pause, wait.deadline - now));
  }
}

absl::Status Blocked(Blocks blocks, size_t lists) {
  ErrorDetail detail;
  detail.reason = "DELIVERY_BLOCKED";
  detail.metadata["waitingLists"] = absl::StrCat(lists);
  std::string message = "delivery is stopped:";
  const ErrorDetail::Violation& first = blocks.violations.front();
  absl::StrAppend(&message, " ", first.subject, ": ", first.description);
  if (blocks.violations.size() > 1) {
    absl::StrAppend(&message, " (and ", blocks.violations.size() - 1, " more)");
  }
  detail.preconditions = std::move(blocks.violations);
  return MakeError(absl::StatusCode::kFailedPrecondition, message, detail);
}

}  // namespace

absl::Status Drain(const AdminContext& context,
                   const config::DestinationState& destination,
                   const DrainWait& wait) {
  if (absl::Status s = BringPeopleUp(context, destination, wait); !s.ok()) {
    return s;
  }
  std::vector<Target> targets;
  for (const membership::PendingList& pending :
       context.ledger->PendingLists()) {
    if (pending.destination == destination.number) {
      targets.push_back({pending.list, pending.newest_commit, 0});
    }
  }
  std::optional<absl::Time> blocked_since;
  for (absl::Duration pause = kFirstWait;;
       pause = std::min(pause * 1.5, kLongestWait)) {
    if (absl::Status s = DropSettled(context, &targets); !s.ok()) return s;
    if (targets.empty()) return absl::OkStatus();

    const auto now_configured =
        context.registry->FindDestination(destination.number);
    if (now_configured == nullptr) return Deleted();
    auto blocks = FindBlocks(context, *now_configured, targets);
    if (!blocks.ok()) return blocks.status();
    const absl::Time now = context.clock->Now();
    if (blocks->moving) {
      blocked_since.reset();
    } else {
      if (!blocked_since.has_value()) blocked_since = now;
      if (blocks->paused || now - *blocked_since >= kBlockedGrace) {
        return Blocked(*std::move(blocks), targets.size());
      }
    }

    if (wait.cancelled()) {
      return absl::CancelledError("the drain was cancelled");
    }
    if (now >= wait.deadline) {
      return absl::DeadlineExceededError(absl::StrCat(
          targets.size(), " customer lists still wait for delivery"));
    }
    // Again on each look: a pass that was under way at the call may have ended
    // short of what has to be settled.
    context.delivery->Flush(destination.number);
    wait.wait(std::min(pause, wait.deadline - now));
  }
}

}  // namespace connector::admin
