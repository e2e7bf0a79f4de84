#include "connector/audiences/account_audiences.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/audiences/audience_terms.h"
#include "connector/delivery/backoff.h"
#include "connector/delivery/delivery_timing.h"

namespace connector::audiences {
namespace {

using delivery::CallKind;
using delivery::CallRoute;
using membership::AudienceKey;
using membership::AudienceRow;
using pinterest::ErrorClass;

// Lists that come up together are looked for together.
constexpr absl::Duration kGather = absl::Seconds(5);

}  // namespace

AccountAudiences::AccountAudiences(const KeeperEnvironment& environment,
                                   membership::DestinationNumber destination)
    : environment_(environment), destination_(destination) {}

void AccountAudiences::AskFor(const std::string& id) {
  const auto aside = put_aside_.find(id);
  if (aside != put_aside_.end() &&
      environment_.clock->Now() < aside->second.due) {
    return;
  }
  to_get_.insert(id);
}

void AccountAudiences::PutAside(const config::AudienceSettings& settings,
                                const std::string& id) {
  to_get_.erase(id);
  Lookup& aside = put_aside_[id];
  aside.due =
      environment_.clock->Now() + RetryInterval(settings, ++aside.failures);
}

absl::Time AccountAudiences::DueTime(
    const config::DestinationState& destination, const Wanted& wanted,
    absl::Time now) {
  const std::string key = KeyOf(wanted.key);
  const bool here = !wanted.id().empty();
  if (here && wanted.row->retirement_confirmed) return absl::InfiniteFuture();
  if (here) {
    if (wanted.row->last_poll_time == absl::InfinitePast()) return now;
    const auto aside = put_aside_.find(wanted.id());
    // A clock that was set back must not stop it.
    return std::max(
        std::min(wanted.row->last_poll_time, now) +
            PollInterval(destination, wanted, now),
        aside == put_aside_.end() ? absl::InfinitePast() : aside->second.due);
  }
  if (creatable_.count(key) > 0) return now;
  if (wanted.rule.empty() && wanted.foreign_seed.empty()) {
    // Its own seed is followed, and that makes it due.
    return absl::InfiniteFuture();
  }
  if (wanted.retired() && wanted.row->retirement_confirmed) {
    return absl::InfiniteFuture();
  }
  auto [lookup, fresh] = lookups_.try_emplace(key);
  if (fresh) {
    lookup->second.due =
        now +
        std::min(kGather, destination.policy.audiences.first_poll_interval / 4);
  }
  return lookup->second.due;
}

AccountAudiences::StepResult AccountAudiences::Step() {
  const absl::Time now = environment_.clock->Now();
  absl::StatusOr<CallRoute> route = environment_.router->RouteTo(destination_);
  if (!route.ok()) {
    // Whatever changes that is told to the keeper.
    return {absl::IsNotFound(route.status()), absl::InfiniteFuture()};
  }
  ad_account_id_ = route->destination->ad_account_id;
  if (now < not_before_) return {false, not_before_};
  auto client = environment_.clients->AudienceClientFor(route->token_name);
  if (!client.ok()) return {false, absl::InfiniteFuture()};
  const config::DestinationState& destination = *route->destination;
  const std::vector<Wanted> wanted = ReadWanted(destination);

  // What was begun.
  if (scan_ != nullptr) return Look(*route, **client, wanted);
  absl::Time next = absl::InfiniteFuture();
  for (const Wanted& audience : wanted) {
    const std::string key = KeyOf(audience.key);
    if (!audience.id().empty()) {
      const auto refused = changes_.find(key);
      if (refused != changes_.end() && now < refused->second.due) {
        next = std::min(next, refused->second.due);
        continue;
      }
      if (auto result = ChangeOne(*route, **client, audience)) return *result;
    } else if (creatable_.count(key) > 0) {
      if (!audience.rule.empty() && !audience.retired()) {
        return CreateOne(*route, **client, audience);
      }
      creatable_.erase(key);
    }
  }
  if (!to_get_.empty()) {
    return GetOne(*route, **client, wanted, *to_get_.begin());
  }

  // What is due: one by one, or all at once.
  bool look = false;
  std::vector<std::string> due;
  for (const Wanted& audience : wanted) {
    const absl::Time time = DueTime(destination, audience, now);
    if (time > now) {
      next = std::min(next, time);
      continue;
    }
    if (audience.id().empty()) {
      look = true;
    } else {
      due.push_back(audience.id());
    }
  }
  if (look || static_cast<int>(due.size()) >= std::max(pages_, 1)) {
    scan_ = std::make_unique<Scan>();
    scan_->start = now;
    return Look(*route, **client, wanted);
  }
  if (!due.empty()) {
    for (const std::string& id : due) AskFor(id);
    return GetOne(*route, **client, wanted, *to_get_.begin());
  }

  if (counters_due_ == absl::InfinitePast()) {
    counters_due_ = now + destination.policy.audiences.longest_poll_interval;
  }
  if (now >= counters_due_) return ReadCounters(*route);
  return {false, std::min(next, counters_due_)};
}

bool AccountAudiences::MayCall(const CallRoute& route, CallKind kind,
                               absl::Time* retry_time) {
  using State = delivery::DeliveryCondition::State;
  const absl::Time now = environment_.clock->Now();
  // Delivery's own passes probe what they closed.
  const auto destination = route.destination_gate->condition();
  if (destination.state == State::kBlocked) {
    *retry_time = std::max(now, destination.retry_time) + delivery::kStandBack;
    return false;
  }
  delivery::Gate& gate = route.credential->gate();
  const auto credential = gate.condition();
  if (credential.state == State::kBlocked) {
    *retry_time = std::max(now, credential.retry_time) + delivery::kStandBack;
    // The gate was closed as by a read, so any call that goes well opens it.
    // Whoever closed it probes first. If nobody does (its destination may have
    // been paused since), somebody else has to.
    const absl::Time probe_time =
        credential.retry_time +
        (closed_gate_ ? absl::ZeroDuration() : delivery::kProbeInterval);
    if (now < probe_time) {
      *retry_time = probe_time + delivery::kStandBack;
      return false;
    }
  }
  const auto pace = route.credential->pacer().TryAcquire(kind, now);
  if (!pace.granted) {
    *retry_time = pace.retry_time;
    return false;
  }
  absl::Time probe_time;
  if (!gate.Pass(now, &probe_time)) {
    *retry_time = probe_time + delivery::kStandBack;
    return false;
  }
  return true;
}

void AccountAudiences::Answered(const CallRoute& route, CallKind kind,
                                const pinterest::CallInfo& call) {
  route.credential->pacer().Observe(kind, call.rate_limits,
                                    environment_.clock->Now());
  if (call.http_status < 200 || call.http_status > 299) return;
  failures_ = 0;
  closed_gate_ = false;
  if (route.credential->gate().OpenForRead()) {
    environment_.router->OnGateOpened(route);
  }
}

std::optional<AccountAudiences::StepResult> AccountAudiences::Failed(
    const CallRoute& route, CallKind kind, const pinterest::ApiError& error) {
  const absl::Time now = environment_.clock->Now();
  Observe(AudienceEvent::Kind::kRequestFailed, "", "",
          absl::StrCat(pinterest::ErrorClassName(error.error_class), " ",
                       error.message));
  switch (error.error_class) {
    case ErrorClass::kRetryable:
      // The gates stay as they are: that audiences cannot be reached must not
      // hold up lists.
      ++failures_;
      not_before_ =
          now +
          std::max(error.call.retry_after.value_or(absl::ZeroDuration()),
                   delivery::FullJitter(failures_, delivery::kFirstRetryDelay,
                                        kLongestBackoff, *environment_.random));
      return StepResult{false, not_before_};
    case ErrorClass::kRateLimited: {
      ++failures_;
      const absl::Time until =
          now + error.call.retry_after.value_or(
                    absl::Seconds(1) +
                    delivery::FullJitter(failures_, delivery::kFirstRetryDelay,
                                         delivery::kLongestRetryDelay,
                                         *environment_.random));
      route.credential->pacer().HoldUntil(kind, until, error.ToStatus());
      return StepResult{false, until};
    }
    case ErrorClass::kUnauthorized:
    case ErrorClass::kSpamBlocked: {
      // True of every call with this token.
      const absl::Duration interval =
          error.error_class == ErrorClass::kSpamBlocked
              ? delivery::kSpamProbeInterval
              : delivery::kProbeInterval;
      route.credential->gate().Close(error.ToStatus(), now, interval,
                                     /*by_read=*/true);
      closed_gate_ = true;
      return StepResult{false, now + interval + delivery::kStandBack};
    }
    case ErrorClass::kForbidden:
      ++failures_;
      not_before_ = now + kLongestBackoff;
      return StepResult{false, not_before_};
    default:
      return std::nullopt;
  }
}

AudienceRow AccountAudiences::Change(
    const AudienceKey& key, absl::FunctionRef<void(AudienceRow&)> change,
    bool durable) {
  absl::StatusOr<AudienceRow> row =
      durable ? environment_.audiences->ChangeAudience(key, change)
              : environment_.audiences->NoteAudience(key, change);
  if (row.ok()) return *std::move(row);
  // The store stops the process, or the destination was deleted.
  if (!absl::IsNotFound(row.status())) {
    Observe(AudienceEvent::Kind::kInternalError, "", "",
            std::string(row.status().message()));
  }
  return AudienceRow();
}

void AccountAudiences::Observe(AudienceEvent::Kind kind,
                               const std::string& audience_id,
                               const std::string& name,
                               std::string message) const {
  if (environment_.observer == nullptr) return;
  environment_.observer(
      {kind, ad_account_id_, audience_id, name, std::move(message)});
}

}  // namespace connector::audiences
