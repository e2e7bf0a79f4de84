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
  const AudienceRow after = Change(
      wanted.key,
      [&](AudienceRow& row) {
        // Another one may have taken its place meanwhile.
        if (row.audience_id != audience.id) return;
        row.last_poll_time = now;
        row.size = audience.size;
        SetStatus(audience.status, now, row);
        if (row.replace_if_ended && Ended(audience)) {
          row.abandoned_ids.push_back(row.audience_id);
          row.audience_id.clear();
          row.rule.clear();
          row.status.clear();
          row.replace_if_ended = false;
        }
      },
      /*durable=*/changed);
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
    const bool gone = audience.error().error_class == ErrorClass::kNotFound;
    if (!gone) {
      if (auto result = Failed(route, CallKind::kRead, audience.error())) {
        return *result;
      }
      not_before_ = now + kLongestBackoff;
    }
    to_get_.erase(asked);
    seed_statuses_[asked] = gone ? std::string(kGoneStatus) : "";
    for (const Wanted& each : wanted) {
      if (gone && each.id() == asked) TakeGone(each);
    }
    return {false, now};
  }
  to_get_.erase(asked);
  seed_statuses_[asked] = audience.value().status;
  for (const Wanted& each : wanted) {
    if (each.id() == asked) TakeStatus(each, audience.value());
  }
  return {false, now};
}

}  // namespace connector::audiences
