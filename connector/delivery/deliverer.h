#ifndef CONNECTOR_DELIVERY_DELIVERER_H_
#define CONNECTOR_DELIVERY_DELIVERER_H_

#include <atomic>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/base/limits.h"
#include "connector/base/random.h"
#include "connector/config/registry.h"
#include "connector/delivery/call_router.h"
#include "connector/delivery/credential_channel.h"
#include "connector/delivery/delivery_control.h"
#include "connector/delivery/delivery_event.h"
#include "connector/delivery/full_sync_runner.h"
#include "connector/delivery/gate.h"
#include "connector/delivery/list_pass.h"
#include "connector/delivery/people_runner.h"
#include "connector/delivery/sort_budget.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/ledger.h"
#include "connector/pinterest/client_provider.h"

namespace connector::delivery {

struct DelivererOptions {
  // All must outlive the deliverer.
  membership::Ledger* ledger = nullptr;
  membership::Operations* operations = nullptr;
  // Where Pinterest's counters are noted; nullptr: nowhere.
  membership::CounterTable* counters = nullptr;
  config::Registry* registry = nullptr;
  // Requests to forget; nullptr: there are none.
  membership::Forgets* forgets = nullptr;
  // Full syncs and how they are decided; nullptr: there are none.
  membership::FullSyncs* full_syncs = nullptr;
  membership::Intake* intake = nullptr;
  // Profiles and what they hold; nullptr: there are none.
  membership::People* people = nullptr;
  // A full sync of a list with fewer members is never held back.
  int64_t min_members_to_confirm = limits::kMinMembersToConfirm;
  pinterest::ClientProvider* clients = nullptr;
  Clock* clock = &Clock::Real();
  Random* random = &Random::Real();

  // Directory for temporary files; made if it is not there (0700).
  std::string spill_directory;
  // What all passes together sort in.
  int64_t sort_memory_bytes = 64 << 20;
  // Threads; each makes one request at a time.
  int workers = 8;
  // Passes that may be under way at once: each holds a little memory. Passes
  // with removals may be twice as many.
  int max_passes = 48;
  // A worker that waits looks at the clock this often, in real time: for tests
  // whose clock runs faster than the machine's.
  absl::Duration longest_sleep = absl::Seconds(10);
  // As in PassEnvironment.
  int64_t operation_piece = 1'000'000;
  // For the log; may be empty.
  DeliveryObserver observer;
};

// Runs the passes: decides which list is due, in which order and on which
// thread, and what stops whom. One pass at a time for a list; removals of any
// list before additions; a step of each in turn, so that a huge list holds up
// nobody. Thread-safe.
class Deliverer : public DeliveryControl, public CallRouter {
 public:
  // Takes over the ledger's commit listener and that of operations.
  static absl::StatusOr<std::unique_ptr<Deliverer>> Create(
      DelivererOptions options);
  ~Deliverer() override;

  // Starts the threads. Without them, the passes are driven by RunReadyStep.
  void Start();
  // Ends after the requests that are under way. Idempotent.
  void Stop();

  // Runs one step of whatever is due; false if nothing is. For tests, which
  // have no threads and a clock that stands still.
  bool RunReadyStep();
  // When the next step is due; absl::InfiniteFuture() if nothing waits.
  absl::Time NextStepTime();

  // To be called after every change of the registry.
  void OnConfigurationChanged();

  // Runs `work` while no pass over the list is under way: waits for the end of
  // a step, gives the pass up and keeps others off. What passes hand on from
  // one to the next is lost. True unless delivery stops; also if the list is
  // gone.
  bool RunAlone(membership::ListNumber list, absl::FunctionRef<void()> work);

  // Brings in what profiles of the destination said until now, whatever is due.
  // Errors are those of membership::People::BringUp().
  absl::Status BringUpPeople(membership::DestinationNumber destination);

  DeliveryCondition ListCondition(membership::ListNumber list) override;
  DeliveryCondition DestinationCondition(
      membership::DestinationNumber destination) override;
  DeliveryCondition CredentialCondition(
      absl::string_view credential_id) override;
  void Flush(membership::DestinationNumber destination) override;
  void Retry(membership::DestinationNumber destination) override;
  absl::StatusOr<ListPreview> Preview(membership::ListNumber list) override;

  absl::StatusOr<CallRoute> RouteTo(
      membership::DestinationNumber destination) override;
  void OnGateOpened(const CallRoute& route) override;

 private:
  struct Task {
    membership::ListNumber list = 0;
    membership::DestinationNumber destination = 0;
    // Where it stands in queue_, if it does.
    bool queued = false;
    bool queued_as_removal = false;
    absl::Time due = absl::InfiniteFuture();
    bool running = false;
    // Its next step waits until RunAlone is done.
    bool held = false;
    // Whose requests it makes, as of its last step.
    std::string credential_id;
    // Its place among those that are due at the same time.
    uint64_t ticket = 0;
    // The configuration as of the start of its last step.
    uint64_t configuration = 0;
    // Found no place for its pass; waits for one to end.
    bool parked = false;
    bool flush = false;
    // Not before this: a retry, a closed gate, or the pace.
    absl::Time not_before = absl::InfinitePast();
    // It is only the pace of additions.
    bool removals_may_pass = false;
    // Removals were committed while its step ran.
    bool new_removals = false;
    // When something goes out once more, or an old doubt is over.
    absl::Time echo_time = absl::InfiniteFuture();
    DeliveryCondition condition;
    Gate gate;
    // From how many bytes on its backlog is to be looked at; its next step nets
    // it, and nothing else.
    int64_t net_from = 0;
    bool netting = false;
    std::unique_ptr<ListPass> pass;
    // Whose place the pass takes.
    std::string pass_credential_id;
    PassMemory memory;
  };
  struct DestinationGate {
    Gate gate;
  };

  explicit Deliverer(DelivererOptions options);

  // In deliverer_netting.cc. Whether the list, which cannot be delivered now,
  // has more waiting than is its share.
  bool WantsNetting(Task& task, const membership::PendingList& pending)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ListPass::StepResult NetBacklogOf(Task& task);
  void FinishNetting(Task& task, const ListPass::StepResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void OnCommit(membership::ListNumber list, bool has_removals);
  // Something is to be done with the list, or no longer.
  void OnOperation(membership::ListNumber list);
  void Work();
  void JudgeFullSyncs();
  void BringPeopleUp();
  // Null if nothing can be run now; then something may be at `*next`, or when
  // a running step ends.
  Task* PickReady(absl::Time now, absl::Time* next)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasPlace(const Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndPass(Task& task, bool settled) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The configuration or the operator changed what may be delivered.
  void Rouse(Task& task, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One step of a task that is marked as running.
  ListPass::StepResult RunStep(Task& task);
  void Finish(Task& task, const ListPass::StepResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Removals came while it waits for the pace of additions.
  void LetRemovalsPass(Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts an idle task where it belongs.
  void Schedule(Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(Task& task, absl::Time due, bool removal)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Dequeue(Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Task& FindOrAddTask(membership::ListNumber list,
                      membership::DestinationNumber destination)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<CredentialChannel> Channel(
      const config::CredentialState& credential);
  absl::StatusOr<PassRoute> Route(Task& task);
  // Tasks other than `opener` that wait at a gate of these.
  void RouseBlocked(const Task* opener, absl::string_view credential_id,
                    membership::DestinationNumber destination)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DelivererOptions options_;
  SortBudget sort_budget_;
  PassEnvironment environment_;
  // Of a thread of its own.
  std::unique_ptr<FullSyncRunner> full_sync_runner_;
  std::unique_ptr<PeopleRunner> people_runner_;
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;

  absl::Mutex mutex_;
  absl::CondVar wake_;
  // A step ended.
  absl::CondVar step_ended_;
  absl::CondVar full_sync_wake_;
  absl::CondVar people_wake_;
  bool full_syncs_changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<membership::ListNumber, std::unique_ptr<Task>> tasks_
      ABSL_GUARDED_BY(mutex_);
  // By time; at the same time, who came first: everybody gets a turn.
  using Queue =
      std::set<std::tuple<absl::Time, uint64_t, membership::ListNumber>>;
  Queue removal_queue_ ABSL_GUARDED_BY(mutex_);
  Queue other_queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  // Goes up with each change of what may be delivered.
  uint64_t configuration_ ABSL_GUARDED_BY(mutex_) = 0;
  // Passes under way, of all and by credential: nobody takes all places.
  int passes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, int> passes_of_ ABSL_GUARDED_BY(mutex_);
  std::deque<membership::ListNumber> parked_ ABSL_GUARDED_BY(mutex_);
  // Running tasks by credential: one that hangs must leave threads to others.
  absl::flat_hash_map<std::string, int> running_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<membership::DestinationNumber,
                      std::shared_ptr<DestinationGate>>
      destination_gates_ ABSL_GUARDED_BY(mutex_);
  struct Credential {
    std::string token_name;
    std::shared_ptr<CredentialChannel> channel;
  };
  absl::flat_hash_map<std::string, Credential> credentials_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_DELIVERER_H_
