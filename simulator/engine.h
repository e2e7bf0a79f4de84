#ifndef CONNECTOR_SIMULATOR_ENGINE_H_
#define CONNECTOR_SIMULATOR_ENGINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "simulator/answer.h"
#include "simulator/audiences.h"
#include "simulator/customer_lists.h"
#include "simulator/faults.h"
#include "simulator/http_server.h"
#include "simulator/list_request.h"
#include "simulator/operations.h"
#include "simulator/rate_limiter.h"
#include "simulator/request_log.h"
#include "simulator/sim_clock.h"
#include "simulator/switches.h"
#include "simulator/tokens.h"

namespace simulator {

// Everything a reset brings back to the start. Guarded by Engine::mutex.
struct State {
  State(const Switches& switches, const Tokens::Options& tokens,
        RateLimits limits, uint64_t seed)
      : switches(switches),
        audiences(lists),
        tokens(tokens),
        limiter(limits),
        faults(seed),
        random(seed) {}

  Switches switches;
  CustomerLists lists;
  Audiences audiences;
  Tokens tokens;
  RateLimiter limiter;
  Faults faults;
  RequestLog log;
  std::mt19937_64 random;
  // Ad accounts that were named in a call, by number.
  std::map<int64_t, std::string> seen_accounts;
  // Effects that a fault put off, by the time they are due.
  std::multimap<absl::Time, std::function<void(absl::Time)>> late;
};

// Pinterest's API over the state: routing, authentication, limits, faults, log.
// The control calls (control.h) work on the same state. Thread-safe.
class Engine {
 public:
  struct Options {
    // Empty: every id of 1 to 18 digits is an ad account.
    std::vector<std::string> ad_accounts;
    Switches switches;
    Tokens::Options tokens;
    RateLimits limits = RateLimits::kStandard;
    uint64_t seed = 1;
    double time_scale = 1.0;
  };

  // `clock` must outlive this.
  Engine(Options options, connector::Clock& clock);

  // One request below /v5, or the consent page /oauth/.
  void HandleApi(const HttpRequest& request, HttpResponse* response);

  // Wakes up requests that a fault delays, which then get no answer; for the
  // end of the process.
  void Cancel();

  // Runs `work(State&, now)` alone, late effects that are due first.
  template <typename Work>
  auto WithState(Work work) {
    absl::MutexLock lock(&mutex_);
    absl::Time now = RunLate();
    return work(*state_, now);
  }

  // Everything as at the start: lists, audiences, tokens, faults, switches,
  // requests, limits. The clock goes on.
  void Reset();

  // Waits until the request of that number has arrived; false when `timeout` of
  // real time was over first.
  bool WaitForRequest(int64_t number, absl::Duration timeout);

  SimClock& clock() { return clock_; }
  const std::vector<std::string>& ad_accounts() const {
    return options_.ad_accounts;
  }

 private:
  // What is known of a request before anything is done about it.
  struct Call {
    Route route;
    const HttpRequest* http = nullptr;
    ListRequest list;
    int64_t number = 0;
    std::string rid;
    std::string caller;
  };

  std::unique_ptr<State> NewState() const;
  absl::Time RunLate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Writes the request down and looks for a fault.
  std::optional<Faults::Hit> Begin(Call* call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What Pinterest would answer, with authentication and limits; `headers` get
  // the rate limits. Sets `applied` when something was changed.
  Answer Work(const Call& call, absl::Time now, Headers* headers, bool* applied)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The operation itself, for a caller who may do it.
  Answer Execute(const Call& call, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Answer GetAdAccount(absl::string_view id);
  Answer ListAdAccounts(const Query& query)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsKnownAccount(absl::string_view id) const;
  // Puts the effect of the call off.
  void ApplyLate(const Call& call, absl::Duration delay)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False if the end of the process came first.
  bool Sleep(absl::Duration delay);

  const Options options_;
  SimClock clock_;
  absl::Notification cancelled_;
  absl::Mutex mutex_;
  std::unique_ptr<State> state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_ENGINE_H_
