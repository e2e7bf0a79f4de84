#ifndef CONNECTOR_MEMBERSHIP_TABLES_H_
#define CONNECTOR_MEMBERSHIP_TABLES_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/base/limits.h"
#include "connector/base/random.h"
#include "connector/membership/audience_table.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/database.h"
#include "connector/membership/disk_space.h"
#include "connector/membership/export_table.h"
#include "connector/membership/forget_rows.h"
#include "connector/membership/notifier.h"
#include "connector/membership/pending_queue.h"
#include "connector/membership/people_rows.h"
#include "connector/membership/rows.h"
#include "connector/membership/types.h"

namespace connector::membership {

// Numbers that tests make small.
struct StoreTuning {
  // Blocks: what a value should have, what it may have, and below what two
  // neighbours become one.
  size_t block_target_bytes = 4'000;
  size_t block_max_bytes = 6'000;
  size_t block_small_bytes = 2'000;
  // A change of less than a block's bytes divided by this is stored on top of
  // it; one of more writes the block anew.
  size_t block_change_share = 8;
  // The largest piece of a Confirm, nearly.
  size_t confirm_piece_bytes = 4 << 20;
  size_t confirm_piece_records = 32'768;
  // What one group commit takes.
  size_t group_bytes = 8 << 20;
  size_t group_batches = 512;
  // Kept in memory of each list and of each export.
  size_t pending_spans = 256;
  size_t export_window = 512;
  // From how many keys on a range is deleted as one.
  size_t range_delete_keys = 64;
  // Removals that wait and are taken along when a list is replaced: one write,
  // during which no batch is committed.
  int64_t taken_along_bytes = limits::kMaxTakenAlongBytes;
  // Remembered exits of a destination.
  int64_t max_exit_bytes = limits::kMaxRememberedExitBytes;
  size_t max_exports_per_destination;
  // Not owned; nullptr: the real one.
  rocksdb::Env* env = nullptr;
  // As in DatabaseOptions.
  OpenDb open_db;
  // Unflushed writes of a family; 0: as the memory budget says.
  size_t write_buffer_bytes = 0;
  // Tables of up to so many bytes are verified at the start.
  int64_t verify_bytes = int64_t{256} << 20;
  // As in DatabaseOptions.
  int64_t stale_bytes = int64_t{64} << 20;

  StoreTuning();
};

struct SegmentState {
  SegmentRow row;
  IntakeCounts intake;
  PassCounts settled;
  // Somebody holds its records (people.h).
  std::optional<HeldRow> held;
};

struct ListState {
  explicit ListState(size_t pending_spans) : pending(pending_spans) {}

  ListRow row;
  PendingQueue pending;
  int64_t members = 0;
  // By number.
  std::map<FullSyncNumber, FullSync> full_syncs;
  // Of runs that were settled and are kept for a full sync.
  int64_t kept_bytes = 0;
  // Of the remembered exits.
  int64_t exit_bytes = 0;
  // When each echo is due, and its number.
  std::set<std::pair<absl::Time, uint64_t>> echoes;
  std::optional<ListCounterRow> counters;
  // Of a held segment: the newest commit with changes that are put aside, up to
  // where they are brought in, and when the oldest of the others was committed.
  CommitNumber held_last = 0;
  CommitNumber translated = 0;
  absl::Time held_time;

  bool has_held() const { return held_last > translated; }
};

// The first commit of which the runs are kept for a full sync of the list that
// is not over, or would be when the list is settled through `settled`; nullopt:
// none is.
std::optional<CommitNumber> KeptFrom(const ListState& list,
                                     CommitNumber settled = 0);
// What full syncs of the list hold in bytes: what they declare, and events that
// are kept for them.
int64_t FullSyncBytes(const ListState& list);
// What waits at the list in bytes, with full syncs.
int64_t BacklogBytes(const ListState& list);

struct DestinationState {
  DestinationRow row;
  // Being deleted: gone for all but the deletion.
  bool deleted = false;
  IntakeCounts counts_without_segment;
  int64_t pending_bytes = 0;
  // What of it full syncs hold.
  int64_t full_sync_bytes = 0;
  // The rejection log holds the numbers [first, next).
  uint64_t first_rejection = 1;
  uint64_t next_rejection = 1;
  // In the order of their numbers.
  std::vector<SegmentNumber> segments;
  absl::flat_hash_map<std::string, SegmentNumber> segments_by_name;
  // By their keys in the store.
  std::map<std::string, AudienceEntry> audiences;
  // Commits with statements that are not brought in, oldest first.
  std::deque<std::pair<CommitNumber, StatementsRow>> statements;
  // Lists with removals that statements led to and that are not settled, and
  // the newest commit of such.
  std::map<ListNumber, CommitNumber> derived;
};

// The key of a segment in segments_by_name.
std::string SegmentName(absl::string_view segment_namespace,
                        absl::string_view segment_id);

// Everything about the store that is in memory, as it is on disk: a change is
// brought in here once its write has returned.
//
// Lock order: a change of the catalog (CatalogPart), `use`, the moving of
// exports (ExportProgress), `mutex`. No I/O is done under `mutex`.
struct Tables {
  absl::Mutex mutex;

  absl::flat_hash_map<DestinationNumber, DestinationState> destinations
      ABSL_GUARDED_BY(mutex);
  std::map<std::string, DestinationNumber> destinations_by_account
      ABSL_GUARDED_BY(mutex);
  std::map<std::string, CredentialRow> credentials ABSL_GUARDED_BY(mutex);
  // By credential.
  std::map<std::string, std::string> call_histories ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<SegmentNumber, SegmentState> segments
      ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<ListNumber, ListState> lists ABSL_GUARDED_BY(mutex);
  // Lists whose queue is not empty, and those with echoes.
  absl::flat_hash_set<ListNumber> pending_lists ABSL_GUARDED_BY(mutex);
  absl::flat_hash_set<ListNumber> echo_lists ABSL_GUARDED_BY(mutex);
  // Lists with a full sync that is not over.
  std::set<ListNumber> full_sync_lists ABSL_GUARDED_BY(mutex);
  // Lists with remembered exits.
  absl::flat_hash_set<ListNumber> exit_lists ABSL_GUARDED_BY(mutex);
  ExportTable exports ABSL_GUARDED_BY(mutex);
  NextNumbers next ABSL_GUARDED_BY(mutex);
  NewestCommit newest ABSL_GUARDED_BY(mutex);
  // Of doubts and echoes.
  uint64_t next_request ABSL_GUARDED_BY(mutex) = 1;
  uint64_t next_fence ABSL_GUARDED_BY(mutex) = 1;
  std::function<void(ListNumber, bool)> commit_listener ABSL_GUARDED_BY(mutex);
  std::function<void()> full_sync_listener ABSL_GUARDED_BY(mutex);

  // What is under way with whole lists.
  std::map<ListNumber, ListOperation> operations ABSL_GUARDED_BY(mutex);
  // Requests to forget, by destination and number.
  std::map<std::pair<DestinationNumber, ForgetNumber>, ForgetRow> forgets
      ABSL_GUARDED_BY(mutex);
  // Segments with audience_steps.
  std::set<SegmentNumber> audience_work ABSL_GUARDED_BY(mutex);

  // Group commits that began and that ended.
  uint64_t groups_begun ABSL_GUARDED_BY(mutex) = 0;
  uint64_t groups_ended ABSL_GUARDED_BY(mutex) = 0;
  // No group commit may begin while there are any (GroupHold).
  int group_holds ABSL_GUARDED_BY(mutex) = 0;

  // Held shared by whoever writes what belongs to a destination, from checking
  // that it is there until the write is in the tables; held alone to delete
  // one.
  absl::Mutex use;

  // nullptr if it is not there or being deleted.
  DestinationState* FindDestination(DestinationNumber destination)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  ListState* FindList(ListNumber list) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  SegmentState* FindSegment(SegmentNumber segment)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // How far a pass over the list may go: to the newest commit, but not beyond
  // what is brought into a held segment. 0 if the list is not there.
  CommitNumber PassableCommit(ListNumber list)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // How far the held segments of a destination may be brought up: no statement
  // is left that may still change something at or below this commit.
  CommitNumber PeopleThrough(DestinationNumber destination)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  // Waits until the group commit that is going on, if any, is in the tables.
  // Gives the mutex up meanwhile.
  void WaitForGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
};

// While it lives no group commit is going on: what is read of pending changes
// and written about them is one step. To be made without `mutex`.
class GroupHold {
 public:
  explicit GroupHold(Tables& tables);
  ~GroupHold();
  GroupHold(const GroupHold&) = delete;
  GroupHold& operator=(const GroupHold&) = delete;

 private:
  Tables& tables_;
};

// What the parts of the store share.
struct Core {
  Core(Database& database, Clock& clock, Random& random,
       DiskSpace::Options disk)
      : database(database),
        clock(clock),
        random(random),
        disk(std::move(disk)) {}

  // RESOURCE_EXHAUSTED DISK_FULL while intake has to stop.
  absl::Status CheckDisk(absl::Time now) ABSL_LOCKS_EXCLUDED(tables.mutex);

  Database& database;
  Clock& clock;
  Random& random;
  DiskSpace disk;
  StoreTuning tuning;
  absl::Duration export_expiry;
  int64_t max_rejections = 0;
  std::string history;
  // Held over a whole change of the catalog.
  absl::Mutex change_mutex;
  Tables tables;
  Notifier notifier;
};

absl::Status DestinationNotFound();

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_TABLES_H_
