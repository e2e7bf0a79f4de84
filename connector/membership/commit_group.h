#ifndef CONNECTOR_MEMBERSHIP_COMMIT_GROUP_H_
#define CONNECTOR_MEMBERSHIP_COMMIT_GROUP_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "connector/membership/database.h"
#include "connector/membership/intake.h"
#include "connector/membership/rejection_log.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// A new export in the tables, RESOURCE_EXHAUSTED TOO_MANY_EXPORTS if there are
// too many that cannot be forgotten yet.
absl::StatusOr<ExportState*> MakeExport(Core& core,
                                        DestinationNumber destination,
                                        absl::string_view export_id,
                                        absl::Time now)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(core.tables.mutex);

// The batches of one group commit: checked one after another, each as if those
// before it were already stored, then written as one. Used by one thread.
class CommitGroup {
 public:
  using Done = std::function<void(absl::StatusOr<CommitOutcome>)>;

  CommitGroup(Core& core, RejectionLog& rejections);

  // Checks a batch and puts what it brings into the write.
  void Take(Batch batch, Done done);

  // Writes and syncs what the batches brought, if anything, and brings it into
  // the tables. To be called once.
  void Commit();

  // Then: tells the commit listener and gives each batch its answer.
  void Answer();

  // The exports whose next batch waits for no list.
  const std::vector<ExportName>& released() const { return released_; }
  // Lists of which a full sync ended without having been applied.
  const std::vector<ListNumber>& ended_full_syncs() const { return ended_; }

 private:
  // An export as it will be when the group is written.
  struct ExportDraft {
    ExportState* state = nullptr;
    int64_t durable = 0;
    bool ended = false;
    Digest digest = {};
    // Number of the first batch of the group; its rows follow one another.
    int64_t first = 0;
    std::vector<BatchRow> rows;
    // Something of it is to be written.
    bool changed = false;
  };
  struct DestinationDraft {
    int64_t bytes = 0;
    // Of `bytes`, those of statements.
    int64_t statement_bytes = 0;
    // What of it full syncs declare.
    int64_t full_sync_bytes = 0;
    IntakeCounts without_segment;
    bool counted = false;
  };
  struct ListDraft {
    PendingRow row;
    bool has_removals = false;
    // Removals that are kept beside the runs.
    PendingRow exits;
  };
  // The full syncs of a list as they will be.
  struct FullSyncDraft {
    DestinationNumber destination = 0;
    SegmentNumber segment = 0;
    std::map<FullSyncNumber, FullSync> rows;
    std::set<FullSyncNumber> changed;
  };
  struct Taken {
    Done done;
    absl::StatusOr<CommitOutcome> outcome;
    // For its delivered position at the time of the answer.
    ExportState* state = nullptr;
  };

  // OK with `repeat` set or not, or why the batch is refused. `draft` is set
  // for a batch with a number.
  absl::StatusOr<bool> Check(const Batch& batch, ExportDraft** draft);
  absl::Status CheckSegments(const Batch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);
  absl::StatusOr<ExportDraft*> FindExport(const Batch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);
  // Whether the batch, which is not new, is what was stored under its number.
  absl::StatusOr<bool> CheckRepeat(const Batch& batch,
                                   const ExportDraft& draft);
  // What full syncs declare has a bound of its own, so that neither of the two
  // takes the other's place.
  absl::Status CheckBacklog(const Batch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);
  absl::Status CheckDeclared(const Batch& batch, int64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);
  // Forgets the destination's exports that expired.
  void Sweep(DestinationNumber destination)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);

  void Add(const Batch& batch, ExportDraft* draft);
  // Whether the segment's events are taken, and the list that was replaced.
  bool IsMapped(SegmentNumber segment, ListNumber* former);
  // Writes the changes of `run` of the kinds; true if there are any. Removals
  // go to a list that was replaced, too.
  bool AddRun(ListNumber list, ListNumber former, const RunBuilder& run,
              std::initializer_list<Change> kinds, EventOrder first_order,
              DestinationDraft& destination);
  // What both of its kinds consist of: the changes of one kind, and the exits
  // that are remembered.
  void PutRun(ListNumber list, Change change, uint32_t part,
              const std::string& head, const std::string& body,
              DestinationDraft& destination);
  void PutExits(ListNumber list, const RunBuilder& run, uint32_t part,
                const std::string& head, const std::string& body);
  // Sets aside the orders of a run, or gives those that were set aside for all
  // runs of a batch with statements.
  EventOrder OrdersOf(const RunBuilder& run);

  // In commit_group_people.cc.

  // Whether the segment is held, by the time of these changes.
  bool IsHeld(const SegmentChanges& changes);
  // Who holds records of a segment says so for the first time.
  void MakeHeld(const SegmentChanges& changes);
  // AddRun() for a held segment: its changes are put aside.
  bool AddHeldRun(ListNumber list, const RunBuilder& run,
                  std::initializer_list<Change> kinds, EventOrder first_order,
                  DestinationDraft& destination);
  void AddStatements(const Batch& batch, DestinationDraft& destination);
  void WritePeople();
  void PublishPeople() ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);

  // In commit_group_full_sync.cc.

  // Takes the list's full syncs in, if it has any.
  void LoadFullSyncs(ListNumber list)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);
  // Those that the batch may have to do with.
  absl::Status CheckFullSync(const Batch& batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);
  absl::Status CheckFullSyncCommit(const Batch& batch);
  // The newest full sync of the list by this export; nullptr if it has none.
  FullSync* FindFullSync(ListNumber list, absl::string_view export_id);
  // The one that takes the additions of the batch to the list.
  FullSync* FindOpenFullSync(ListNumber list, absl::string_view export_id);
  // The changes of a batch to one segment, of which the additions may belong to
  // a full sync.
  void AddChanges(const Batch& batch, const SegmentChanges& changes,
                  ListNumber former, DestinationDraft& destination,
                  BatchRow* row);
  void AddDeclared(const SegmentChanges& changes, FullSync& full_sync,
                   DestinationDraft& destination);
  void AddFullSyncFrame(const Batch& batch, BatchRow* row);
  // Full syncs of an export that ended, or that had its id before.
  void LeaveFullSyncs(const Batch& batch, bool ended);
  absl::StatusOr<bool> Decide(const FullSyncDecision& decision);
  void EndFullSync(FullSync& full_sync, FullSyncState state, int32_t reason);
  void WriteFullSyncs();
  void PublishFullSyncs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);

  // In commit_group_forget.cc.
  absl::StatusOr<CommitOutcome> Forget(const Batch& batch);
  void PublishForgets() ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.tables.mutex);

  void AddRejections(const Batch& batch);
  absl::Status Write();
  void Publish();

  Core& core_;
  RejectionLog& rejections_;
  WriteSet set_;
  const absl::Time now_;
  // Whether the disk has room for what is new.
  const absl::Status disk_;
  NewestCommit newest_;
  uint32_t parts_ = 0;
  // Something is to be written; it was.
  bool changed_ = false;
  bool published_ = false;

  // By destination and id. Nodes stay where they are.
  std::map<ExportName, ExportDraft> exports_;
  std::map<DestinationNumber, DestinationDraft> destinations_;
  std::map<SegmentNumber, IntakeCounts> segments_;
  std::map<ListNumber, ListDraft> lists_;
  std::vector<Taken> taken_;
  std::vector<ExportName> released_;
  // Where the changes of the batch at hand begin, if it has statements.
  std::optional<EventOrder> batch_order_;
  std::map<SegmentNumber, HeldRow> newly_held_;
  std::map<ListNumber, FullSyncDraft> full_syncs_;
  std::vector<ListNumber> ended_;
  std::vector<ForgetRow> forgets_;
  // Receipts that go, the oldest.
  std::vector<std::pair<DestinationNumber, ForgetNumber>> old_forgets_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_COMMIT_GROUP_H_
