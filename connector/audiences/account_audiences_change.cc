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

std::optional<AccountAudiences::StepResult> AccountAudiences::ChangeOne(
    const CallRoute& route, pinterest::AudienceClient& client,
    const Wanted& wanted) {
  const AudienceRow& row = *wanted.row;
  pinterest::AudienceChange change;
  if (row.retired) {
    if (row.retirement_confirmed) return std::nullopt;
    change.remove = true;
  } else if (row.status == kGoneStatus) {
    return std::nullopt;
  } else {
    const bool declared = wanted.key.segment == 0;
    // What somebody named by hand keeps its name unless another is asked for.
    if (row.wanted_name.has_value() && row.name != wanted.name) {
      change.name = wanted.name;
    }
    if ((declared || row.wanted_description.has_value()) &&
        row.description != wanted.description) {
      change.description = wanted.description;
    }
    if (!wanted.rule.empty() && row.rule != wanted.rule) {
      change.rule_json = wanted.rule_json;
    }
    if (!change.name.has_value() && !change.description.has_value() &&
        !change.rule_json.has_value()) {
      return std::nullopt;
    }
  }
  const absl::Time now = environment_.clock->Now();
  absl::Time retry;
  if (!MayCall(route, CallKind::kAddition, &retry)) {
    return StepResult{false, retry};
  }
  auto answer = client.Update(ad_account_id_, row.audience_id, change);
  Answered(route, CallKind::kAddition, answer.call());
  const std::string key = KeyOf(wanted.key);
  if (!answer.ok()) {
    const pinterest::ApiError& error = answer.error();
    if (error.error_class == ErrorClass::kNotFound) {
      if (row.retired) {
        Change(wanted.key,
               [](AudienceRow& stored) { stored.retirement_confirmed = true; });
      }
      TakeGone(wanted);
      return StepResult{false, now};
    }
    Change(wanted.key,
           [&](AudienceRow& stored) { stored.last_error = error.message; });
    if (error.error_class != ErrorClass::kRateLimited &&
        error.error_class != ErrorClass::kUnauthorized &&
        error.error_class != ErrorClass::kSpamBlocked) {
      // It may be refused again and again, as while it is being processed, and
      // the others must not wait for it.
      Lookup& refused = changes_[key];
      refused.due = now + RetryInterval(route.destination->policy.audiences,
                                        ++refused.failures);
    }
    if (auto result = Failed(route, CallKind::kAddition, error)) return result;
    return StepResult{false, now};
  }
  changes_.erase(key);
  const absl::Time after = environment_.clock->Now();
  const Audience& changed = answer.value();
  Change(wanted.key, [&](AudienceRow& stored) {
    if (stored.audience_id != row.audience_id) return;
    if (change.remove) stored.retirement_confirmed = stored.retired;
    if (change.name.has_value()) stored.name = *change.name;
    if (change.description.has_value()) {
      stored.description = *change.description;
    }
    if (change.rule_json.has_value()) stored.rule = wanted.rule;
    stored.last_error.clear();
    stored.last_poll_time = after;
    stored.size = changed.size;
    if (!changed.status.empty()) SetStatus(changed.status, after, stored);
  });
  Observe(change.remove ? AudienceEvent::Kind::kRetired
                        : AudienceEvent::Kind::kChanged,
          row.audience_id, wanted.name, changed.status);
  return StepResult{false, after};
}

}  // namespace connector::audiences
