#include "connector/ingest/unary_intake.h"

#include <utility>

#include "connector/base/crash_point.h"
#include "connector/base/error.h"

namespace connector::ingest {

absl::Status Busy(absl::string_view reason, absl::string_view message) {
  ErrorDetail detail;
  detail.reason = std::string(reason);
  detail.retry_delay = absl::Seconds(1);
  return MakeError(absl::StatusCode::kResourceExhausted, message, detail);
}

absl::StatusOr<std::shared_ptr<const config::DestinationState>>
UnaryIntake::FindDestination(absl::string_view ad_account_id) const {
  auto destination = context_.registry->FindDestination(ad_account_id);
  if (destination == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                     "there is no destination for this ad account");
  }
  return destination;
}

void UnaryIntake::Commit(
    const config::DestinationState& destination,
    const audience_sync::v1::ExportBatch& batch, const std::string& export_id,
    const MapOptions& options,
    std::function<void(absl::StatusOr<UnaryOutcome>)> done) const {
  if (!context_.budget->HasRoom()) {
    done(Busy("SERVER_BUSY",
              "too many batches are on their way to stable storage"));
    return;
  }
  absl::StatusOr<MappedBatch> mapped =
      MapBatch(destination, batch, context_.catalog, options);
  if (!mapped.ok()) {
    done(mapped.status());
    return;
  }
  const int64_t bytes = static_cast<int64_t>(mapped->bytes);
  UnaryOutcome outcome;
  outcome.rejections = ToBatchRejections(*mapped);
  outcome.rejections_by_reason = std::move(mapped->rejections_by_reason);
  outcome.counts = mapped->batch.counts_without_segment;
  for (const membership::SegmentChanges& changes : mapped->batch.segments) {
    outcome.counts.received += changes.counts.received;
    outcome.counts.excluded += changes.counts.excluded;
    outcome.counts.rejected += changes.counts.rejected;
  }
  mapped->batch.export_id = export_id;
  context_.budget->Take(bytes);
  ReachCrashPoint(CrashPoint::kUnaryBatchMapped);
  context_.intake->Commit(
      std::move(mapped->batch),
      [budget = context_.budget, bytes, outcome = std::move(outcome),
       done = std::move(done)](
          absl::StatusOr<membership::CommitOutcome> committed) mutable {
        budget->Return(bytes);
        if (!committed.ok()) {
          done(committed.status());
          return;
        }
        outcome.repeat = committed->repeat;
        outcome.position = std::move(committed->position);
        done(std::move(outcome));
      });
}

}  // namespace connector::ingest
