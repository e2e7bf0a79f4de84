#include "connector/delivery/call_pacer.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "connector/base/error.h"

namespace connector::delivery {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);
constexpr absl::Duration kMinute = absl::Minutes(1);
constexpr absl::Duration kDay = absl::Hours(24);

// Windows from this length on are counted over restarts.
constexpr absl::Duration kDurable = absl::Hours(1);

// Windows that Pinterest tells beyond ours, at most.
constexpr size_t kMaxWindows = 16;

// A window that is told as exhausted is waited out for this long at most: the
// header has been seen for a second and a minute only. A 429 holds longer.
constexpr absl::Duration kLongestTrust = absl::Minutes(1);

}  // namespace

CallPacer::CallPacer(const config::CallLimits& limits,
                     absl::string_view history, absl::Time now,
                     SaveHistory save)
    : save_(std::move(save)) {
  absl::MutexLock lock(&mutex_);
  ReadHistory(history, now);
  Configure(limits);
}

void CallPacer::SetLimits(const config::CallLimits& limits) {
  absl::MutexLock lock(&mutex_);
  Configure(limits);
}

void CallPacer::Configure(const config::CallLimits& limits) {
  Window(Scope::kAll, kSecond).set_configured(limits.calls_per_second);
  Window(Scope::kWrites, kMinute).set_configured(limits.writes_per_minute);
  Window(Scope::kReads, kMinute).set_configured(limits.reads_per_minute);
  Window(Scope::kWrites, kDay).set_configured(limits.writes_per_day);
  Window(Scope::kAll, kDay).set_configured(limits.calls_per_day);
}

CallWindow& CallPacer::Window(Scope scope, absl::Duration length) {
  return windows_.try_emplace({scope, length}, length).first->second;
}

bool CallPacer::Counts(Scope scope, CallKind kind) {
  switch (scope) {
    case Scope::kAll:
      return true;
    case Scope::kReads:
      return kind == CallKind::kRead;
    case Scope::kWrites:
      return kind != CallKind::kRead;
  }
  return true;
}

CallPacer::Answer CallPacer::TryAcquire(CallKind kind, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  absl::Time room = std::max(now, hold(kind).until);
  absl::Status reason = room > now ? hold(kind).reason : absl::OkStatus();
  bool daily = false;
  for (auto& [key, window] : windows_) {
    const auto& [scope, length] = key;
    if (!Counts(scope, kind)) continue;
    const bool share =
        scope == Scope::kWrites || (scope == Scope::kAll && length >= kDurable);
    const int64_t limit = window.limit();
    const int64_t reserve = kind != CallKind::kRemoval && share && limit > 1
                                ? std::max<int64_t>(1, limit / 10)
                                : 0;
    const absl::Time time = window.RoomTime(reserve, now);
    if (time > room) {
      room = time;
      daily = length >= kDurable;
      reason = absl::OkStatus();
    }
  }
  if (room > now) {
    Answer answer{false, room, reason};
    if (daily) {
      ErrorDetail detail;
      detail.reason = "DAILY_CALLS_USED_UP";
      detail.retry_delay = room - now;
      answer.reason = MakeError(
          absl::StatusCode::kUnavailable,
          absl::StrCat(
              "the calls that Pinterest grants a day are used up; "
              "goes on at ",
              absl::FormatTime(absl::RFC3339_sec, room, absl::UTCTimeZone())),
          detail);
    }
    return answer;
  }

  bool durable = false;
  for (auto& [key, window] : windows_) {
    if (!Counts(key.first, kind)) continue;
    window.Add(now);
    durable |= key.second >= kDurable && window.limit() > 0;
  }
  if (durable && save_ != nullptr) {
    if (absl::Status status = save_(History()); !status.ok()) {
      return {false, now + kMinute, status};
    }
  }
  return {true, now, absl::OkStatus()};
}

void CallPacer::HoldUntil(CallKind kind, absl::Time until,
                          const absl::Status& reason) {
  absl::MutexLock lock(&mutex_);
  Hold& hold = this->hold(kind);
  if (until > hold.until) hold = {until, reason};
}

void CallPacer::Observe(CallKind kind,
                        const std::vector<pinterest::RateLimitWindow>& windows,
                        absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (const auto& window : windows) {
    if (window.limit.has_value() && *window.limit > 0 &&
        window.window > absl::ZeroDuration()) {
      // By Pinterest's own names: ads_read_…, ads_write_…, safety_net_….
      const Scope scope =
          absl::StartsWith(window.name, "ads_read")    ? Scope::kReads
          : absl::StartsWith(window.name, "ads_write") ? Scope::kWrites
                                                       : Scope::kAll;
      if (windows_.count({scope, window.window}) > 0 ||
          windows_.size() < kMaxWindows) {
        Window(scope, window.window)
            .set_told(std::min<int64_t>(*window.limit, 1'000'000));
      }
    }
    if (window.remaining == 0 && window.reset_after.has_value()) {
      // The tightest window is used up: the next call would be a 429.
      Hold& hold = this->hold(kind);
      const absl::Time until =
          now + std::min(*window.reset_after, kLongestTrust);
      if (until > hold.until) hold = {until, absl::OkStatus()};
    }
  }
}

// One line for each window that lasts: scope, length in seconds, what it holds.
std::string CallPacer::History() {
  std::string history;
  for (const auto& [key, window] : windows_) {
    if (key.second < kDurable || window.limit() == 0) continue;
    absl::StrAppend(&history, static_cast<int>(key.first), " ",
                    absl::ToInt64Seconds(key.second), " ", window.Encode(),
                    "\n");
  }
  return history;
}

void CallPacer::ReadHistory(absl::string_view history, absl::Time now) {
  for (absl::string_view line :
       absl::StrSplit(history, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
    int scope = 0;
    int64_t seconds = 0;
    if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &scope) || scope < 0 ||
        scope > static_cast<int>(Scope::kWrites) ||
        !absl::SimpleAtoi(parts[1], &seconds) ||
        absl::Seconds(seconds) < kDurable || windows_.size() >= kMaxWindows) {
      continue;
    }
    Window(static_cast<Scope>(scope), absl::Seconds(seconds))
        .Decode(parts[2], now);
  }
}

}  // namespace connector::delivery
