#include "connector/cli/export_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/cli/retry.h"
#include "connector/cli/rpc_error.h"
#include "grpcpp/client_context.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ExportOpened;
using audience_sync::v1::ExportSegmentsRequest;
using audience_sync::v1::ExportSegmentsResponse;
using audience_sync::v1::ExportService;

constexpr size_t kMaxPlaces = 1000;
// A server that takes the call and does not answer it is as good as away.
constexpr absl::Duration kOpenTimeout = absl::Seconds(60);
constexpr absl::Duration kHangUp = absl::Seconds(5);
// A stream that lasted this long was no part of the trouble before it.
constexpr absl::Duration kStableStream = absl::Minutes(1);

absl::Status HistoryChanged(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "HISTORY_CHANGED",
                   message);
}

bool HasReason(const absl::Status& status, absl::string_view reason) {
  return GetErrorDetail(status).reason == reason;
}

}  // namespace

struct ExportClient::Stream {
  grpc::ClientContext context;
  std::unique_ptr<ExportService::Stub> stub;
  std::unique_ptr<ReaderWriter> frames;
  std::thread reader;
};

ExportClient::ExportClient(ExportClientOptions options,
                           ExportEnvironment environment)
    : options_(std::move(options)),
      environment_(std::move(environment)),
      history_id_(options_.history_id) {}

ExportClient::~ExportClient() {
  if (stream_ == nullptr) return;
  stream_->context.TryCancel();
  CloseStream().IgnoreError();
}

absl::Status ExportClient::StartStream() {
  {
    absl::MutexLock lock(&mutex_);
    answer_.reset();
    broken_ = false;
  }
  stream_start_ = environment_.clock->Now();
  stream_ = std::make_unique<Stream>();
  stream_->stub = ExportService::NewStub(environment_.connect());
  stream_->frames = stream_->stub->ExportSegments(&stream_->context);
  ExportSegmentsRequest request;
  request.mutable_open()->set_ad_account_id(options_.ad_account_id);
  request.mutable_open()->set_export_id(options_.export_id);
  request.mutable_open()->set_identities_complete(options_.identities_complete);
  // A failed write shows as a broken stream in the reader.
  stream_->frames->Write(request);
  stream_->reader = std::thread(
      [this, frames = stream_->frames.get()] { ReadLoop(*frames); });
  bool answered;
  {
    absl::MutexLock lock(&mutex_);
    const auto heard = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return answer_.has_value() || broken_;
    };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&heard), kOpenTimeout)) {
      stream_->context.TryCancel();
    }
    answered = answer_.has_value();
  }
  if (!answered) return CloseStream();
  return AcceptOpened(/*first=*/!std::exchange(opened_once_, true));
}

absl::Status ExportClient::AcceptOpened(bool first) {
  absl::MutexLock lock(&mutex_);
  const ExportOpened& answer = *answer_;
  if (!history_id_.empty() && answer.history_id() != history_id_) {
    return HistoryChanged(
        "the connector's memory of the destination is not the one this export "
        "was begun under; export everything again from the start");
  }
  const int64_t durable = answer.position().durable_sequence_number();
  if (first) {
    opened_ = answer;
    history_id_ = answer.history_id();
    skip_through_ = durable;
    already_ended_ = answer.position().ended();
    tally_.durable_batch = durable;
  } else if (durable < tally_.durable_batch) {
    return HistoryChanged(
        "the connector has lost batches that it had acknowledged; export "
        "everything again from the start");
  }
  Settle(durable);
  tally_.delivered_batch = std::max(
      tally_.delivered_batch, answer.position().delivered_sequence_number());
  if (answer.position().ended()) ended_ = true;
  return absl::OkStatus();
}

absl::Status ExportClient::CloseStream() {
  // The reader ends by itself: the stream is broken, ended or cancelled.
  if (stream_->reader.joinable()) stream_->reader.join();
  const grpc::Status status = stream_->frames->Finish();
  stream_.reset();
  if (status.ok()) {
    return absl::UnavailableError("the connector ended the stream");
  }
  return FromGrpc(status);
}

void ExportClient::ReadLoop(ReaderWriter& stream) {
  ExportSegmentsResponse response;
  while (stream.Read(&response)) {
    absl::MutexLock lock(&mutex_);
    Handle(response);
  }
  absl::MutexLock lock(&mutex_);
  broken_ = true;
}

void ExportClient::Handle(const ExportSegmentsResponse& response) {
  switch (response.frame_case()) {
    case ExportSegmentsResponse::kOpened:
      answer_ = response.opened();
      break;
    case ExportSegmentsResponse::kDurableAck:
      for (const auto& rejections : response.durable_ack().batch_rejections()) {
        TakeRejections(rejections);
      }
      Settle(response.durable_ack().durable_sequence_number());
      break;
    case ExportSegmentsResponse::kDeliveredAck: {
      const int64_t delivered =
          response.delivered_ack().delivered_sequence_number();
      if (delivered > tally_.delivered_batch) progressed_ = true;
      tally_.delivered_batch = std::max(tally_.delivered_batch, delivered);
      break;
    }
    case ExportSegmentsResponse::kEnded:
      ended_ = true;
      break;
    // A frame of a later version.
    case ExportSegmentsResponse::FRAME_NOT_SET:
      break;
  }
}

void ExportClient::TakeRejections(
    const audience_sync::v1::BatchRejections& rejections) {
  const auto batch =
      std::find_if(pending_.begin(), pending_.end(), [&](const auto& pending) {
        return pending->sequence_number == rejections.sequence_number();
      });
  tally_.rejections += rejections.rejection_count();
  for (const audience_sync::v1::ExportRejection& rejection :
       rejections.rejections()) {
    ++rejections_.by_reason[rejection.reason()];
    if (rejections_.places.size() >= kMaxPlaces || batch == pending_.end()) {
      continue;
    }
    const std::vector<SourceLine>& lines = (*batch)->lines;
    const int64_t index = rejection.profile_index();
    if (index < 0 || index >= static_cast<int64_t>(lines.size())) continue;
    RejectedPlace& place = rejections_.places.emplace_back();
    place.line = lines[index];
    place.reason = rejection.reason();
    if (rejection.has_identity_index()) {
      place.identity_index = rejection.identity_index();
    }
    if (rejection.has_membership_index()) {
      place.membership_index = rejection.membership_index();
    }
  }
}

void ExportClient::Settle(int64_t durable_sequence_number) {
  while (!pending_.empty() &&
         pending_.front()->sequence_number <= durable_sequence_number) {
    const Batch& batch = *pending_.front();
    pending_bytes_ -= batch.bytes;
    tally_.durable_batch = batch.sequence_number;
    tally_.durable_profiles += batch.lines.size();
    tally_.durable_bytes = batch.input_position;
    progressed_ = true;
    pending_.pop_front();
  }
}

absl::Status ExportClient::Open() {
  absl::Status status = StartStream();
  if (HasReason(status, "EXPORT_ENDED")) {
    already_ended_ = true;
    return absl::OkStatus();
  }
  if (status.code() == absl::StatusCode::kResourceExhausted &&
      IsTemporary(status)) {
    return Recover(std::move(status));
  }
  return status;
}

absl::Status ExportClient::Recover(absl::Status cause) {
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = environment_.clock->Now();
    if (std::exchange(progressed_, false) ||
        trouble_start_ == absl::InfinitePast() ||
        now - stream_start_ > kStableStream) {
      trouble_start_ = now;
    }
  }
  RetryDelays delays(*environment_.random);
  while (true) {
    if (end_sent_ && HasReason(cause, "EXPORT_ENDED")) {
      absl::MutexLock lock(&mutex_);
      ended_ = true;
      tally_.interruption.clear();
      return absl::OkStatus();
    }
    if (!IsTemporary(cause)) return cause;
    const absl::Duration delay = delays.Next(cause);
    if (environment_.clock->Now() + delay - trouble_start_ >
        options_.retry_for) {
      return cause;
    }
    const std::string reason = GetErrorDetail(cause).reason;
    const std::string what =
        cause.code() == absl::StatusCode::kResourceExhausted
            ? "the connector asks to wait"
            : "the connection is interrupted";
    bool first;
    {
      absl::MutexLock lock(&mutex_);
      first = tally_.interruption.empty();
      tally_.interruption = what;
    }
    if (first && environment_.note) {
      environment_.note(absl::StrCat(
          what, reason.empty() ? "" : absl::StrCat(" (", reason, ")"),
          "; trying for up to ", absl::FormatDuration(options_.retry_for)));
    }
    environment_.sleep(delay);
    cause = StartStream();
    if (!cause.ok()) continue;
    {
      absl::MutexLock lock(&mutex_);
      ++tally_.reconnects;
    }
    cause = Resend();
    if (cause.ok()) {
      absl::MutexLock lock(&mutex_);
      tally_.interruption.clear();
      return absl::OkStatus();
    }
  }
}

absl::Status ExportClient::Resend() {
  std::vector<std::shared_ptr<Batch>> batches;
  {
    absl::MutexLock lock(&mutex_);
    batches.assign(pending_.begin(), pending_.end());
  }
  for (const auto& batch : batches) {
    if (!stream_->frames->Write(*batch->frame)) return CloseStream();
  }
  return absl::OkStatus();
}

absl::Status ExportClient::Send(std::unique_ptr<Batch> given) {
  const std::shared_ptr<Batch> batch = std::move(given);
  last_sequence_number_ = batch->sequence_number;
  int64_t max_bytes = options_.max_unacknowledged_bytes;
  if (opened_.limits().max_unacknowledged_bytes() > 0) {
    max_bytes =
        std::min(max_bytes, opened_.limits().max_unacknowledged_bytes());
  }
  const int64_t profiles = batch->lines.size();
  {
    absl::MutexLock lock(&mutex_);
    ++tally_.batches;
    tally_.profiles += profiles;
    tally_.identities += batch->identities;
    tally_.memberships += batch->memberships;
    if (batch->sequence_number <= skip_through_) {
      ++tally_.skipped_batches;
      tally_.skipped_profiles += profiles;
      tally_.skipped_bytes = batch->input_position;
      tally_.durable_profiles += profiles;
      tally_.durable_bytes = batch->input_position;
      return absl::OkStatus();
    }
  }
  while (true) {
    bool broken;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return broken_ || pending_.empty() ||
               pending_bytes_ + batch->bytes <= max_bytes;
      };
      mutex_.Await(absl::Condition(&ready));
      broken = broken_;
      if (!broken) {
        pending_.push_back(batch);
        pending_bytes_ += batch->bytes;
      }
    }
    if (!broken) break;
    if (absl::Status s = Recover(CloseStream()); !s.ok()) return s;
  }
  if (stream_->frames->Write(*batch->frame)) return absl::OkStatus();
  return Recover(CloseStream());
}

absl::Status ExportClient::WaitDurable() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return broken_ || pending_.empty();
      };
      mutex_.Await(absl::Condition(&done));
      if (pending_.empty()) return absl::OkStatus();
    }
    if (absl::Status s = Recover(CloseStream()); !s.ok()) return s;
  }
}

absl::StatusOr<bool> ExportClient::WaitDelivered(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return broken_ || tally_.delivered_batch >= last_sequence_number_;
      };
      mutex_.AwaitWithDeadline(absl::Condition(&done), deadline);
      if (tally_.delivered_batch >= last_sequence_number_) return true;
      if (!broken_) return false;
    }
    if (absl::Status s = Recover(CloseStream()); !s.ok()) return s;
  }
}

absl::Status ExportClient::End() {
  if (absl::Status s = WaitDurable(); !s.ok()) return s;
  ExportSegmentsRequest request;
  request.mutable_end()->set_last_sequence_number(last_sequence_number_);
  end_sent_ = true;
  while (true) {
    bool ended;
    {
      absl::MutexLock lock(&mutex_);
      ended = ended_;
    }
    if (!ended) {
      stream_->frames->Write(request);
      absl::MutexLock lock(&mutex_);
      const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return broken_ || ended_;
      };
      mutex_.Await(absl::Condition(&done));
      ended = ended_;
    }
    if (ended) {
      if (stream_ == nullptr) return absl::OkStatus();
      // The end is durable, so a server that does not hang up changes nothing.
      stream_->frames->WritesDone();
      {
        absl::MutexLock lock(&mutex_);
        if (!mutex_.AwaitWithTimeout(absl::Condition(&broken_), kHangUp)) {
          stream_->context.TryCancel();
        }
      }
      CloseStream().IgnoreError();
      return absl::OkStatus();
    }
    if (absl::Status s = Recover(CloseStream()); !s.ok()) return s;
  }
}

ExportTally ExportClient::GetTally() const {
  absl::MutexLock lock(&mutex_);
  return tally_;
}

RejectionList ExportClient::GetRejections() const {
  absl::MutexLock lock(&mutex_);
  return rejections_;
}

}  // namespace connector::cli
