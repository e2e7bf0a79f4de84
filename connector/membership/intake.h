#ifndef CONNECTOR_MEMBERSHIP_INTAKE_H_
#define CONNECTOR_MEMBERSHIP_INTAKE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/forget.h"
#include "connector/membership/full_sync.h"
#include "connector/membership/run.h"
#include "connector/membership/types.h"

namespace connector::membership {

// Where an export stands. Numbers of batches; 0 is none.
struct ExportPosition {
  std::string export_id;
  int64_t durable = 0;
  int64_t delivered = 0;
  bool ended = false;
};

// Told about an open export. Called from the store's threads with no lock held;
// must not block and must not call the store back synchronously.
class ExportListener {
 public:
  virtual ~ExportListener() = default;
  // All batches up to this one are settled.
  virtual void OnDelivered(int64_t sequence_number) = 0;
  // A newer stream of the export was opened; commits of this one are refused.
  virtual void OnFenced() = 0;
};

// An export opened by one stream.
struct OpenedExport {
  ExportPosition position;
  // Goes into each batch of the stream.
  uint64_t fence = 0;
};

// One rejected identity or membership; places, never values. `reason` is a
// audience_sync.v1.RejectionReason.
struct IntakeRejection {
  int32_t profile_index = -1;
  int32_t identity_index = -1;    // -1: none is to blame
  int32_t membership_index = -1;  // -1: none is to blame
  int32_t reason = 0;
};

// The changes of a batch to one segment.
struct SegmentChanges {
  SegmentNumber segment = 0;
  ListNumber list = 0;
  IntakeCounts counts;
  // Removals of former forms of those that the batch adds (never counted). They
  // stand before `run`. Left out when the additions belong to a full sync.
  RunBuilder former_forms;
  RunBuilder run;
};

// A frame about a full sync; numbered like a batch.
struct FullSyncFrame {
  enum class Kind { kBegin, kCommit };
  Kind kind = Kind::kBegin;
  SegmentNumber segment = 0;
  ListNumber list = 0;
  // Of a begin: how long after it the full sync ends if it is not committed.
  absl::Duration expire_after;
};

// A batch that is mapped and ready to be made durable.
struct Batch {
  DestinationNumber destination = 0;

  // Empty: an unnumbered batch.
  std::string export_id;
  // Of OpenExport; 0: from a unary call, which neither fences nor is fenced.
  uint64_t fence = 0;
  int64_t sequence_number = 0;
  // Of the decoded fields, whatever they are mapped to: tells a repeat from
  // other content under its number.
  std::array<uint8_t, 16> digest = {};
  // Nothing but the end of the export; `sequence_number` is its last batch.
  bool end_of_export = false;
  // Nothing but this frame.
  std::optional<FullSyncFrame> full_sync;
  // Nothing but this, without an export.
  std::optional<FullSyncDecision> full_sync_decision;
  // The same.
  std::optional<ForgetRequest> forget;

  std::vector<SegmentChanges> segments;
  // Identity × membership that belongs to no segment.
  IntakeCounts counts_without_segment;
  // At most limits::kMaxStoredRejectionsPerBatch, the first ones.
  std::vector<IntakeRejection> rejections;

  // The destination's quota; a batch is refused while more than this waits.
  // What full syncs declare does not count as waiting, but has the same bound.
  int64_t max_backlog_bytes = 0;
};

struct CommitOutcome {
  // The batch was already durable; nothing was written.
  bool repeat = false;
  // Of the batch's export; empty export_id for an unnumbered batch.
  ExportPosition position;
  // Of a request to forget: the new one, or with `repeat` that of its id.
  ForgetNumber forget = 0;
};

// Takes batches and makes them durable. Thread-safe.
class Intake {
 public:
  virtual ~Intake() = default;

  // Opens an export for one stream and fences older ones. The listener is held
  // weakly and told until it is fenced or gone. FAILED_PRECONDITION
  // EXPORT_ENDED.
  virtual absl::StatusOr<OpenedExport> OpenExport(
      DestinationNumber destination, absl::string_view export_id,
      std::weak_ptr<ExportListener> listener) = 0;

  // Makes a batch durable, together with others that wait (one sync for all),
  // and calls `done` from the committer's thread, in the order of the calls and
  // after the commit listener;
  // `done` must not block. On anything but OK nothing of the batch is stored.
  // Errors: ABORTED STREAM_FENCED; OUT_OF_RANGE SEQUENCE_GAP (metadata
  // "expected"); INVALID_ARGUMENT SEQUENCE_REUSED; FAILED_PRECONDITION
  // EXPORT_ENDED, FULL_SYNC_NOT_OPEN, and of a decision FULL_SYNC_NOT_WAITING
  // or NOT_FOUND FULL_SYNC_NOT_FOUND; of a request to forget
  // RESOURCE_EXHAUSTED TOO_MANY_FORGETS and ALREADY_EXISTS REQUEST_ID_REUSED;
  // RESOURCE_EXHAUSTED BACKLOG_FULL, FULL_SYNCS_FULL, and DISK_FULL while the
  // disk has no more than delivery needs, all with a retry delay, and
  // FULL_SYNC_TOO_LARGE for what will never fit; NOT_FOUND
  // DESTINATION_NOT_FOUND; UNAVAILABLE STORE_FAILED after a failed write.
  //
  // While the export has a full sync open, additions to its list are kept aside
  // for it and everything else is as usual. Additions to the list of a full
  // sync of this export that ended without its commit count as rejected, until
  // it is begun anew or the export ends.
  //
  // An end with a number below the durable one is SEQUENCE_REUSED: another
  // batch stands behind what it says is the last.
  //
  // The digest is compared while the batch is undelivered, and for the last
  // batch of an export; a repeat of an older one is answered as a repeat.
  virtual void Commit(
      Batch batch, std::function<void(absl::StatusOr<CommitOutcome>)> done) = 0;

  // All exports of the destination that are not forgotten, by id.
  virtual std::vector<ExportPosition> Exports(
      DestinationNumber destination) = 0;

  // OK while a batch could be made durable.
  virtual absl::Status Healthy() = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_INTAKE_H_
