#ifndef CONNECTOR_INGEST_EXPORT_SERVICE_H_
#define CONNECTOR_INGEST_EXPORT_SERVICE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "connector/base/limits.h"
#include "connector/config/registry.h"
#include "connector/ingest/export_session.h"
#include "connector/ingest/in_flight_budget.h"
#include "connector/ingest/unary_intake.h"
#include "connector/membership/catalog.h"
#include "connector/membership/intake.h"
#include "grpcpp/server_builder.h"

namespace connector::ingest {

// ExportService over gRPC's callback API. Mapping runs on gRPC's own threads;
// none of them ever waits for a commit.
class ExportService final
    : public audience_sync::v1::ExportService::CallbackService {
 public:
  // All pointers must outlive the service, and the service the gRPC server.
  struct Options {
    const config::Registry* registry = nullptr;
    membership::Catalog* catalog = nullptr;
    membership::Intake* intake = nullptr;
    int max_streams = limits::kMaxStreams;
    int64_t max_stream_unacknowledged_bytes =
        limits::kMaxStreamUnacknowledgedBytes;
    int64_t max_process_unacknowledged_bytes =
        limits::kMaxProcessUnacknowledgedBytes;
    // As in MapOptions.
    bool remember_exits = false;
  };
  explicit ExportService(const Options& options);

  // No call may be open.
  ~ExportService() override;

  // Sets what the service needs of its server: the largest frame. The service
  // still has to be registered.
  static void Configure(grpc::ServerBuilder* builder);

  // From now on new calls and new frames are refused with UNAVAILABLE
  // SHUTTING_DOWN. What was taken before is committed and acknowledged, then
  // the streams end. Returns at once.
  void Shutdown();

  // After Shutdown(): waits until no call is open; false at the timeout. What
  // is open then is cut off by stopping the gRPC server.
  bool AwaitIdle(absl::Duration timeout);

  // Batches that are not durable yet, in bytes.
  int64_t unacknowledged_bytes() const { return context_.budget->used(); }
  int open_calls();

  // The way of unary calls, for the HTTP edge: with one bound for all on what
  // is not durable yet. Shutdown() does not end it.
  const UnaryIntake& unary_intake() const { return unary_; }

  grpc::ServerBidiReactor<audience_sync::v1::ExportSegmentsRequest,
                          audience_sync::v1::ExportSegmentsResponse>*
  ExportSegments(grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* ExportProfiles(
      grpc::CallbackServerContext* context,
      const audience_sync::v1::ExportProfilesRequest* request,
      audience_sync::v1::ExportProfilesResponse* response) override;

 private:
  class StreamReactor;

  // OK: the call is counted until EndCall().
  absl::Status BeginCall(std::shared_ptr<ExportSession> session);
  void EndCall(const std::shared_ptr<ExportSession>& session);
  // `done` is called once with the call's outcome.
  void CommitUnary(const audience_sync::v1::ExportProfilesRequest& request,
                   audience_sync::v1::ExportProfilesResponse* response,
                   std::function<void(absl::Status)> done);

  const int max_streams_;
  const IngestContext context_;
  const UnaryIntake unary_;

  absl::Mutex mutex_;
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<std::shared_ptr<ExportSession>> sessions_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_EXPORT_SERVICE_H_
