// The headers that tell of Pinterest's limits. An input is two bytes for the
// clock and a header a line.

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "connector/pinterest/rate_limit_headers.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using connector::pinterest::RateLimitWindow;
  fuzz::Input input(data, size);
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000) +
                         absl::Hours(input.Short()) - absl::Hours(1 << 15);
  connector::pinterest::HttpHeaders headers;
  while (!input.empty()) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(input.Line(), absl::MaxSplits(':', 1));
    headers.Add(pair.first, pair.second);
  }

  const auto windows = connector::pinterest::ParseRateLimits(headers, now);
  FUZZ_CHECK(windows.size() <= 16);
  constexpr int64_t kMostCalls = 1'000'000'000'000;
  const absl::Duration longest = absl::Hours(24 * 366);
  int told = 0;
  for (const RateLimitWindow& window : windows) {
    FUZZ_CHECK(window.name.size() <= 64);
    for (char c : window.name) {
      FUZZ_CHECK(absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-');
    }
    FUZZ_CHECK(window.limit.value_or(0) >= 0 &&
               window.limit.value_or(0) <= kMostCalls);
    FUZZ_CHECK(window.remaining.value_or(0) >= 0 &&
               window.remaining.value_or(0) <= kMostCalls);
    FUZZ_CHECK(window.window >= absl::ZeroDuration() &&
               window.window <= longest);
    if (window.reset_after.has_value()) {
      FUZZ_CHECK(*window.reset_after >= absl::ZeroDuration() &&
                 *window.reset_after <= longest);
    }
    told += window.remaining.has_value() || window.reset_after.has_value();
  }
  FUZZ_CHECK(told <= 1);

  const auto retry = connector::pinterest::ParseRetryAfter(headers, now);
  if (retry.has_value()) {
    FUZZ_CHECK(*retry >= absl::ZeroDuration() && *retry <= absl::Hours(24));
  }
  return 0;
}
