#ifndef CONNECTOR_DELIVERY_FORGET_RUNNER_H_
#define CONNECTOR_DELIVERY_FORGET_RUNNER_H_

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/config/registry.h"
#include "connector/delivery/deliverer.h"
#include "connector/delivery/delivery_event.h"
#include "connector/membership/forget.h"

namespace connector::delivery {

// Brings requests to forget from phase to phase: sees which lists are done,
// asks Pinterest about lists that seem to be gone, purges what the store holds
// and cleans its files. Nothing is remembered but in the store: what a crash
// interrupts is done again.
class ForgetRunner {
 public:
  // All must outlive it.
  struct Options {
    membership::Forgets* forgets = nullptr;
    membership::Ledger* ledger = nullptr;
    Deliverer* deliverer = nullptr;
    config::Registry* registry = nullptr;
    Clock* clock = &Clock::Real();
    DeliveryObserver observer;
  };
  explicit ForgetRunner(Options options) : options_(std::move(options)) {}
  ~ForgetRunner() { Stop(); }

  // Starts the thread. Without it, requests are driven by RunReadyStep.
  void Start();
  // Before the deliverer stops. Idempotent.
  void Stop();
  // There is a new request.
  void Wake();

  // Does what can be done now; false if that is nothing. By one thread.
  bool RunReadyStep();

 private:
  void Work();
  // A list of which a write was answered with 404.
  void CheckGone(const std::vector<membership::Forget>& unfinished);
  bool IsGone(membership::DestinationNumber destination,
              const membership::ListRow& row);
  // True if all of it was done.
  absl::Status Purge(membership::DestinationNumber destination);
  void Observe(membership::DestinationNumber destination,
               const std::string& message);

  const Options options_;
  // When a list or a destination is looked at again.
  std::map<membership::ListNumber, absl::Time> check_times_;
  std::map<membership::DestinationNumber, absl::Time> purge_times_;

  absl::Mutex mutex_;
  absl::CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_FORGET_RUNNER_H_
