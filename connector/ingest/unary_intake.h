#ifndef CONNECTOR_INGEST_UNARY_INTAKE_H_
#define CONNECTOR_INGEST_UNARY_INTAKE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/export_service.pb.h"
#include "connector/config/destination_config.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/ingest/export_session.h"
#include "connector/membership/intake.h"

namespace connector::ingest {

// What became of a batch that a call brought by itself, outside of a stream.
struct UnaryOutcome {
  // Nothing of it was written: it was durable already.
  bool repeat = false;
  // Identity × membership, those outside of any segment included.
  membership::IntakeCounts counts;
  // Rejected identities, memberships and profiles, by
  // audience_sync.v1.RejectionReason.
  std::map<int, int64_t> rejections_by_reason;
  // Of a batch with an export id; the number's last one.
  membership::ExportPosition position;
  audience_sync::v1::BatchRejections rejections;
};

// Maps a batch and makes it durable: the way of a unary gRPC call and of the
// HTTP edge. Thread-safe.
class UnaryIntake {
 public:
  explicit UnaryIntake(const IngestContext& context) : context_(context) {}

  // The destination; NOT_FOUND DESTINATION_NOT_FOUND.
  absl::StatusOr<std::shared_ptr<const config::DestinationState>>
  FindDestination(absl::string_view ad_account_id) const;

  // `export_id` is empty for a batch without a number. `done` is called once,
  // on this thread or on the committer's, and must not block. Errors:
  // RESOURCE_EXHAUSTED SERVER_BUSY, and those of MapBatch and Intake::Commit.
  void Commit(const config::DestinationState& destination,
              const audience_sync::v1::ExportBatch& batch,
              const std::string& export_id, const MapOptions& options,
              std::function<void(absl::StatusOr<UnaryOutcome>)> done) const;

 private:
  const IngestContext context_;
};

// RESOURCE_EXHAUSTED, to be tried again in a second.
absl::Status Busy(absl::string_view reason, absl::string_view message);

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_UNARY_INTAKE_H_
