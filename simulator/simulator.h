#ifndef CONNECTOR_SIMULATOR_SIMULATOR_H_
#define CONNECTOR_SIMULATOR_SIMULATOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "simulator/faults.h"
#include "simulator/rate_limiter.h"
#include "simulator/request_log.h"
#include "simulator/switches.h"
#include "simulator/tokens.h"

namespace simulator {

class Engine;
class HttpServer;

// A customer list as the simulator holds it. Counters as in Pinterest's
// answers.
struct ListView {
  std::string id;
  std::string name;
  std::string list_type;
  std::string status;
  int64_t num_batches = 0;
  int64_t num_uploaded = 0;
  int64_t num_removed = 0;
  int64_t record_count = 0;
  // Records in the list that are not lower-case hex digests.
  int64_t unhashed_records = 0;
};

// A Pinterest for tests and trials: the calls of API v5 that a customer-list
// integration makes, over HTTP on a loopback port, with state in memory, a
// clock that can be moved and failures on command. What it does and does not
// know is in README.md. Thread-safe.
class Simulator {
 public:
  struct Options {
    // 0 takes any free port.
    int port = 0;
    // The ad accounts there are; empty: every id of 1 to 18 digits.
    std::vector<std::string> ad_accounts;
    // Tokens and apps; by default everybody may call.
    Tokens::Options tokens;
    RateLimits limits = RateLimits::kStandard;
    Switches switches;
    // Of request ids, tokens and faults with a probability.
    uint64_t seed = 1;
    // Simulated seconds per second of `clock`.
    double time_scale = 1.0;
    // Must outlive the simulator.
    connector::Clock* clock = &connector::Clock::Real();
    // PEM files for HTTPS; both or none.
    std::string tls_certificate;
    std::string tls_key;
  };

  // INVALID_ARGUMENT for options that make no sense; the system's own error
  // when the port cannot be had.
  static absl::StatusOr<std::unique_ptr<Simulator>> Start(Options options);

  ~Simulator();

  int port() const;
  // "http://127.0.0.1:PORT/v5", or https.
  std::string base_url() const;
  // The same without "/v5".
  std::string origin() const;

  // Closes every connection. The state can still be looked at. May be called
  // twice.
  void Stop();

  // --- What it holds.

  // By id, oldest first.
  std::vector<ListView> Lists(absl::string_view ad_account);
  // The records of the newest list of that name, sorted; empty if there is
  // none.
  std::vector<std::string> ListRecords(absl::string_view ad_account,
                                       absl::string_view name);
  std::vector<std::string> ListRecordsById(absl::string_view ad_account,
                                           absl::string_view id);

  // --- What it was asked.

  // Requests numbered above `since`.
  std::vector<RequestEntry> Requests(int64_t since = 0);
  void ClearRequests();
  // Waits in real time until request `number` has arrived; false on timeout.
  bool WaitForRequest(int64_t number, absl::Duration timeout);

  // --- What goes wrong.

  // Answers the fault's number; INVALID_ARGUMENT for a bad regular expression.
  absl::StatusOr<int64_t> AddFault(const Fault& fault);
  // As in POST /_simulator/faults, one fault.
  absl::StatusOr<int64_t> AddFaultJson(absl::string_view json);
  // How often fault `id` struck; -1 if it is not there.
  int64_t FaultHits(int64_t id);
  void ClearFaults();

  // --- How it behaves.

  Switches switches();
  void SetSwitches(const Switches& switches);
  // As in POST /_simulator/tokens.
  absl::Status SetTokensJson(absl::string_view json);
  // Moves the simulator's clock; effects that become due take place.
  void AdvanceClock(absl::Duration by);
  absl::Time Now();
  // Everything as at the start, except the clock.
  void Reset();

 private:
  Simulator();

  std::string scheme_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_SIMULATOR_H_
