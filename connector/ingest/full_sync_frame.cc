#include "connector/ingest/full_sync_frame.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/ingest/batch_digest.h"
#include "connector/ingest/segment_table.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;

absl::StatusOr<membership::Batch> MapFrame(
    const config::DestinationState& destination, const v1::Segment& segment,
    absl::string_view name, membership::Catalog* catalog) {
  std::vector<membership::SegmentChanges> changes;
  SegmentTable table(destination, v1::ExportBatch(), catalog, &changes);
  v1::SegmentMembership membership;
  *membership.mutable_segment() = segment;
  BatchSegment* const found = table.Find(membership);
  if (absl::Status s = table.Ensure(found); !s.ok()) return s;
  if (found->reason == v1::REJECTION_REASON_SEGMENT_INVALID) {
    return FieldError(absl::StrCat(name, ".segment"),
                      "must have an id and a namespace within their limits, "
                      "without control characters");
  }
  if (found->reason != v1::REJECTION_REASON_UNSPECIFIED) {
    ErrorDetail detail;
    detail.reason = "SEGMENT_NOT_TAKEN";
    detail.metadata["reason"] = v1::RejectionReason_Name(found->reason);
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat(name,
                                  ".segment: the destination does not "
                                  "take this segment: ",
                                  v1::RejectionReason_Name(found->reason)),
                     detail);
  }
  membership::Batch batch;
  batch.destination = destination.number;
  membership::FullSyncFrame& frame = batch.full_sync.emplace();
  frame.segment = changes.front().segment;
  frame.list = changes.front().list;
  return batch;
}

// Of what no batch has the digest of.
FieldDigest DigestOf(const config::DestinationState& destination,
                     const v1::Segment& segment, absl::string_view name) {
  FieldDigest digest;
  digest.Text(absl::StrCat(destination.history_id, " ", name));
  digest.Text(segment.segment_namespace());
  digest.Text(segment.segment_id());
  return digest;
}

}  // namespace

absl::StatusOr<membership::Batch> MapFullSyncFrame(
    const config::DestinationState& destination, const v1::BeginFullSync& frame,
    membership::Catalog* catalog) {
  absl::Duration expire_after = limits::kDefaultFullSyncExpiry;
  if (frame.has_expire_after()) {
    expire_after = absl::Seconds(frame.expire_after().seconds()) +
                   absl::Nanoseconds(frame.expire_after().nanos());
    if (expire_after <= absl::ZeroDuration() ||
        expire_after > limits::kMaxFullSyncExpiry) {
      return FieldError("begin_full_sync.expire_after",
                        "must be more than 0 and at most 7 days");
    }
  }
  absl::StatusOr<membership::Batch> batch =
      MapFrame(destination, frame.segment(), "begin_full_sync", catalog);
  if (!batch.ok()) return batch;
  batch->sequence_number = frame.sequence_number();
  batch->full_sync->kind = membership::FullSyncFrame::Kind::kBegin;
  batch->full_sync->expire_after = expire_after;
  FieldDigest digest =
      DigestOf(destination, frame.segment(), "begin_full_sync");
  digest.Number(static_cast<uint64_t>(frame.expire_after().seconds()));
  digest.Number(static_cast<uint64_t>(frame.expire_after().nanos()));
  batch->digest = digest.Finish();
  return batch;
}

absl::StatusOr<membership::Batch> MapFullSyncFrame(
    const config::DestinationState& destination,
    const v1::CommitFullSync& frame, membership::Catalog* catalog) {
  absl::StatusOr<membership::Batch> batch =
      MapFrame(destination, frame.segment(), "commit_full_sync", catalog);
  if (!batch.ok()) return batch;
  batch->sequence_number = frame.sequence_number();
  batch->full_sync->kind = membership::FullSyncFrame::Kind::kCommit;
  batch->digest =
      DigestOf(destination, frame.segment(), "commit_full_sync").Finish();
  return batch;
}

}  // namespace connector::ingest
