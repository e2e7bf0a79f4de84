#ifndef CONNECTOR_SIMULATOR_RATE_LIMITER_H_
#define CONNECTOR_SIMULATOR_RATE_LIMITER_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace simulator {

using Headers = std::vector<std::pair<std::string, std::string>>;

enum class RateLimits { kStandard, kTrial, kOff };

// Pinterest's published limits, per caller and category, in fixed windows that
// begin with the first call after the last window:
//   standard: 100 a second in all; ads_read 1000, ads_write 400, org_read 1000
//   a
//             minute
//   trial:    1000 a day in all; ads_read 1000, ads_write 300, org_read 1000 a
//   day
// A refused call is not counted. Not thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(RateLimits limits) : limits_(limits) {}

  struct Decision {
    bool allowed = true;
    // x-ratelimit-limit, -remaining and -reset in the form seen live; empty
    // when limits are off.
    Headers headers;
  };
  Decision Take(const std::string& caller, const std::string& category,
                absl::Time now);

 private:
  struct Limit {
    std::string name;
    int64_t calls;
    absl::Duration window;
  };
  struct Bucket {
    absl::Time start = absl::InfinitePast();
    int64_t used = 0;
  };

  std::vector<Limit> LimitsFor(const std::string& category) const;

  const RateLimits limits_;
  std::map<std::pair<std::string, std::string>, Bucket> buckets_;
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_RATE_LIMITER_H_
