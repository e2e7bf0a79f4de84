#ifndef CONNECTOR_AUDIENCES_AUDIENCE_KEEPER_H_
#define CONNECTOR_AUDIENCES_AUDIENCE_KEEPER_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/audiences/account_audiences.h"
#include "connector/audiences/audience_control.h"
#include "connector/audiences/audience_event.h"
#include "connector/config/registry.h"

namespace connector::audiences {

struct AudienceKeeperOptions {
  // All must outlive the keeper. `environment.observer` is for the log; may be
  // empty.
  KeeperEnvironment environment;
  config::Registry* registry = nullptr;

  // Threads; each makes one call at a time.
  int workers = 2;
  // A worker that waits looks at the clock this often, in real time.
  absl::Duration longest_sleep = absl::Seconds(10);
};

// Keeps the audiences of all destinations: a turn for each account, one call at
// a time for a credential, on the budgets and behind the gates of delivery.
// Thread-safe.
class AudienceKeeper final : public AudienceControl {
 public:
  explicit AudienceKeeper(AudienceKeeperOptions options);
  ~AudienceKeeper() override;

  // Starts the threads. Without them, the work is driven by RunReadyStep.
  void Start();
  // Ends after the calls that are under way. Idempotent.
  void Stop();

  // Runs one step of whatever is due; false if nothing is. For tests, which
  // have no threads and a clock that stands still.
  bool RunReadyStep();
  // When the next step is due; absl::InfiniteFuture() if nothing waits.
  absl::Time NextStepTime();

  // To be called after every change of the registry, and when a segment was
  // paused or resumed.
  void OnConfigurationChanged();
  // A list was created, found or became another one at Pinterest.
  void OnListChanged(membership::ListNumber list);

  absl::Status Rename(membership::SegmentNumber segment, absl::string_view name,
                      absl::string_view description) override;
  absl::Status Retire(membership::SegmentNumber segment) override;
  absl::Status Revive(membership::SegmentNumber segment) override;
  absl::Status PointAtList(membership::SegmentNumber segment) override;
  absl::Status Forget(membership::SegmentNumber segment) override;

 private:
  struct Task {
    std::unique_ptr<AccountAudiences> account;
    std::string credential_id;
    absl::Time due = absl::InfinitePast();
    // Its place among those that are due at the same time.
    uint64_t ticket = 0;
    bool running = false;
    // Something changed while it ran.
    bool roused = false;
  };
  using Queue =
      std::set<std::tuple<absl::Time, uint64_t, membership::DestinationNumber>>;

  void Work();
  // 0 if nothing can be run now; then something may be at `*next`, or when a
  // running step ends.
  membership::DestinationNumber PickReady(absl::Time now, absl::Time* next)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunStep(membership::DestinationNumber destination);
  void Enqueue(membership::DestinationNumber destination, Task& task,
               absl::Time due) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Rouse(membership::DestinationNumber destination);
  absl::StatusOr<membership::AudienceKey> KeyOf(
      membership::SegmentNumber segment);

  const AudienceKeeperOptions options_;
  std::vector<std::thread> threads_;
  absl::Mutex mutex_;
  absl::CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<membership::DestinationNumber, Task> tasks_ ABSL_GUARDED_BY(mutex_);
  Queue queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  // Credentials with a step that runs.
  std::set<std::string> busy_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_AUDIENCE_KEEPER_H_
