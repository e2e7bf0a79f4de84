#ifndef CONNECTOR_PINTEREST_RATE_LIMIT_HEADERS_H_
#define CONNECTOR_PINTEREST_RATE_LIMIT_HEADERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/pinterest/http_transport.h"

namespace connector::pinterest {

// One of the budgets Pinterest counts a call against. They belong to the app
// and user behind the token, not to the ad account.
struct RateLimitWindow {
  // "ads_write_app_id_user_id"; empty when Pinterest gave none.
  std::string name;

  // Calls per window; nullopt when not told.
  std::optional<int64_t> limit;

  // Length of the window; zero when not told.
  absl::Duration window = absl::ZeroDuration();

  // What is left of this window and when it starts anew, counted from the
  // answer. Pinterest tells both for the tightest window only.
  std::optional<int64_t> remaining;
  std::optional<absl::Duration> reset_after;
};

// Reads x-ratelimit-limit, x-ratelimit-remaining and x-ratelimit-reset. As seen
// live in July 2026 (recorded answers in NangoHQ/integration-templates):
//
//   x-ratelimit-limit: 100, 100;w=1;name="safety_net_app_id_user_id",
//                      1000;w=60;name="ads_read_app_id_user_id"
//   x-ratelimit-remaining: 99
//   x-ratelimit-reset: 1
//
// The first number repeats the limit of the tightest window; remaining and
// reset are about that one. A bare "100" and one header line per window are
// read too. reset counts seconds, or is a Unix time when above 10^9.
//
// Never fails: what cannot be read is left out. At most 16 windows; limits and
// remainders up to 10^12, windows and resets up to 366 days, names up to 64
// characters of [A-Za-z0-9_.-].
std::vector<RateLimitWindow> ParseRateLimits(const HttpHeaders& headers,
                                             absl::Time now);

// The Retry-After header: seconds (a fraction is rounded up to the next
// second) or an HTTP date of RFC 9110, section 5.6.7. nullopt when missing or
// not readable. Never negative, at most 24 hours.
std::optional<absl::Duration> ParseRetryAfter(const HttpHeaders& headers,
                                              absl::Time now);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_RATE_LIMIT_HEADERS_H_
