#ifndef CONNECTOR_SIMULATOR_FAULTS_H_
#define CONNECTOR_SIMULATOR_FAULTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "simulator/rate_limiter.h"

namespace simulator {

// Something that goes wrong on command: which requests, how often, and what
// happens. Empty members of `match` fit every request.
struct Fault {
  struct Match {
    std::string method;
    // A regular expression (ECMAScript) that fits somewhere in the path.
    std::string path;
    // "customer_lists/update" and so on, as the API description names
    // operations.
    std::string operation;
    std::string ad_account;
    std::string list_id;
    // ADD or REMOVE.
    std::string operation_type;
    // A record as on the wire: fits a request that holds it, so one bad record
    // can be told from its neighbours by halving.
    std::string contains_record;
  };

  struct Action {
    // Answer with this instead of doing anything. 0: do the request.
    int status = 0;
    // With `status`: the body as it goes out; without, Pinterest's error shape.
    std::optional<std::string> body;
    // Added to the answer, in place of headers of the same name.
    Headers headers;
    // With `status`: the request takes effect all the same.
    bool applied = false;
    // The connection is closed without an answer, before or after the request
    // took effect.
    bool drop_before = false;
    bool drop_after = false;
    // With a drop: a TCP reset instead of an orderly end.
    bool reset = false;
    // Real time.
    absl::Duration delay_before = absl::ZeroDuration();
    absl::Duration delay_after = absl::ZeroDuration();
    // The request takes effect so much later on the simulator's clock. The
    // caller gets `status` if there is one, otherwise a closed connection.
    std::optional<absl::Duration> apply_late;
    // Only so many bytes of the body go out, then the connection is closed. The
    // headers announce all of it.
    std::optional<int64_t> truncate_body;
    // The body is an HTML page.
    bool not_json = false;
    // Answer with 302 (or `status`) and this Location.
    std::string redirect;
    // JSON text put in place of a customer list's `exceptions`.
    std::string exceptions;
    // Added to both counters of a customer list in the answer.
    int64_t counters_off = 0;
    // What the x-ratelimit headers say: "" the truth, "exhausted" nothing left
    // and `ratelimit_reset` to go, "none" no such headers.
    std::string ratelimit;
    absl::Duration ratelimit_reset = absl::Seconds(1);
  };

  Match match;
  Action action;
  // The first so many fitting requests pass.
  int64_t skip = 0;
  // Then so many are hit; -1 all.
  int64_t times = -1;
  // Each of them with this probability.
  double probability = 1.0;
};

// INVALID_ARGUMENT names the member that is unknown or does not fit.
absl::StatusOr<Fault> ParseFault(const nlohmann::json& json);
nlohmann::json ToJson(const Fault& fault);

// What a fault is matched against. The views must outlive the call only.
struct FaultRequest {
  absl::string_view method;
  absl::string_view path;
  absl::string_view operation;
  absl::string_view ad_account;
  absl::string_view list_id;
  absl::string_view operation_type;
  // Pinterest's comma-separated string.
  absl::string_view records;
};

// The installed faults. The first one that fits and fires decides. Not
// thread-safe.
class Faults {
 public:
  explicit Faults(uint64_t seed) : random_(seed) {}

  // INVALID_ARGUMENT if the path is no regular expression. Answers a number for
  // the log, never used twice.
  absl::StatusOr<int64_t> Add(const Fault& fault);
  void Clear() { installed_.clear(); }

  struct Hit {
    int64_t id;
    Fault::Action action;
  };
  std::optional<Hit> Check(const FaultRequest& request);

  // Each fault with "id", "seen" (requests that fitted) and "hits".
  nlohmann::json Inspect() const;

 private:
  struct Installed {
    int64_t id;
    Fault fault;
    // Null: every path fits.
    std::function<bool(absl::string_view path)> path_fits;
    int64_t seen = 0;
    int64_t hits = 0;
  };
  static bool Fits(const Installed& installed, const FaultRequest& request);

  std::vector<Installed> installed_;
  int64_t next_id_ = 1;
  std::mt19937_64 random_;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_FAULTS_H_
