#include "connector/ingest/export_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;

// While the host does not read its acknowledgements, rejections of at most so
// many batches are kept for it; then no more is read from it.
constexpr size_t kMaxRejectionsOfBatches = 64;

}  // namespace

absl::Status CheckExportId(absl::string_view export_id,
                           absl::string_view field) {
  if (!export_id.empty() &&
      export_id.size() <= static_cast<size_t>(limits::kMaxExportIdBytes) &&
      std::all_of(export_id.begin(), export_id.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == ':' ||
               c == '-';
      })) {
    return absl::OkStatus();
  }
  return FieldError(field,
                    absl::StrCat("must be 1 to ", limits::kMaxExportIdBytes,
                                 " letters, digits, '.', '_', ':' and '-'"));
}

absl::Status ShuttingDown() {
  ErrorDetail detail;
  detail.reason = "SHUTTING_DOWN";
  detail.retry_delay = absl::Seconds(1);
  return MakeError(absl::StatusCode::kUnavailable, "the connector is stopping",
                   detail);
}

void ExportStream::Fail(absl::Status status) {
  if (failure_.ok()) failure_ = std::move(status);
}

void ExportStream::Unexpected(absl::string_view rule) {
  Fail(MakeError(absl::StatusCode::kInvalidArgument, "FRAME_UNEXPECTED", rule));
}

bool ExportStream::OnOpen(const v1::OpenExport& open) {
  if (!failure_.ok() || cancelled_) return false;
  if (phase_ != Phase::kNew) {
    Unexpected("only the first frame of a stream opens an export");
    return false;
  }
  if (absl::Status s = CheckExportId(open.export_id(), "open.export_id");
      !s.ok()) {
    Fail(std::move(s));
    return false;
  }
  phase_ = Phase::kOpening;
  return true;
}

void ExportStream::OnOpened(const membership::ExportPosition& position,
                            absl::string_view history_id) {
  phase_ = Phase::kOpen;
  durable_ = told_durable_ = position.durable;
  told_delivered_ = position.delivered;
  delivered_ = std::max(delivered_, position.delivered);
  v1::ExportOpened& opened = opened_.emplace();
  opened.mutable_position()->set_export_id(position.export_id);
  opened.mutable_position()->set_durable_sequence_number(position.durable);
  opened.mutable_position()->set_delivered_sequence_number(position.delivered);
  opened.mutable_position()->set_ended(position.ended);
  opened.mutable_limits()->set_max_frame_bytes(limits::kMaxFrameBytes);
  opened.mutable_limits()->set_max_batch_profiles(limits::kMaxBatchProfiles);
  opened.mutable_limits()->set_max_unacknowledged_bytes(
      max_unacknowledged_bytes_);
  opened.set_history_id(std::string(history_id));
}

bool ExportStream::OnBatch(int64_t sequence_number, int64_t bytes,
                           absl::string_view frame) {
  if (!failure_.ok() || cancelled_) return false;
  if (phase_ != Phase::kOpen) {
    Unexpected(phase_ == Phase::kNew
                   ? "the first frame of a stream must be open"
                   : "no batch may follow the end of an export");
    return false;
  }
  if (sequence_number < 1) {
    Fail(FieldError(absl::StrCat(frame, ".sequence_number"),
                    "must be at least 1"));
    return false;
  }
  pending_.emplace_back().bytes = bytes;
  unacknowledged_bytes_ += bytes;
  return true;
}

void ExportStream::OnMapped(v1::BatchRejections rejections, int64_t bytes) {
  Pending& pending = pending_.back();
  unacknowledged_bytes_ += bytes - pending.bytes;
  pending.bytes = bytes;
  pending.rejections = std::move(rejections);
}

void ExportStream::OnRefused(absl::Status status) {
  unacknowledged_bytes_ -= pending_.back().bytes;
  pending_.pop_back();
  Fail(std::move(status));
}

bool ExportStream::OnEnd(const v1::EndExport& end) {
  if (!failure_.ok() || cancelled_) return false;
  if (phase_ != Phase::kOpen) {
    Unexpected(phase_ == Phase::kNew
                   ? "the first frame of a stream must be open"
                   : "an export ends only once");
    return false;
  }
  if (end.last_sequence_number() < 0) {
    Fail(FieldError("end.last_sequence_number", "must not be negative"));
    return false;
  }
  phase_ = Phase::kEnding;
  pending_.emplace_back().is_end = true;
  return true;
}

void ExportStream::OnEmptyFrame() {
  if (failure_.ok()) Unexpected("the frame is empty or of an unknown kind");
}

void ExportStream::OnHalfClose() { half_closed_ = true; }

void ExportStream::OnCancelled() { cancelled_ = true; }

void ExportStream::OnCommitted(
    const absl::StatusOr<membership::CommitOutcome>& outcome) {
  Pending done = std::move(pending_.front());
  pending_.pop_front();
  unacknowledged_bytes_ -= done.bytes;
  if (!outcome.ok()) {
    Fail(outcome.status());
    return;
  }
  durable_ = std::max(durable_, outcome->position.durable);
  delivered_ = std::max(delivered_, outcome->position.delivered);
  if (done.is_end) {
    phase_ = Phase::kEnded;
    ended_at_ = outcome->position.durable;
    return;
  }
  // A repeat is acknowledged once more: the host may wait for it.
  ack_due_ = true;
  if (!outcome->repeat && done.rejections.rejection_count() > 0) {
    rejections_.push_back(std::move(done.rejections));
  }
}

void ExportStream::OnDelivered(int64_t sequence_number) {
  delivered_ = std::max(delivered_, sequence_number);
}

void ExportStream::OnFenced() {
  Fail(MakeError(absl::StatusCode::kAborted, "STREAM_FENCED",
                 "a newer stream of this export was opened"));
}

void ExportStream::OnShutdown() {
  // A host that has sent everything gets the end it waits for.
  if (half_closed_ || phase_ == Phase::kEnding || phase_ == Phase::kEnded) {
    return;
  }
  Fail(ShuttingDown());
}

bool ExportStream::WantsRead() const {
  return failure_.ok() && !cancelled_ && !half_closed_ &&
         (phase_ == Phase::kNew || phase_ == Phase::kOpen ||
          phase_ == Phase::kEnding) &&
         unacknowledged_bytes_ < max_unacknowledged_bytes_ &&
         rejections_.size() < kMaxRejectionsOfBatches;
}

bool ExportStream::NextFrame(v1::ExportSegmentsResponse* frame) {
  if (cancelled_ || phase_ == Phase::kNew || phase_ == Phase::kOpening) {
    return false;
  }
  frame->Clear();
  if (opened_.has_value()) {
    *frame->mutable_opened() = *std::move(opened_);
    opened_.reset();
    return true;
  }
  if (ack_due_) {
    v1::DurableAck* ack = frame->mutable_durable_ack();
    ack->set_durable_sequence_number(durable_);
    for (v1::BatchRejections& rejections : rejections_) {
      *ack->add_batch_rejections() = std::move(rejections);
    }
    rejections_.clear();
    told_durable_ = durable_;
    ack_due_ = false;
    return true;
  }
  // What is delivered can be known before the commit is heard of.
  const int64_t delivered = std::min(delivered_, told_durable_);
  if (delivered > told_delivered_ && failure_.ok() &&
      (!half_closed_ || phase_ == Phase::kEnded)) {
    frame->mutable_delivered_ack()->set_delivered_sequence_number(delivered);
    told_delivered_ = delivered;
    return true;
  }
  if (ended_at_.has_value()) {
    frame->mutable_ended()->set_last_sequence_number(*ended_at_);
    ended_at_.reset();
    return true;
  }
  return false;
}

std::optional<absl::Status> ExportStream::FinishStatus() const {
  if (cancelled_) {
    return MakeError(absl::StatusCode::kCancelled, "CANCELLED",
                     "the host cancelled the call");
  }
  if (!pending_.empty() || ack_due_ || opened_.has_value() ||
      ended_at_.has_value()) {
    return std::nullopt;
  }
  if (!failure_.ok()) return failure_;
  if (phase_ == Phase::kEnded) return absl::OkStatus();
  if (half_closed_ && phase_ != Phase::kOpening) return absl::OkStatus();
  return std::nullopt;
}

}  // namespace connector::ingest
