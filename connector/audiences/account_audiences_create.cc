#include "connector/audiences/account_audiences.h"
#include "connector/audiences/audience_terms.h"
#include "connector/audiences/declared_rule.h"
#include "connector/base/crash_point.h"

namespace connector::audiences {
namespace {

using delivery::CallKind;
using delivery::CallRoute;
using membership::AudienceRow;
using pinterest::Audience;
using pinterest::ErrorClass;

}  // namespace

AccountAudiences::StepResult AccountAudiences::CreateOne(
    const CallRoute& route, pinterest::AudienceClient& client,
    const Wanted& wanted) {
  const absl::Time now = environment_.clock->Now();
  absl::Time retry;
  if (!MayCall(route, CallKind::kAddition, &retry)) return {false, retry};
  const std::string key = KeyOf(wanted.key);
  creatable_.erase(key);
  // Durable before the request: what is not answered is looked for.
  absl::StatusOr<AudienceRow> noted =
      environment_.audiences->ChangeAudience(wanted.key, [&](AudienceRow& row) {
        row.creation_attempt_time = now;
        row.attempted_rule = wanted.rule;
      });
  if (!noted.ok()) return {false, now + absl::Seconds(10)};
  ReachCrashPoint(CrashPoint::kAudienceCreationNoted);

  pinterest::AudienceDraft draft;
  draft.name = wanted.name;
  draft.description = wanted.description;
  draft.audience_type = wanted.type;
  draft.rule_json = wanted.rule_json;
  draft.created_by_company_name = wanted.company_name;
  const auto& policy = route.destination->config.audience_policy();
  auto answer = policy.has_older_api()
                    ? client.CreateCustom(ad_account_id_, draft,
                                          CustomTerms(policy.older_api()))
                    : client.Create(ad_account_id_, draft);
  Answered(route, CallKind::kAddition, answer.call());
  const absl::Time after = environment_.clock->Now();
  if (!answer.ok()) {
    const pinterest::ApiError& error = answer.error();
    Change(wanted.key, [&](AudienceRow& row) {
      if (!error.outcome_unknown) {
        row.creation_attempt_time = absl::InfinitePast();
        row.attempted_rule.clear();
      }
      row.last_error = error.message;
    });
    if (error.outcome_unknown) {
      lookups_[key].due = after;
    } else if (error.error_class == ErrorClass::kRetryable ||
               error.error_class == ErrorClass::kRateLimited) {
      creatable_.insert(key);
    }
    if (auto result = Failed(route, CallKind::kAddition, error)) return *result;
    return {false, after};
  }
  ReachCrashPoint(CrashPoint::kAudienceCreationAnswered);
  const Audience& made = answer.value();
  Change(wanted.key, [&](AudienceRow& row) {
    row.audience_id = made.id;
    row.rule = wanted.rule;
    row.name = wanted.name;
    row.description = wanted.description;
    row.creation_attempt_time = absl::InfinitePast();
    row.attempted_rule.clear();
    row.size = made.size;
    row.first_seen_time = after;
    row.last_poll_time = after;
    row.last_error.clear();
    row.twins = 0;
    SetStatus(made.status.empty() ? "INITIALIZING" : made.status, after, row);
  });
  lookups_.erase(key);
  Observe(AudienceEvent::Kind::kCreated, made.id, wanted.name, made.status);
  return {false, after};
}

}  // namespace connector::audiences
