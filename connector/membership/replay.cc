#include "connector/membership/replay.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"

namespace connector::membership {
namespace {

// What one batch holds.
constexpr size_t kBatchRecords = 10'000;

absl::Status CommitAndWait(Intake& intake, Batch batch) {
  absl::Notification done;
  absl::Status status;
  intake.Commit(std::move(batch), [&](absl::StatusOr<CommitOutcome> outcome) {
    status = outcome.status();
    done.Notify();
  });
  done.WaitForNotification();
  return status;
}

}  // namespace

absl::StatusOr<int64_t> ReplayRefusals(
    Ledger& ledger, Intake& intake, const SegmentRow& segment, int64_t at_most,
    const std::function<bool(identity_mapping::RecordView)>& wanted) {
  int64_t replayed = 0;
  std::optional<identity_mapping::Record> after;
  while (replayed < at_most) {
    absl::StatusOr<std::vector<RefusedRecord>> refused =
        ledger.RefusedRecords(segment.list, after, kBatchRecords);
    if (!refused.ok()) return refused.status();
    if (refused->empty()) break;
    after = refused->back().record;

    Batch batch;
    batch.destination = segment.destination;
    // An operator's repair is not refused for a full backlog.
    batch.max_backlog_bytes = std::numeric_limits<int64_t>::max();
    SegmentChanges& changes = batch.segments.emplace_back();
    changes.segment = segment.number;
    changes.list = segment.list;
    changes.run.MarkAsReplay();
    for (const RefusedRecord& each : *refused) {
      if (replayed + changes.counts.replayed == at_most) break;
      if (!wanted(each.record)) continue;
      ++changes.counts.replayed;
      changes.run.Add(each.change, each.record, /*counted=*/true);
    }
    const int64_t count = changes.counts.replayed;
    if (count == 0) continue;
    if (absl::Status s = CommitAndWait(intake, std::move(batch)); !s.ok()) {
      return s;
    }
    replayed += count;
  }
  return replayed;
}

}  // namespace connector::membership
