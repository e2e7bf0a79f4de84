#include "simulator/rate_limiter.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace simulator {

std::vector<RateLimiter::Limit> RateLimiter::LimitsFor(
    const std::string& category) const {
  if (limits_ == RateLimits::kStandard) {
    return {{"safety_net_app_id_user_id", 100, absl::Seconds(1)},
            {category + "_app_id_user_id", category == "ads_write" ? 400 : 1000,
             absl::Minutes(1)}};
  }
  return {{"trial_app_id", 1000, absl::Hours(24)},
          {category + "_app_id", category == "ads_write" ? 300 : 1000,
           absl::Hours(24)}};
}

RateLimiter::Decision RateLimiter::Take(const std::string& caller,
                                        const std::string& category,
                                        absl::Time now) {
  Decision decision;
  if (limits_ == RateLimits::kOff) return decision;
  std::vector<Limit> limits = LimitsFor(category);
  std::vector<Bucket*> buckets;
  for (const Limit& limit : limits) {
    Bucket& bucket = buckets_[{caller, limit.name}];
    if (now >= bucket.start + limit.window) bucket = {now, 0};
    if (bucket.used >= limit.calls) decision.allowed = false;
    buckets.push_back(&bucket);
  }
  if (decision.allowed) {
    for (Bucket* bucket : buckets) ++bucket->used;
  }

  // The headers speak of the window with the least left; of two that are used
  // up, of the one that opens later.
  size_t tightest = 0;
  std::string structured;
  auto remaining = [&](size_t i) { return limits[i].calls - buckets[i]->used; };
  auto reset = [&](size_t i) {
    return buckets[i]->start + limits[i].window - now;
  };
  for (size_t i = 0; i < limits.size(); ++i) {
    absl::StrAppend(&structured, ", ", limits[i].calls,
                    ";w=", absl::ToInt64Seconds(limits[i].window), ";name=\"",
                    limits[i].name, "\"");
    if (remaining(i) < remaining(tightest) ||
        (remaining(i) == remaining(tightest) && reset(i) > reset(tightest))) {
      tightest = i;
    }
  }
  decision.headers = {
      {"x-ratelimit-limit", absl::StrCat(limits[tightest].calls, structured)},
      {"x-ratelimit-remaining", absl::StrCat(remaining(tightest))},
      {"x-ratelimit-reset", absl::StrCat(static_cast<int64_t>(std::ceil(
                                absl::ToDoubleSeconds(reset(tightest)))))}};
  return decision;
}

}  // namespace simulator
