#ifndef CONNECTOR_INGEST_EXPORT_SESSION_H_
#define CONNECTOR_INGEST_EXPORT_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "audience_sync/v1/export_service.pb.h"
#include "connector/config/registry.h"
#include "connector/ingest/export_stream.h"
#include "connector/ingest/in_flight_budget.h"
#include "connector/membership/catalog.h"
#include "connector/membership/intake.h"

namespace connector::ingest {

// What a session works with. The pointers must outlive its call; the budget is
// shared, as commits may come back after that.
struct IngestContext {
  const config::Registry* registry = nullptr;
  membership::Catalog* catalog = nullptr;
  membership::Intake* intake = nullptr;
  std::shared_ptr<InFlightBudget> budget;
  int64_t max_unacknowledged_bytes = limits::kMaxStreamUnacknowledgedBytes;
  // As in MapOptions.
  bool remember_exits = false;
};

// One export stream at work: brings together its protocol (ExportStream), the
// mapper, the store and whatever carries the frames. Thread-safe; held by
// shared_ptr, as commits may come back after the call is over.
class ExportSession : public membership::ExportListener,
                      public InFlightBudget::Waiter,
                      public std::enable_shared_from_this<ExportSession> {
 public:
  // Carries the frames. Called with the session's lock held: it must start the
  // operation and return, without calling the session back.
  class Transport {
   public:
    virtual ~Transport() = default;
    // Ends with OnFrame() and OnFrameFreed(), or with OnReadClosed().
    virtual void StartRead() = 0;
    // `frame` stays as it is until OnWritten().
    virtual void StartWrite(
        const audience_sync::v1::ExportSegmentsResponse* frame) = 0;
    // Once, after the last write. A read may still be going on.
    virtual void Finish(const absl::Status& status) = 0;
  };

  // `transport` must live until Detach().
  ExportSession(const IngestContext& context, Transport* transport);

  // Asks for the first frame.
  void Start();

  // Events of the transport.
  void OnFrame(const audience_sync::v1::ExportSegmentsRequest& frame);
  // The memory of the frame is free again: the next one may be read.
  void OnFrameFreed();
  // The host sends no more.
  void OnReadClosed();
  void OnWritten(bool ok);
  void OnCancelled();
  void Detach();

  // The process stops.
  void OnShutdown();

  // ExportListener.
  void OnDelivered(int64_t sequence_number) override;
  void OnFenced() override;

  // InFlightBudget::Waiter.
  void OnRoom() override;

 private:
  void OnOpenFrame(const audience_sync::v1::OpenExport& open);
  void OnBatchFrame(const audience_sync::v1::ExportBatch& batch);
  void OnEndFrame(const audience_sync::v1::EndExport& end);
  // BeginFullSync or CommitFullSync.
  template <typename Frame>
  void OnFullSyncFrame(const Frame& frame, absl::string_view name);
  void Commit(membership::Batch batch, int64_t bytes);
  // Does what the stream asks for.
  void Advance();

  const IngestContext context_;
  // Set while a frame is handled, of which there is one at a time.
  membership::DestinationNumber destination_ = 0;
  std::string export_id_;
  uint64_t fence_ = 0;
  bool identities_complete_ = false;

  absl::Mutex mutex_;
  Transport* transport_ ABSL_GUARDED_BY(mutex_);
  ExportStream stream_ ABSL_GUARDED_BY(mutex_);
  audience_sync::v1::ExportSegmentsResponse response_ ABSL_GUARDED_BY(mutex_);
  // From StartRead() to OnFrameFreed(), so also while a frame is handled.
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool waits_for_room_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_EXPORT_SESSION_H_
