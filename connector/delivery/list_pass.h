#ifndef CONNECTOR_DELIVERY_LIST_PASS_H_
#define CONNECTOR_DELIVERY_LIST_PASS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/config/registry.h"
#include "connector/delivery/change_sorter.h"
#include "connector/delivery/credential_channel.h"
#include "connector/delivery/delivery_control.h"
#include "connector/delivery/delivery_event.h"
#include "connector/delivery/doubt_set.h"
#include "connector/delivery/event_time.h"
#include "connector/delivery/full_sync_join.h"
#include "connector/delivery/gate.h"
#include "connector/delivery/list_finder.h"
#include "connector/delivery/record_buffer.h"
#include "connector/delivery/sort_budget.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/forget.h"
#include "connector/membership/ledger.h"
#include "connector/membership/operations.h"

namespace connector::delivery {

// What every pass works with. All pointers must outlive it.
struct PassEnvironment {
  membership::Ledger* ledger = nullptr;
  // nullptr: there are none.
  membership::FullSyncs* full_syncs = nullptr;
  // Set when the process stops; may be nullptr.
  const std::atomic<bool>* stop = nullptr;
  membership::Operations* operations = nullptr;
  // nullptr: nobody is forgotten.
  membership::Forgets* forgets = nullptr;
  // nullptr: Pinterest's counters are not noted.
  membership::CounterTable* counters = nullptr;
  Clock* clock = nullptr;
  Random* random = nullptr;
  SortBudget* sort_budget = nullptr;
  std::string spill_directory;
  DeliveryObserver observer;
  // Entries of a list that an operation takes into one pass.
  int64_t operation_piece = 1'000'000;
};

// The way of one step to Pinterest; configuration may change between steps.
struct PassRoute {
  std::shared_ptr<const config::DestinationState> destination;
  std::shared_ptr<CredentialChannel> credential;
  Gate* destination_gate = nullptr;
  Gate* list_gate = nullptr;
};

// What a pass leaves to the next one over the same list. Losing it, as in a
// crash, costs a few needless records in requests, and nothing else.
struct PassMemory {
  // Removals that a pass sent before their own pass came (ascending): that one
  // counts them as delivered.
  RecordBuffer early_removals;
  // When the requests went out that were never answered.
  std::map<membership::DoubtNumber, absl::Time> doubt_times;
  // Doubts up to here are over, as newer requests were confirmed for all of
  // their records; but they may still be applied late.
  membership::DoubtNumber covered_through = 0;
};

// One pass over a list: brings Pinterest from the delivered to the desired
// state as of the newest commit at its start. Removals go before additions;
// what Pinterest already has is not sent; each request's records are in doubt,
// durably, before it goes out. Nothing but the store survives a pass: one that
// is abandoned is started anew and finds only what is left.
//
// What is done with the whole list (ListOperation) goes along with the changes,
// as what is older than all of them: piece by piece, one in a pass.
//
// Steps are driven from outside, one at a time; a step makes at most one call.
class ListPass {
 public:
  struct StepResult {
    enum class Kind {
      kAgain,      // more to do at once
      kWait,       // more to do at `time`
      kSettled,    // done: all changes up to the pass's commit are settled
      kAbandoned,  // given up; a new pass may start at `time`
      kGone,       // the list's destination was deleted
    };
    Kind kind;
    absl::Time time = absl::InfinitePast();
    // Why it waits or was given up; OK when it is only the pace.
    absl::Status reason = absl::OkStatus();
    // It opened a gate that others wait at.
    bool gate_opened = false;
    // It waits for the pace of additions, which new removals need not.
    bool removals_may_pass = false;
  };

  ListPass(const PassEnvironment& environment, membership::ListNumber list,
           membership::SegmentRow segment, PassMemory memory);

  StepResult Step(const PassRoute& route);

  // What all steps together would send, by the same netting, instead of any
  // step. Calls nobody and stores nothing; the pass must not be used any more.
  absl::StatusOr<ListPreview> Preview(
      std::shared_ptr<const config::DestinationState> destination);

  // Whether the next call removes; such passes go first.
  bool NextIsRemoval() const;

  // Whether a pass that goes so far may take an operation up: of a held segment
  // all that is to be emptied must have been brought in.
  static bool Reaches(const membership::ListOperation& operation,
                      membership::CommitNumber through);

  // For the next pass; this one must not be used any more.
  PassMemory TakeMemory(bool settled);

 private:
  enum class Phase { kPrepare, kFindList, kRemovals, kAdditions, kSettle };

  // Records that go into one request, unless it has to be halved.
  struct Work {
    membership::Change change = membership::Change::kRemove;
    RecordBuffer records;
    // Removes what a newer commit removed; such a change is not of this pass.
    bool early = false;
    // A single record that is refused for good if this request is, too.
    bool last_try = false;
    // How many requests of the pass had succeeded when a request with these
    // records was first refused.
    std::optional<int64_t> successes_at_refusal;
  };

  absl::StatusOr<StepResult> TryStep(const PassRoute& route);
  // Whether all of the gates let this pass through; if so it is the probe for
  // those that are closed.
  bool PassGates(std::initializer_list<Gate*> gates, StepResult* otherwise);
  bool GatesOpen(std::initializer_list<Gate*> gates, StepResult* otherwise);
  absl::Status Prepare(const PassRoute& route);
  absl::Status ReadDoubts();
  absl::Status ReadEchoes(FullSyncJoin& join, ChangeSorter& sorter);
  // What waits for the list. With `timed` the times of events count, and
  // `additions` notes those that have one.
  absl::Status ReadRuns(membership::Change change, bool timed,
                        TimedAdditions* additions, FullSyncJoin& join,
                        ChangeSorter& sorter);
  absl::Status ReadRuns(membership::Change change,
                        membership::CommitNumber after,
                        membership::CommitNumber through, bool superseded,
                        bool timed, TimedAdditions* additions,
                        FullSyncJoin& join, ChangeSorter& sorter);
  // Exits that were settled before and may hold one of the additions back.
  absl::Status ReadRememberedExits(const TimedAdditions& additions,
                                   absl::Duration window, ChangeSorter& sorter);
  // The operation that is under way; takes up one that was asked for.
  absl::Status ReadOperation(const PassRoute& route);
  // Reads its next piece.
  absl::Status ReadPiece(FullSyncJoin& join, ChangeSorter& sorter);
  // In list_pass_forget.cc: what requests to forget of these commits remove in
  // any case.
  RecordBuffer ForcedBetween(membership::CommitNumber after,
                             membership::CommitNumber through) const;
  // Makes it the first thing to send, unless this is a preview.
  void ReadForced(const PassRoute& route);
  // Another operation began, or this one was overtaken.
  bool OperationChanged() const;
  bool Emptying() const {
    return operation_.has_value() &&
           operation_->kind == membership::ListOperation::Kind::kEmpty;
  }
  // The list was replaced by another one of its segment.
  bool former() const { return segment_.list != list_; }
  StepResult FindList(const PassRoute& route);
  // In list_pass_restored.cc. Lists up to this id are not looked for.
  std::string IgnoredThrough() const;
  // What the look after a restore found. nullopt: nothing, and there is no list
  // yet.
  std::optional<StepResult> TakeNewest(const ListFinder& finder,
                                       absl::Time now);
  // Reads on in the changes of a phase until a request is full or they end;
  // true if a request is to be sent.
  absl::StatusOr<bool> Fill(const PassRoute& route,
                            SortedChanges::Reader& changes,
                            membership::Change change);
  // Whether the change has to be sent; counts it if not.
  bool MustSend(const SortedChange& change,
                const membership::DeliveredEntry& entry);
  // Takes in removals that were committed since the last look. False if they
  // are too many to be held.
  absl::StatusOr<bool> LookForRemovals(const PassRoute& route);
  void DropCancelledAdditions();

  absl::StatusOr<StepResult> Send(const PassRoute& route);
  // Takes off the delivered state what is on no list at Pinterest.
  absl::Status RemoveHere();
  // Whether the list at Pinterest is gone for sure.
  bool IsGone(const PassRoute& route);
  absl::Status Succeeded(const PassRoute& route,
                         const pinterest::CustomerList& answer,
                         membership::DoubtNumber doubt);
  absl::StatusOr<StepResult> Failed(const PassRoute& route,
                                    const pinterest::ApiError& error,
                                    membership::DoubtNumber doubt,
                                    bool creation);
  absl::StatusOr<StepResult> Refused(const PassRoute& route,
                                     const pinterest::ApiError& error);
  // Changes what is counted of the list; a failure is the next write's, too.
  void Count(absl::FunctionRef<void(membership::ListCounterRow&)> change);
  void TryProvableSuspects();
  void Halve();
  StepResult Block(Gate& gate, const absl::Status& reason,
                   absl::Duration interval, bool by_read);
  StepResult Retry(const PassRoute& route, const pinterest::ApiError& error,
                   CallKind kind);
  absl::StatusOr<StepResult> Settle();

  size_t MaxRecords(const PassRoute& route) const;
  size_t MaxWireBytes(const PassRoute& route) const;
  void Observe(DeliveryEvent::Kind kind, std::string message) const;

  const PassEnvironment environment_;
  const membership::ListNumber list_;
  const membership::SegmentRow segment_;
  PassMemory memory_;

  Phase phase_ = Phase::kPrepare;
  std::string ad_account_id_;
  std::string list_name_;
  membership::ListRow row_;
  membership::CommitNumber through_ = 0;
  DoubtSet doubts_;
  // What may still be applied late: these, and those that are covered.
  DoubtSet late_;
  std::vector<uint64_t> echoes_;
  NettedChanges changes_;
  // Ascending.
  RecordBuffer forced_;
  std::unique_ptr<SortedChanges::Reader> removals_;
  std::unique_ptr<SortedChanges::Reader> additions_;
  // Nothing is changed, neither here nor at Pinterest.
  bool previewing_ = false;
  std::unique_ptr<ListFinder> finder_;
  absl::Time look_began_;
  std::optional<membership::ListOperation> operation_;
  // As of the pass's beginning; 0 if there was none.
  uint64_t operation_number_ = 0;
  // How far the pass's piece of it goes.
  std::string piece_position_;
  bool piece_is_last_ = false;
  int64_t piece_sent_ = 0;

  // What is being collected, and what waits to be sent: the last goes first.
  RecordBuffer filling_;
  std::vector<Work> work_;

  // Removals newer than the pass: ascending.
  RecordBuffer newer_removals_;
  RecordBuffer early_confirmed_;
  membership::CommitNumber looked_through_ = 0;
  absl::Time last_look_;
  bool look_before_next_addition_ = false;

  // Records refused all alone, while no other request has gone well since.
  std::vector<Work> suspects_;
  // By kind of change.
  std::array<int64_t, 2> successes_ = {};
  // Gates for which this pass is the probe, until a write is answered.
  std::set<const Gate*> probing_;
  bool gate_opened_ = false;
  int halving_requests_ = 0;
  int failures_ = 0;
  membership::PassCounts counts_;
  int64_t sent_removals_ = 0;
  int64_t sent_additions_ = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_LIST_PASS_H_
