#include "connector/cli/retry.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "connector/base/error.h"

namespace connector::cli {
namespace {

constexpr absl::Duration kLongestDelay = absl::Seconds(5);

}  // namespace

bool IsTemporary(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    // A server that is stopped cancels its calls; this side never does.
    case absl::StatusCode::kCancelled:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return GetErrorDetail(status).retry_delay.has_value();
    // What gRPC makes of a connection that is cut between two frames.
    case absl::StatusCode::kUnknown:
      return absl::StrContains(status.message(), "Stream removed");
    case absl::StatusCode::kInternal:
      return absl::StrContains(status.message(), "RST_STREAM");
    default:
      return false;
  }
}

absl::Duration RetryDelays::Next(const absl::Status& cause) {
  // Jitter over the upper half only: a server that starts anew needs a moment.
  absl::Duration delay = backoff_ * (0.5 + random_.NextUnit() / 2);
  backoff_ = std::min(2 * backoff_, kLongestDelay);
  if (auto asked = GetErrorDetail(cause).retry_delay; asked.has_value()) {
    delay = std::max(delay, *asked);
  }
  return delay;
}

}  // namespace connector::cli
