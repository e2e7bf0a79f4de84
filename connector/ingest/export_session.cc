#include "connector/ingest/export_session.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/config/destination_config.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/ingest/full_sync_frame.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;

absl::Status DestinationNotFound() {
  return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                   "there is no destination for this ad account");
}

}  // namespace

ExportSession::ExportSession(const IngestContext& context, Transport* transport)
    : context_(context),
      transport_(transport),
      stream_(context.max_unacknowledged_bytes) {}

void ExportSession::Start() { Advance(); }

void ExportSession::OnFrame(const v1::ExportSegmentsRequest& frame) {
  switch (frame.frame_case()) {
    case v1::ExportSegmentsRequest::kOpen:
      OnOpenFrame(frame.open());
      return;
    case v1::ExportSegmentsRequest::kBatch:
      OnBatchFrame(frame.batch());
      return;
    case v1::ExportSegmentsRequest::kEnd:
      OnEndFrame(frame.end());
      return;
    case v1::ExportSegmentsRequest::kBeginFullSync:
      OnFullSyncFrame(frame.begin_full_sync(), "begin_full_sync");
      return;
    case v1::ExportSegmentsRequest::kCommitFullSync:
      OnFullSyncFrame(frame.commit_full_sync(), "commit_full_sync");
      return;
    case v1::ExportSegmentsRequest::FRAME_NOT_SET:
      break;
  }
  absl::MutexLock lock(&mutex_);
  stream_.OnEmptyFrame();
}

void ExportSession::OnOpenFrame(const v1::OpenExport& open) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stream_.OnOpen(open)) return;
  }
  const auto destination =
      context_.registry->FindDestination(open.ad_account_id());
  absl::StatusOr<membership::OpenedExport> opened = DestinationNotFound();
  if (absl::Status s =
          config::CheckAdAccountId(open.ad_account_id(), "open.ad_account_id");
      !s.ok()) {
    opened = s;
  } else if (destination != nullptr) {
    destination_ = destination->number;
    export_id_ = open.export_id();
    identities_complete_ = open.identities_complete();
    opened =
        context_.intake->OpenExport(destination_, export_id_, weak_from_this());
  }
  absl::MutexLock lock(&mutex_);
  if (!opened.ok()) {
    stream_.Fail(opened.status());
    return;
  }
  fence_ = opened->fence;
  stream_.OnOpened(opened->position, destination->history_id);
}

void ExportSession::OnBatchFrame(const v1::ExportBatch& batch) {
  const int64_t frame_bytes = static_cast<int64_t>(batch.ByteSizeLong());
  {
    absl::MutexLock lock(&mutex_);
    if (!stream_.OnBatch(batch.sequence_number(), frame_bytes)) return;
  }
  context_.budget->Take(frame_bytes);
  // As it is configured now: the number stays the same while the destination is
  // not deleted, the mapping need not.
  const auto destination = context_.registry->FindDestination(destination_);
  absl::StatusOr<MappedBatch> mapped = DestinationNotFound();
  if (destination != nullptr) {
    MapOptions options;
    options.remember_exits = context_.remember_exits;
    options.identities_complete = identities_complete_;
    mapped = MapBatch(*destination, batch, context_.catalog, options);
  }
  if (!mapped.ok()) {
    {
      absl::MutexLock lock(&mutex_);
      stream_.OnRefused(mapped.status());
    }
    context_.budget->Return(frame_bytes);
    return;
  }
  // The frame itself is about to be freed.
  const int64_t bytes = static_cast<int64_t>(mapped->bytes);
  {
    absl::MutexLock lock(&mutex_);
    stream_.OnMapped(ToBatchRejections(*mapped), bytes);
  }
  context_.budget->Take(bytes);
  context_.budget->Return(frame_bytes);
  mapped->batch.export_id = export_id_;
  mapped->batch.fence = fence_;
  ReachCrashPoint(CrashPoint::kBatchMapped);
  Commit(std::move(mapped->batch), bytes);
}

template <typename Frame>
void ExportSession::OnFullSyncFrame(const Frame& frame,
                                    absl::string_view name) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stream_.OnBatch(frame.sequence_number(), 0, name)) return;
  }
  const auto destination = context_.registry->FindDestination(destination_);
  absl::StatusOr<membership::Batch> batch = DestinationNotFound();
  if (identities_complete_) {
    batch = FieldError(name,
                       "an export whose identities are complete has no full "
                       "syncs");
  } else if (destination != nullptr) {
    batch = MapFullSyncFrame(*destination, frame, context_.catalog);
  }
  {
    absl::MutexLock lock(&mutex_);
    if (!batch.ok()) {
      stream_.OnRefused(batch.status());
      return;
    }
    stream_.OnMapped({}, 0);
  }
  batch->export_id = export_id_;
  batch->fence = fence_;
  Commit(*std::move(batch), 0);
}

void ExportSession::OnEndFrame(const v1::EndExport& end) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stream_.OnEnd(end)) return;
  }
  membership::Batch batch;
  batch.destination = destination_;
  batch.export_id = export_id_;
  batch.fence = fence_;
  batch.sequence_number = end.last_sequence_number();
  batch.end_of_export = true;
  ReachCrashPoint(CrashPoint::kEndReceived);
  Commit(std::move(batch), 0);
}

void ExportSession::Commit(membership::Batch batch, int64_t bytes) {
  context_.intake->Commit(
      std::move(batch), [self = shared_from_this(), bytes](
                            absl::StatusOr<membership::CommitOutcome> outcome) {
        // First, so that the budget is free again when the call ends.
        self->context_.budget->Return(bytes);
        {
          absl::MutexLock lock(&self->mutex_);
          self->stream_.OnCommitted(outcome);
        }
        self->Advance();
      });
}

void ExportSession::OnFrameFreed() {
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
  }
  Advance();
}

void ExportSession::OnReadClosed() {
  {
    absl::MutexLock lock(&mutex_);
    reading_ = false;
    stream_.OnHalfClose();
  }
  Advance();
}

void ExportSession::OnWritten(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) stream_.OnCancelled();
  }
  Advance();
}

void ExportSession::OnCancelled() {
  {
    absl::MutexLock lock(&mutex_);
    stream_.OnCancelled();
  }
  Advance();
}

void ExportSession::Detach() {
  absl::MutexLock lock(&mutex_);
  transport_ = nullptr;
}

void ExportSession::OnShutdown() {
  {
    absl::MutexLock lock(&mutex_);
    stream_.OnShutdown();
  }
  Advance();
}

void ExportSession::OnDelivered(int64_t sequence_number) {
  {
    absl::MutexLock lock(&mutex_);
    stream_.OnDelivered(sequence_number);
  }
  Advance();
}

void ExportSession::OnFenced() {
  {
    absl::MutexLock lock(&mutex_);
    stream_.OnFenced();
  }
  Advance();
}

void ExportSession::OnRoom() {
  {
    absl::MutexLock lock(&mutex_);
    waits_for_room_ = false;
  }
  Advance();
}

void ExportSession::Advance() {
  absl::MutexLock lock(&mutex_);
  if (transport_ == nullptr || finished_) return;
  if (!writing_) {
    if (stream_.NextFrame(&response_)) {
      writing_ = true;
      transport_->StartWrite(&response_);
    } else if (std::optional<absl::Status> status = stream_.FinishStatus()) {
      finished_ = true;
      transport_->Finish(*status);
      return;
    }
  }
  if (reading_ || waits_for_room_ || !stream_.WantsRead()) return;
  if (!context_.budget->HasRoom(weak_from_this())) {
    waits_for_room_ = true;
    return;
  }
  reading_ = true;
  transport_->StartRead();
}

}  // namespace connector::ingest
