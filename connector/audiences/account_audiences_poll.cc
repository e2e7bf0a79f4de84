#include <algorithm>

#include "connector/audiences/account_audiences.h"
#include "connector/audiences/audience_state.h"
#include "connector/audiences/audience_terms.h"

namespace connector::audiences {
namespace {

using delivery::CallKind;
using delivery::CallRoute;
using membership::AudienceRow;
using pinterest::Audience;
using pinterest::ErrorClass;

// How long after its call a retirement may still be applied: as long as a lost
// creation is looked for at the most.
constexpr absl::Duration kRetirementUnderWay = absl::Hours(1);

}  // namespace

absl::Duration AccountAudiences::PollInterval(
    const config::DestinationState& destination, const Wanted& wanted,
    absl::Time now) const {
  const config::AudienceSettings& settings = destination.policy.audiences;
  switch (ClassOf(wanted.row->status)) {
    case AudienceClass::kPending:
      return settings.first_poll_interval;
    case AudienceClass::kWaiting:
    case AudienceClass::kUnknown:
      return std::clamp((now - wanted.row->status_time) / 4,
                        settings.first_poll_interval,
                        settings.longest_poll_interval);
    default:
      return settings.longest_poll_interval;
  }
}

void AccountAudiences::TakeStatus(const Wanted& wanted,
                                  const Audience& audience) {
  const absl::Time now = environment_.clock->Now();
  const AudienceRow& before = *wanted.row;
  const bool changed =
      before.status != audience.status || before.size != audience.size;
  // It lives, and a retirement that was under way when it was revived would
  // have shown by now: if it ends later, somebody ended it.
  const bool forget_retirement =
      before.replace_if_ended &&
      now >= before.revive_time + kRetirementUnderWay;
  Change(
      wanted.key,
      [&](AudienceRow& row) {
        // Another one may have taken its place meanwhile.
        if (row.audience_id != audience.id) return;
        row.last_poll_time = now;
        row.size = audience.size;
        SetStatus(audience.status, now, row);
        if (forget_retirement && !Ended(audience)) row.replace_if_ended = false;
        if (row.replace_if_ended && Ended(audience)) {
          row.abandoned_ids.push_back(row.audience_id);
          row.audience_id.clear();
          row.rule.clear();
          row.status.clear();
          row.replace_if_ended = false;
        }
      },
      /*durable=*/changed || forget_retirement);
  if (ClassOf(before.status) != ClassOf(audience.status)) {
    Observe(ClassOf(audience.status) == AudienceClass::kUnknown
                ? AudienceEvent::Kind::kUnknownStatus
                : AudienceEvent::Kind::kStatusChanged,
            audience.id, wanted.name, audience.status);
  }
}

void AccountAudiences::TakeGone(const Wanted& wanted) {
  Audience gone;
  gone.id = wanted.id();
  gone.status = std::string(kGoneStatus);
  TakeStatus(wanted, gone);
}

AccountAudiences::StepResult AccountAudiences::GetOne(
    const CallRoute& route, pinterest::AudienceClient& client,
    const std::vector<Wanted>& wanted, const std::string& id) {
  const absl::Time now = environment_.clock->Now();
  absl::Time retry;
  if (!MayCall(route, CallKind::kRead, &retry)) return {false, retry};
  auto audience = client.Get(ad_account_id_, id);
  Answered(route, CallKind::kRead, audience.call());
  const std::string asked = id;
  if (!audience.ok()) {
    const ErrorClass error_class = audience.error().error_class;
    if (error_class == ErrorClass::kNotFound) {
      to_get_.erase(asked);
      put_aside_.erase(asked);
      seed_statuses_[asked] = std::string(kGoneStatus);
      for (const Wanted& each : wanted) {
        if (each.id() == asked) TakeGone(each);
      }
      return {false, now};
    }
    auto result = Failed(route, CallKind::kRead, audience.error());
    // These say nothing about this audience: it stays the next one.
    if (error_class == ErrorClass::kRateLimited ||
        error_class == ErrorClass::kUnauthorized ||
        error_class == ErrorClass::kSpamBlocked) {
      return *result;
    }
    PutAside(route.destination->policy.audiences, asked);
    if (result.has_value()) return *result;
    seed_statuses_[asked] = "";
    return {false, now};
  }
  put_aside_.erase(asked);
  to_get_.erase(asked);
  seed_statuses_[asked] = audience.value().status;
  for (const Wanted& each : wanted) {
    if (each.id() == asked) TakeStatus(each, audience.value());
  }
  return {false, now};
}

}  // namespace connector::audiences
