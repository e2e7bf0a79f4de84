#ifndef CONNECTOR_SIMULATOR_REQUEST_LOG_H_
#define CONNECTOR_SIMULATOR_REQUEST_LOG_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace simulator {

// One request under /v5, without its records and without its token.
struct RequestEntry {
  // From 1, in the order of arrival, never used twice.
  int64_t number = 0;
  // On the simulator's clock.
  absl::Time time;
  std::string method;
  std::string path;
  std::string query;
  // "customer_lists/update"; empty for a path that Pinterest does not have.
  std::string operation;
  std::string ad_account_id;
  std::string customer_list_id;
  // ADD or REMOVE.
  std::string operation_type;
  int64_t record_count = 0;
  // Records that are not lower-case hex digests.
  int64_t unhashed_records = 0;
  int64_t body_bytes = 0;
  std::string body_sha256;
  // The first 8 hex digits of the SHA-256 of the Authorization header: tells
  // callers apart.
  std::string credential;
  std::string rid;
  // 0 while the request is being worked on, and for good if no answer went out.
  int status = 0;
  // The request changed something (also later: see `late`).
  bool applied = false;
  // It takes effect later, by a fault.
  bool late = false;
  bool dropped = false;
  // The number of the fault that hit it, 0 for none.
  int64_t fault = 0;
};

nlohmann::json ToJson(const RequestEntry& entry);

// The newest requests. Not thread-safe.
class RequestLog {
 public:
  // Answers the entry's number.
  int64_t Add(RequestEntry entry);

  // Null when it was cleared or has fallen out of the log. Good until the next
  // Add or Clear.
  RequestEntry* Find(int64_t number);

  // Forgets the entries and counts; numbers go on.
  void Clear();

  std::vector<RequestEntry> Since(int64_t number) const;
  int64_t last_number() const { return next_number_ - 1; }

  // {"requests": [entries above `since`], "last": number, "counts": {operation:
  // number since the last Clear}}.
  nlohmann::json Inspect(int64_t since) const;

 private:
  static constexpr size_t kKept = 100'000;
  std::deque<RequestEntry> entries_;
  std::map<std::string, int64_t> counts_;
  int64_t next_number_ = 1;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_REQUEST_LOG_H_
