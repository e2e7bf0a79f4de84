#ifndef CONNECTOR_MEMBERSHIP_EXPORT_TABLE_H_
#define CONNECTOR_MEMBERSHIP_EXPORT_TABLE_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/intake.h"
#include "connector/membership/rows.h"
#include "connector/membership/types.h"

namespace connector::membership {

// Destination and id.
using ExportName = std::pair<DestinationNumber, std::string>;

// What a batch of a full sync waits for instead of a commit.
inline constexpr CommitNumber kEndOfFullSync =
    std::numeric_limits<CommitNumber>::max();

// A batch that is durable and not delivered.
struct UndeliveredBatch {
  CommitNumber commit = 0;
  std::vector<ListNumber> lists;
  std::vector<std::pair<ListNumber, FullSyncNumber>> full_syncs;
  // It holds statements about profiles.
  bool statements = false;
};

// What stands for a list while a batch waits for its statements to be brought
// in. No list ever has such a number.
inline constexpr ListNumber PeopleOf(DestinationNumber destination) {
  return destination | 0x80000000;
}

// One export.
struct ExportState {
  DestinationNumber destination = 0;
  std::string id;
  int64_t durable = 0;
  // What is known to be delivered, and what is about to be: the rows up to
  // `released` are being deleted.
  int64_t delivered = 0;
  int64_t released = 0;
  bool ended = false;
  // Of the batch `durable`.
  Digest digest = {};
  absl::Time last_activity;
  // There is a row of it in the database.
  bool stored = false;
  // A group commit that is going on has to do with it.
  bool in_group = false;
  // Of the newest stream; 0 if there was none since the start.
  uint64_t fence = 0;
  std::weak_ptr<ExportListener> listener;
  // The undelivered batches from released + 1 on, as far as they are in memory;
  // the others are in the database.
  std::deque<UndeliveredBatch> window;

  ExportPosition position() const { return {id, durable, delivered, ended}; }
  // All rows from released + 1 to durable are in the window.
  bool window_complete() const {
    return released + static_cast<int64_t>(window.size()) == durable;
  }
  // Nothing of it is needed any more: no stream has it open, all is delivered,
  // and it has been idle for `expiry` (for minutes, if it never had a batch).
  bool Forgettable(absl::Time now, absl::Duration expiry) const;
  // Makes it what it would be if it were seen for the first time.
  void StartAnew();
};

// All exports, and which list each waits for. Pure memory; guarded by the mutex
// of the tables. Pointers hold until Erase() and EraseDestination().
class ExportTable {
 public:
  ExportState* Find(DestinationNumber destination, absl::string_view id);
  ExportState* Create(DestinationNumber destination, absl::string_view id);
  // It must not wait for a list.
  void Erase(const ExportState* state);
  // Forgets the destination's exports and who waits for its `lists`.
  void EraseDestination(DestinationNumber destination,
                        const std::vector<ListNumber>& lists);

  // By id.
  std::vector<ExportState*> OfDestination(DestinationNumber destination);
  std::vector<ExportState*> All();
  size_t Count(DestinationNumber destination) const;

  // Notes that the first undelivered batch of the export is delivered when
  // `list` is settled through `commit`, or not before. At most one list each.
  void Wait(ListNumber list, CommitNumber commit, ExportState* state);
  // Takes out those that waited for the list to be settled through `through`.
  std::vector<ExportState*> TakeWaiting(ListNumber list, CommitNumber through);

 private:
  // By id: listings are in that order.
  using Exports = std::map<std::string, std::unique_ptr<ExportState>>;
  absl::flat_hash_map<DestinationNumber, Exports> exports_;
  absl::flat_hash_map<ListNumber, std::multimap<CommitNumber, ExportState*>>
      waiting_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_EXPORT_TABLE_H_
