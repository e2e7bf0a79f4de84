#ifndef CONNECTOR_MEMBERSHIP_LEDGER_H_
#define CONNECTOR_MEMBERSHIP_LEDGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "connector/membership/run.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// What is known of one record on one list.
struct DeliveredEntry {
  // nullopt: no entry, so absent as far as is known.
  std::optional<DeliveredState> state;
  // The entry is of an older epoch of the list: not believed.
  bool unconfirmed = false;
};

// Looks records up in the delivered state of one list. Records must be asked
// for in ascending order: the cursor reads each block once. Sees the state as
// of its making. Not thread-safe; short-lived, as it pins files.
class DeliveredCursor {
 public:
  virtual ~DeliveredCursor() = default;
  virtual absl::StatusOr<DeliveredEntry> Find(
      identity_mapping::RecordView record) = 0;
};

// Reads the entries of runs of one list and one kind of change, in commit
// order. Not thread-safe; short-lived. Views in an entry hold until the next
// call.
class RunCursor {
 public:
  virtual ~RunCursor() = default;
  virtual bool Next(RunEntry* entry) = 0;
  virtual absl::Status status() = 0;
};

// A request that went out and of which no 2xx is known to cover its records.
using DoubtNumber = uint64_t;
struct Doubt {
  DoubtNumber number = 0;
  Change change = Change::kAdd;
  // All records from `first` to `last`, both included, are in doubt.
  identity_mapping::Record first;
  identity_mapping::Record last;
};

// Records whose confirmed state goes out once more, as a request for the
// opposite that was given up before may be applied after it.
struct Echo {
  uint64_t number = 0;
  absl::Time time;
  // Ascending.
  std::vector<identity_mapping::Record> records;
};

// A list with changes that are not settled.
struct PendingList {
  ListNumber list = 0;
  DestinationNumber destination = 0;
  CommitNumber newest_commit = 0;
  // When the oldest unsettled change was committed.
  absl::Time oldest_change_time;
  // Whether removals are among them.
  bool has_removals = false;
  // Stored bytes of the runs.
  int64_t bytes = 0;
};

// A record that Pinterest refused for good.
struct Refusal {
  identity_mapping::Record record;
  Change change = Change::kAdd;
  int http_status = 0;
  // Masked.
  std::string message;
  std::string request_id;
};

// A record that stands refused, and what was asked for.
struct RefusedRecord {
  identity_mapping::Record record;
  Change change = Change::kAdd;
};

// Which remembered exits are of use.
struct ExitFilter {
  // Committed then or later.
  absl::Time committed_from = absl::InfinitePast();
  // Happened then or later.
  absl::Time happened_from = absl::InfinitePast();
};

// What delivery needs of the store: pending changes, delivered state, doubt.
//
// Threads: all calls may come from any thread, but for one list only one pass
// at a time may call BeginRequest, CancelRequest, Confirm, DropOvertaken,
// EndEcho, Refuse, UpdateList and Settle. Errors: NOT_FOUND once the
// destination is deleted; UNAVAILABLE STORE_FAILED.
class Ledger {
 public:
  virtual ~Ledger() = default;

  // `listener` is called after each commit, from the committer's thread, with
  // each list that got changes. Set once, before the first commit.
  virtual void SetCommitListener(
      std::function<void(ListNumber, bool has_removals)> listener) = 0;

  // The newest commit that is on stable storage.
  virtual CommitNumber SyncedCommit() = 0;

  virtual std::vector<PendingList> PendingLists() = 0;
  virtual std::optional<PendingList> FindPendingList(ListNumber list) = 0;
  virtual absl::StatusOr<ListRow> GetList(ListNumber list) = 0;
  virtual absl::StatusOr<SegmentRow> GetSegment(SegmentNumber segment) = 0;

  // Changes of commits in (after, through], in commit order.
  virtual absl::StatusOr<std::unique_ptr<RunCursor>> ReadRuns(
      ListNumber list, Change change, CommitNumber after,
      CommitNumber through) = 0;

  // Removals with a time (RunEntry.event_time) of commits up to `through`, in
  // commit order, whatever became of them: kept beside the runs, also when
  // those are gone, until ForgetExits. Commits of which no exit is within the
  // filter are not read; others are read whole, and some that a pass has no use
  // for any more are among them.
  virtual absl::StatusOr<std::unique_ptr<RunCursor>> ReadRememberedExits(
      ListNumber list, CommitNumber through, const ExitFilter& filter) = 0;

  // Forgets the remembered exits of a destination that no addition can meet any
  // more: it, or what is not settled, would have to be committed at most
  // `window` after them. And the oldest ones beyond
  // limits::kMaxRememberedExitBytes, whatever they are needed for. To be called
  // now and then, by one thread. Not synced.
  virtual absl::Status ForgetExits(DestinationNumber destination,
                                   absl::Duration window) = 0;

  virtual absl::StatusOr<std::unique_ptr<DeliveredCursor>> ReadDelivered(
      ListNumber list) = 0;

  // Takes events that wait in commits up to `through` out of their runs and
  // counts them as superseded: those that do not stand. `stands` is asked for
  // the orders of all events without a time and holder that are no replays,
  // ascending. Goes on in bounded pieces; not synced: what a crash takes back
  // waits as before.
  virtual absl::Status DropOvertaken(
      ListNumber list, CommitNumber through,
      absl::FunctionRef<absl::StatusOr<bool>(EventOrder)> stands) = 0;

  // Stores customer_list_id, epoch, unknown_members, creation_attempt_time,
  // learnt_max_records, ignored_through and look_for_newer of the row, synced.
  virtual absl::Status UpdateList(const ListRow& row) = 0;

  // Notes durably, before a request goes out, that the outcome for the records
  // from `first` to `last` will be unknown until it is confirmed.
  virtual absl::StatusOr<DoubtNumber> BeginRequest(
      ListNumber list, Change change, identity_mapping::RecordView first,
      identity_mapping::RecordView last) = 0;

  // The request surely had no effect: the doubt it began is over.
  virtual absl::Status CancelRequest(ListNumber list, DoubtNumber doubt) = 0;

  // All doubts of the list that Settle has not ended, in the order begun.
  virtual absl::StatusOr<std::vector<Doubt>> Doubts(ListNumber list) = 0;

  // Pinterest confirmed the change of `records` (ascending, no repeats): writes
  // the delivered state, in bounded pieces, and with the last piece ends the
  // doubt that this request began. Doubts of earlier requests stay until
  // Settle: they may cover records that are no longer in this one. `echoes`, a
  // part of `records`, are to be sent once more at `echo_time`, as an earlier
  // request for the opposite may still be applied late. Not synced: what a
  // crash takes back is in doubt again.
  virtual absl::Status Confirm(
      ListNumber list, Change change,
      absl::Span<const identity_mapping::RecordView> records, DoubtNumber doubt,
      absl::Span<const identity_mapping::RecordView> echoes,
      absl::Time echo_time) = 0;

  // Changes to be sent once more at `due` or before, in the order of their
  // time; of many, the first `at_most`.
  virtual absl::StatusOr<std::vector<Echo>> Echoes(ListNumber list,
                                                   absl::Time due,
                                                   size_t at_most) = 0;
  // For each list that has echoes, when the first one is due.
  virtual std::vector<std::pair<ListNumber, absl::Time>> EchoTimes() = 0;
  // The echo was sent, or is needless.
  virtual absl::Status EndEcho(ListNumber list, uint64_t number) = 0;

  // How the calls of a credential stand against budgets of a day, in words of
  // delivery's own; empty if nothing was stored. Stored synced; goes with the
  // credential.
  virtual std::string CallHistory(absl::string_view credential_id) = 0;
  virtual absl::Status PutCallHistory(absl::string_view credential_id,
                                      absl::string_view history) = 0;

  // Pinterest refused these for good (ascending by record): writes their state
  // and their place in the rejection log. Synced.
  virtual absl::Status Refuse(ListNumber list,
                              absl::Span<const Refusal> refusals) = 0;

  // Records of the list that stand refused, ascending, after `after` (from the
  // first one if it is not given); at most so many. Goes through the delivered
  // state: as long as reading the list takes.
  virtual absl::StatusOr<std::vector<RefusedRecord>> RefusedRecords(
      ListNumber list, const std::optional<identity_mapping::Record>& after,
      size_t at_most) = 0;

  // A pass ended: deletes the runs up to `through` and the doubts up to
  // `last_doubt`, adds the counts, settles the list, in one write; then moves
  // the delivered positions of exports and tells their listeners. Not synced:
  // after a crash the pass is repeated and finds nothing left to do.
  virtual absl::Status Settle(ListNumber list, CommitNumber through,
                              DoubtNumber last_doubt, const PassCounts& counts,
                              absl::Time now) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_LEDGER_H_
