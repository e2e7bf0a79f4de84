#ifndef CONNECTOR_MEMBERSHIP_FULL_SYNC_H_
#define CONNECTOR_MEMBERSHIP_FULL_SYNC_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

class RunCursor;

// A full sync: one export's declaration of the complete membership of a
// segment. It stands at one place in the order of events, which is its number:
// for every record it says "not a member" at the order `number`, and for those
// that it declares "a member" at the order after that. So whatever happened
// before the begin gives way to it, and it gives way to whatever happened
// after.
//
// What it declares is kept in runs of its own, which no pass reads before the
// full sync is released. From the begin on the list's runs are kept after they
// were settled, so that a pass which applies the full sync knows which records
// had a later event.
using FullSyncNumber = EventOrder;

// As of audience_sync.v1.RejectionReason: what became of the declared ones of a
// full sync that was never committed, and of one that was refused.
inline constexpr int32_t kFullSyncExpiredReason = 21;
inline constexpr int32_t kFullSyncRefusedReason = 22;

enum class FullSyncState : uint8_t {
  kOpen = 1,
  // Committed by its export.
  kJudging = 2,
  // Held back until somebody decides.
  kWaiting = 3,
  // Its changes belong to the list's pending ones.
  kReleased = 4,
  // The pass that applied it has settled.
  kApplied = 5,
  // Over without having changed anything.
  kDiscarded = 6,
  kExpired = 7,
};

struct FullSync {
  ListNumber list = 0;
  FullSyncNumber number = 0;
  FullSyncState state = FullSyncState::kOpen;
  // Empty once another export may have the id.
  std::string export_id;
  // Of the begin frame.
  int64_t begin_sequence_number = 0;
  CommitNumber begin_commit = 0;
  CommitNumber release_commit = 0;
  // Counted entries that were declared, and the stored bytes of their runs.
  int64_t declared = 0;
  int64_t bytes = 0;
  // As it was judged: who would be on the list without it, and how many of
  // those it removes.
  int64_t members = 0;
  int64_t removals = 0;
  absl::Time begin_time = absl::InfinitePast();
  // Of an open or waiting one.
  absl::Time expire_time = absl::InfiniteFuture();
  absl::Time commit_time = absl::InfinitePast();
  absl::Time decision_time = absl::InfinitePast();
  absl::Time apply_time = absl::InfinitePast();
  // Its runs are deleted.
  bool cleaned = false;

  bool ended() const {
    return state == FullSyncState::kApplied ||
           state == FullSyncState::kDiscarded ||
           state == FullSyncState::kExpired;
  }
  bool committed() const { return commit_time != absl::InfinitePast(); }
  // The places of what it says in the order of events.
  EventOrder removal_order() const { return number; }
  EventOrder addition_order() const { return number + 1; }
};

// What becomes of a full sync; committed like a batch (Batch), so that it has
// its place among all other commits.
struct FullSyncDecision {
  enum class Kind : uint8_t {
    // From kJudging or kWaiting (see `expected`): its changes become pending.
    kRelease,
    // From kJudging: it waits for a decision, until `expire_time`.
    kHoldBack,
    // From kWaiting.
    kDiscard,
    // From kOpen or kWaiting, when its time is over by the store's clock.
    kExpire,
  };
  ListNumber list = 0;
  FullSyncNumber number = 0;
  Kind kind = Kind::kRelease;
  // The state it must have; one that already has become what is asked for is
  // left as it is.
  FullSyncState expected = FullSyncState::kJudging;
  // Of a judgement (from kJudging).
  int64_t members = 0;
  int64_t removals = 0;
  absl::Time expire_time = absl::InfiniteFuture();
};

// The delivered state of one list, record by record in ascending order.
// Not thread-safe; short-lived, as it pins files.
struct DeliveredRecord {
  identity_mapping::RecordView record;
  DeliveredState state = DeliveredState::kThere;
  bool unconfirmed = false;
};
class DeliveredScan {
 public:
  virtual ~DeliveredScan() = default;
  // False at the end. The view holds until the next call.
  virtual absl::StatusOr<bool> Next(DeliveredRecord* record) = 0;
};

// What applying and judging full syncs needs of the store, beside the ledger.
// Thread-safe.
class FullSyncs {
 public:
  virtual ~FullSyncs() = default;

  // Called after each commit that changed a full sync, from the committer's
  // thread. Set once, before the first commit.
  virtual void SetFullSyncListener(std::function<void()> listener) = 0;

  // All that are known of the list, oldest first: those that are not over and
  // the newest of the others.
  virtual std::vector<FullSync> FindFullSyncs(ListNumber list) = 0;
  // Those of all lists that are open, judged or wait.
  virtual std::vector<FullSync> UndecidedFullSyncs() = 0;

  // What a full sync declared: additions, all of the order addition_order().
  virtual absl::StatusOr<std::unique_ptr<RunCursor>> ReadDeclared(
      ListNumber list, FullSyncNumber number) = 0;

  virtual absl::StatusOr<std::unique_ptr<DeliveredScan>> ScanDelivered(
      ListNumber list) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_FULL_SYNC_H_
