#include "connector/delivery/call_pacer.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace connector::delivery {
namespace {

constexpr absl::Duration kWindow = absl::Minutes(1);

}  // namespace

int CallPacer::Budget::limit() const {
  if (told == 0) return configured;
  return configured == 0 ? told : std::min(configured, told);
}

CallPacer::CallPacer(int writes_per_minute, int reads_per_minute) {
  SetLimits(writes_per_minute, reads_per_minute);
}

void CallPacer::SetLimits(int writes_per_minute, int reads_per_minute) {
  absl::MutexLock lock(&mutex_);
  writes_.configured = writes_per_minute;
  reads_.configured = reads_per_minute;
}

CallPacer::Answer CallPacer::TryAcquire(CallKind kind, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  Budget& budget = this->budget(kind);
  if (now < budget.hold_until) return {false, budget.hold_until};
  int limit = budget.limit();
  if (limit == 0) return {true, now};
  if (kind == CallKind::kAddition && limit > 1) {
    limit -= std::max(1, limit / 10);
  }
  while (!budget.calls.empty() && budget.calls.front() <= now - kWindow) {
    budget.calls.pop_front();
  }
  if (static_cast<int>(budget.calls.size()) < limit) {
    budget.calls.push_back(now);
    return {true, now};
  }
  // The call whose leaving makes room: `limit` calls may be in the window.
  return {false, budget.calls[budget.calls.size() - limit] + kWindow};
}

void CallPacer::HoldUntil(CallKind kind, absl::Time until) {
  absl::MutexLock lock(&mutex_);
  Budget& budget = this->budget(kind);
  budget.hold_until = std::max(budget.hold_until, until);
}

void CallPacer::Observe(CallKind kind,
                        const std::vector<pinterest::RateLimitWindow>& windows,
                        absl::Time now) {
  absl::MutexLock lock(&mutex_);
  Budget& budget = this->budget(kind);
  for (const auto& window : windows) {
    // The minute budget of this kind of call, by Pinterest's own name for it.
    const bool ours = absl::StartsWith(
        window.name, kind == CallKind::kRead ? "ads_read" : "ads_write");
    if (ours && window.limit.has_value() && *window.limit > 0 &&
        window.window == kWindow) {
      budget.told =
          static_cast<int>(std::min<int64_t>(*window.limit, 1'000'000));
    }
    if (window.remaining == 0 && window.reset_after.has_value()) {
      // The tightest window is used up: the next call would be a 429.
      budget.hold_until = std::max(
          budget.hold_until, now + std::min(*window.reset_after, kWindow));
    }
  }
}

}  // namespace connector::delivery
