#include "connector/pinterest/rate_limit_headers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace connector::pinterest {
namespace {

constexpr size_t kMaxHeaderBytes = 4096;
constexpr size_t kMaxWindows = 16;
constexpr size_t kMaxName = 64;
constexpr int64_t kMaxCalls = 1'000'000'000'000;
constexpr int64_t kMaxWindowSeconds = int64_t{366} * 86400;
constexpr int64_t kEpochFrom = 1'000'000'000;
constexpr absl::Duration kMaxRetryAfter = absl::Hours(24);

// Digits only, with blanks around; a huge number becomes `most`.
std::optional<int64_t> ParseNumber(absl::string_view text, int64_t most) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return std::nullopt;
  int64_t number = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
    number = std::min<int64_t>(number * 10 + (c - '0'), most);
  }
  return number;
}

// Seconds, maybe with a fraction, which is rounded up.
std::optional<int64_t> ParseSeconds(absl::string_view text, int64_t most) {
  text = absl::StripAsciiWhitespace(text);
  const size_t dot = text.find('.');
  if (dot == absl::string_view::npos) return ParseNumber(text, most);
  const std::optional<int64_t> whole = ParseNumber(text.substr(0, dot), most);
  const absl::string_view fraction = text.substr(dot + 1);
  if (!whole.has_value() || !ParseNumber(fraction, most).has_value()) {
    return std::nullopt;
  }
  const bool up = fraction.find_first_not_of('0') != absl::string_view::npos;
  return std::min(*whole + (up ? 1 : 0), most);
}

std::optional<std::string> Header(const HttpHeaders& headers,
                                  absl::string_view name) {
  std::optional<std::string> value = headers.Joined(name);
  if (value.has_value() && value->size() > kMaxHeaderBytes) {
    // Whole items only: "1000" must not become "10".
    const size_t comma = value->rfind(',', kMaxHeaderBytes);
    value->resize(comma == std::string::npos ? 0 : comma);
  }
  return value;
}

std::optional<int64_t> FirstNumber(const HttpHeaders& headers,
                                   absl::string_view name, int64_t most) {
  const std::optional<std::string> value = Header(headers, name);
  if (!value.has_value()) return std::nullopt;
  const absl::string_view first =
      absl::string_view(*value).substr(0, value->find_first_of(",;"));
  return ParseSeconds(first, most);
}

std::string CleanName(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (absl::ConsumePrefix(&text, "\"")) absl::ConsumeSuffix(&text, "\"");
  std::string name;
  for (const char c : text) {
    if (name.size() == kMaxName) break;
    if (absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-') {
      name.push_back(c);
    }
  }
  return name;
}

// `limit;w=<seconds>;name="…"`. A comma or semicolon inside the quotes is not
// looked for: no name Pinterest uses holds one, and none survives CleanName.
std::optional<RateLimitWindow> ParseWindow(absl::string_view item) {
  const std::vector<absl::string_view> parts = absl::StrSplit(item, ';');
  RateLimitWindow window;
  window.limit = ParseNumber(parts[0], kMaxCalls);
  if (!window.limit.has_value()) return std::nullopt;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(parts[i], absl::MaxSplits('=', 1));
    const absl::string_view key = absl::StripAsciiWhitespace(pair.first);
    if (absl::EqualsIgnoreCase(key, "w")) {
      window.window = absl::Seconds(
          ParseNumber(pair.second, kMaxWindowSeconds).value_or(0));
    } else if (absl::EqualsIgnoreCase(key, "name")) {
      window.name = CleanName(pair.second);
    }
  }
  return window;
}

std::optional<absl::Duration> ParseReset(const HttpHeaders& headers,
                                         absl::Time now) {
  const std::optional<int64_t> number =
      FirstNumber(headers, "x-ratelimit-reset", kMaxCalls);
  if (!number.has_value()) return std::nullopt;
  absl::Duration reset = absl::Seconds(*number);
  if (*number > kEpochFrom) reset = absl::FromUnixSeconds(*number) - now;
  return std::clamp(reset, absl::ZeroDuration(),
                    absl::Seconds(kMaxWindowSeconds));
}

}  // namespace

std::vector<RateLimitWindow> ParseRateLimits(const HttpHeaders& headers,
                                             absl::Time now) {
  std::vector<RateLimitWindow> windows;
  std::optional<int64_t> tightest_limit;
  if (const std::optional<std::string> value =
          Header(headers, "x-ratelimit-limit");
      value.has_value()) {
    for (const absl::string_view item : absl::StrSplit(*value, ',')) {
      std::optional<RateLimitWindow> window = ParseWindow(item);
      if (!window.has_value()) continue;
      const bool bare =
          window->name.empty() && window->window == absl::ZeroDuration();
      if (bare) {
        if (!tightest_limit.has_value()) tightest_limit = window->limit;
      } else if (windows.size() < kMaxWindows) {
        windows.push_back(*std::move(window));
      }
    }
  }
  const std::optional<int64_t> remaining =
      FirstNumber(headers, "x-ratelimit-remaining", kMaxCalls);
  const std::optional<absl::Duration> reset = ParseReset(headers, now);
  if (!tightest_limit.has_value() && !remaining.has_value() &&
      !reset.has_value()) {
    return windows;
  }

  // The window the plain numbers are about: of those with the tightest limit
  // one that is long enough for the reset, else any of them. Where there is no
  // such window, one of its own.
  RateLimitWindow* tightest = nullptr;
  for (RateLimitWindow& window : windows) {
    if (window.limit != tightest_limit) continue;
    if (tightest == nullptr) tightest = &window;
    if (reset.has_value() && window.window >= *reset) {
      tightest = &window;
      break;
    }
  }
  if (tightest == nullptr && windows.size() == 1 &&
      !tightest_limit.has_value()) {
    tightest = &windows[0];
  }
  if (tightest == nullptr) {
    if (windows.size() == kMaxWindows) windows.pop_back();
    tightest = &windows.emplace_back();
    tightest->limit = tightest_limit;
  }
  tightest->remaining = remaining;
  tightest->reset_after = reset;
  return windows;
}

std::optional<absl::Duration> ParseRetryAfter(const HttpHeaders& headers,
                                              absl::Time now) {
  const std::optional<absl::string_view> value = headers.Find("retry-after");
  if (!value.has_value() || value->size() > kMaxHeaderBytes) {
    return std::nullopt;
  }
  const absl::string_view text = absl::StripAsciiWhitespace(*value);
  if (const std::optional<int64_t> seconds =
          ParseSeconds(text, kMaxWindowSeconds);
      seconds.has_value()) {
    return std::min(absl::Seconds(*seconds), kMaxRetryAfter);
  }
  // The three forms of RFC 9110; all are UTC.
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y"}) {
    absl::Time when;
    std::string ignored;
    if (absl::ParseTime(format, text, absl::UTCTimeZone(), &when, &ignored)) {
      if (when == absl::InfiniteFuture() || when == absl::InfinitePast()) {
        return std::nullopt;
      }
      return std::clamp(when - now, absl::ZeroDuration(), kMaxRetryAfter);
    }
  }
  return std::nullopt;
}

}  // namespace connector::pinterest
