#ifndef CONNECTOR_INGEST_EXPORT_STREAM_H_
#define CONNECTOR_INGEST_EXPORT_STREAM_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/export_service.pb.h"
#include "connector/base/limits.h"
#include "connector/membership/intake.h"

namespace connector::ingest {

// INVALID_ARGUMENT unless `export_id` is 1 to 128 bytes of [A-Za-z0-9._:-].
absl::Status CheckExportId(absl::string_view export_id,
                           absl::string_view field);

// UNAVAILABLE SHUTTING_DOWN.
absl::Status ShuttingDown();

// The protocol of one export stream, without threads and without gRPC: it is
// told what happens, and asked what to do next. Not thread-safe.
//
// Whoever drives it keeps at most one read and one write going, asks
// NextFrame() before FinishStatus(), and both again after everything that
// happens.
//
// However the stream ends, the host is first told of everything that became
// durable: a stream that failed or is shut down still waits for its commits.
// Only a cancelled one ends at once.
class ExportStream {
 public:
  explicit ExportStream(
      int64_t max_unacknowledged_bytes = limits::kMaxStreamUnacknowledgedBytes)
      : max_unacknowledged_bytes_(max_unacknowledged_bytes) {}

  // What the host sends. False: the frame is not to be acted on, as it is out
  // of place or wrong, or the stream has failed before.

  // True: open the export and report to OnOpened() or Fail().
  bool OnOpen(const audience_sync::v1::OpenExport& open);
  // True: map the batch, then OnMapped() or OnRefused(). `bytes` is what it
  // takes in memory until then.
  // Also of other frames that are numbered like batches, by their name.
  bool OnBatch(int64_t sequence_number, int64_t bytes,
               absl::string_view frame = "batch");
  // True: commit the end of the export as a batch with this number.
  bool OnEnd(const audience_sync::v1::EndExport& end);
  // A frame with nothing in it.
  void OnEmptyFrame();
  // The host sends no more.
  void OnHalfClose();
  // The host or the connection is gone.
  void OnCancelled();

  // What became of it.

  void OnOpened(const membership::ExportPosition& position,
                absl::string_view history_id);
  // Of the batch of the last OnBatch(): it goes to the store; `bytes` is what
  // it takes in memory from now on.
  void OnMapped(audience_sync::v1::BatchRejections rejections, int64_t bytes);
  // It does not.
  void OnRefused(absl::Status status);
  // Of batches and the end, in the order in which they went to the store.
  void OnCommitted(const absl::StatusOr<membership::CommitOutcome>& outcome);
  // All batches up to a number are settled. May come before OnOpened().
  void OnDelivered(int64_t sequence_number);
  // A newer stream took over the export.
  void OnFenced();
  // The process stops: nothing new is taken.
  void OnShutdown();
  // Ends the stream; the first failure stands.
  void Fail(absl::Status status);

  // What to do next.

  // Whether to read on: false while the stream holds as much as it may.
  bool WantsRead() const;
  // The next frame for the host; false: none for now. Acknowledgements are
  // cumulative, so one frame stands for all that happened since the last.
  bool NextFrame(audience_sync::v1::ExportSegmentsResponse* frame);
  // How the stream ends; nullopt: not yet.
  std::optional<absl::Status> FinishStatus() const;

  int64_t unacknowledged_bytes() const { return unacknowledged_bytes_; }

 private:
  enum class Phase { kNew, kOpening, kOpen, kEnding, kEnded };
  struct Pending {
    int64_t bytes = 0;
    bool is_end = false;
    audience_sync::v1::BatchRejections rejections;
  };

  void Unexpected(absl::string_view rule);

  const int64_t max_unacknowledged_bytes_;
  Phase phase_ = Phase::kNew;
  bool half_closed_ = false;
  bool cancelled_ = false;
  absl::Status failure_;

  // Batches that are mapped or on their way to stable storage, in order.
  std::deque<Pending> pending_;
  int64_t unacknowledged_bytes_ = 0;

  // What the host is to be told.
  std::optional<audience_sync::v1::ExportOpened> opened_;
  bool ack_due_ = false;
  int64_t durable_ = 0;
  int64_t told_durable_ = 0;
  std::vector<audience_sync::v1::BatchRejections> rejections_;
  int64_t delivered_ = 0;
  int64_t told_delivered_ = 0;
  std::optional<int64_t> ended_at_;
};

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_EXPORT_STREAM_H_
