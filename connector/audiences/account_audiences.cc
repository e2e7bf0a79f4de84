#include "connector/audiences/account_audiences.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/audiences/audience_state.h"
#include "connector/audiences/declared_rule.h"
#include "connector/base/crash_point.h"
#include "connector/config/segment_text.h"
#include "connector/delivery/backoff.h"
#include "connector/delivery/counter_track.h"
#include "connector/delivery/delivery_timing.h"
#include "connector/delivery/list_name.h"

namespace connector::audiences {
namespace {

using config::StoredSegmentText;
using delivery::CallKind;
using delivery::CallRoute;
using membership::AudienceKey;
using membership::AudienceRow;
using pinterest::Audience;
using pinterest::ErrorClass;

// Lists that come up together are looked for together.
constexpr absl::Duration kGather = absl::Seconds(5);

// How long the account is left alone when Pinterest is out of reach or says
// that it may not be used.
constexpr absl::Duration kLongestBackoff = absl::Minutes(5);

// Longest part of a name that is sent.
constexpr size_t kMaxName = 1000;

// Told apart in this account.
std::string KeyOf(const AudienceKey& key) {
  return key.segment != 0 ? absl::StrCat("segment ", key.segment)
                          : absl::StrCat(key.type, " ", key.name);
}

// Ids are numbers that grow; they are compared as such.
bool Older(absl::string_view a, absl::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

bool Ended(const Audience& audience) {
  return ClassOf(audience.status) == AudienceClass::kEnded;
}

std::string UsualName(const membership::SegmentRow& segment,
                      const std::string& list_name) {
  std::string name =
      segment.display_name.empty()
          ? list_name
          : absl::StrCat(segment.display_name, " (", list_name, ")");
  return name.size() <= kMaxName ? name : list_name;
}

std::string UsualDescription(const config::DestinationState& destination,
                             const std::string& list_name) {
  const std::string& shown = destination.config.display_name();
  return StoredSegmentText(
      absl::StrCat("Members of customer list ", list_name,
                   shown.empty() ? "" : absl::StrCat("; destination ", shown)));
}

void SetStatus(const std::string& status, absl::Time now, AudienceRow& row) {
  if (row.status_time == absl::InfinitePast() ||
      ClassOf(row.status) != ClassOf(status)) {
    row.status_time = now;
  }
  row.status = status;
}

}  // namespace

AccountAudiences::AccountAudiences(const KeeperEnvironment& environment,
                                   membership::DestinationNumber destination)
    : environment_(environment), destination_(destination) {}

std::vector<AccountAudiences::Wanted> AccountAudiences::ReadWanted(
    const config::DestinationState& destination) {
  std::vector<Wanted> wanted;
  if (destination.policy.audiences.make_list_audiences) {
    AddSegments(destination, &wanted);
  }
  AddDeclared(destination, &wanted);
  return wanted;
}

void AccountAudiences::AddSegments(const config::DestinationState& destination,
                                   std::vector<Wanted>* wanted) {
  for (const membership::SegmentRow& segment :
       environment_.catalog->Segments(destination_)) {
    const auto list = environment_.ledger->GetList(segment.list);
    if (!list.ok()) continue;
    Wanted audience;
    audience.key.destination = destination_;
    audience.key.segment = segment.number;
    audience.row = environment_.audiences->FindAudience(audience.key);
    // A paused segment gets none; one that is there is followed.
    if (audience.id().empty() &&
        (segment.paused || list->AudienceListId().empty())) {
      continue;
    }
    audience.type = "CUSTOMER_LIST";
    const std::string list_name =
        delivery::ListName(destination.policy.list_name_prefix,
                           segment.segment_namespace, segment.segment_id);
    audience.name = UsualName(segment, list_name);
    audience.description = UsualDescription(destination, list_name);
    if (audience.row.has_value()) {
      const AudienceRow& row = *audience.row;
      if (!row.wanted_name.value_or("").empty()) {
        audience.name = *row.wanted_name;
      }
      if (!row.wanted_description.value_or("").empty()) {
        audience.description = *row.wanted_description;
      }
    }
    audience.rule = list->AudienceListId();
    if (!audience.rule.empty()) audience.rule_json = ListRule(audience.rule);
    wanted->push_back(std::move(audience));
  }
}

void AccountAudiences::AddDeclared(const config::DestinationState& destination,
                                   std::vector<Wanted>* wanted) {
  namespace v1 = audience_sync::v1;
  const v1::AudiencePolicy& policy = destination.config.audience_policy();
  const auto key_of = [&](const v1::DeclaredAudience& declared) {
    AudienceKey key;
    key.destination = destination_;
    key.type = DeclaredType(declared);
    key.name = declared.name();
    return key;
  };
  // The id of an audience of ours that can be used, else empty.
  const auto usable = [&](const AudienceKey& key) -> std::string {
    const auto row = environment_.audiences->FindAudience(key);
    return row.has_value() && ClassOf(row->status) == AudienceClass::kUsable
               ? row->audience_id
               : "";
  };
  for (const v1::DeclaredAudience& declared : policy.declared_audiences()) {
    Wanted audience;
    audience.key = key_of(declared);
    audience.row = environment_.audiences->FindAudience(audience.key);
    audience.type = audience.key.type;
    audience.name = declared.name();
    audience.description = declared.description();
    audience.company_name = declared.created_by_company_name();
    std::string seed;
    if (declared.has_actalike()) {
      const v1::ActalikeRule& rule = declared.actalike();
      if (rule.has_segment()) {
        const auto segment = environment_.catalog->FindSegment(
            destination_, rule.segment().segment_namespace(),
            rule.segment().segment_id());
        if (segment.has_value()) {
          AudienceKey key;
          key.destination = destination_;
          key.segment = segment->number;
          seed = usable(key);
        }
      } else if (rule.seed_case() == v1::ActalikeRule::kDeclaredAudience) {
        for (const v1::DeclaredAudience& other : policy.declared_audiences()) {
          if (other.name() == rule.declared_audience()) {
            seed = usable(key_of(other));
          }
        }
      } else {
        audience.foreign_seed = rule.audience_id();
        const auto status = seed_statuses_.find(rule.audience_id());
        if (status != seed_statuses_.end() &&
            ClassOf(status->second) == AudienceClass::kUsable) {
          seed = rule.audience_id();
        }
      }
    }
    if (!declared.has_actalike() || !seed.empty()) {
      audience.rule = DeclaredRule(declared, destination.ad_account_id, seed);
      audience.rule_json = audience.rule;
    }
    wanted->push_back(std::move(audience));
  }
}

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

absl::Time AccountAudiences::DueTime(
    const config::DestinationState& destination, const Wanted& wanted,
    absl::Time now) {
  const std::string key = KeyOf(wanted.key);
  const bool here = !wanted.id().empty();
  if (here && wanted.row->retirement_confirmed) return absl::InfiniteFuture();
  if (here) {
    if (wanted.row->last_poll_time == absl::InfinitePast()) return now;
    // A clock that was set back must not stop it.
    return std::min(wanted.row->last_poll_time, now) +
           PollInterval(destination, wanted, now);
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
    to_get_.insert(due.begin(), due.end());
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
      creatable_.clear();
      not_before_ = now + kLongestBackoff;
      return StepResult{false, not_before_};
    default:
      return std::nullopt;
  }
}

AccountAudiences::StepResult AccountAudiences::Look(
    const CallRoute& route, pinterest::AudienceClient& client,
    const std::vector<Wanted>& wanted) {
  const absl::Time now = environment_.clock->Now();
  absl::Time retry;
  if (!MayCall(route, CallKind::kRead, &retry)) return {false, retry};
  auto page = client.List(ad_account_id_, scan_->bookmark);
  Answered(route, CallKind::kRead, page.call());
  if (!page.ok()) {
    scan_.reset();
    if (auto result = Failed(route, CallKind::kRead, page.error())) {
      for (const Wanted& audience : wanted) {
        if (!audience.id().empty() ||
            page.error().error_class != ErrorClass::kForbidden ||
            (audience.row.has_value() &&
             audience.row->last_error == page.error().message)) {
          continue;
        }
        Change(audience.key, [&](AudienceRow& row) {
          row.last_error = page.error().message;
        });
      }
      return *result;
    }
    not_before_ = now + kLongestBackoff;
    return {false, not_before_};
  }
  TakePage(wanted, page.value());
  ++scan_->pages;
  if (!page.value().bookmark.empty()) {
    scan_->bookmark = page.value().bookmark;
    return {false, now};
  }
  EndScan(*route.destination, wanted);
  return {false, now};
}

void AccountAudiences::TakePage(const std::vector<Wanted>& wanted,
                                const pinterest::AudiencePage& page) {
  std::map<std::string, const Wanted*> by_id;
  std::map<std::string, const Wanted*> by_list;
  std::map<std::pair<std::string, std::string>, const Wanted*> by_name;
  std::set<std::string> seeds;
  for (const Wanted& audience : wanted) {
    if (!audience.id().empty()) by_id[audience.id()] = &audience;
    if (!audience.foreign_seed.empty()) seeds.insert(audience.foreign_seed);
    if (audience.key.segment == 0) {
      by_name[{audience.type, audience.name}] = &audience;
      continue;
    }
    if (!audience.rule.empty()) by_list[audience.rule] = &audience;
    if (audience.row.has_value() && audience.id().empty() &&
        !audience.row->attempted_rule.empty()) {
      by_list[audience.row->attempted_rule] = &audience;
    }
  }
  for (const Audience& audience : page.items) {
    if (seeds.count(audience.id) > 0) {
      scan_->seed_statuses[audience.id] = audience.status;
    }
    const Wanted* match = nullptr;
    if (auto followed = by_id.find(audience.id); followed != by_id.end()) {
      scan_->seen.insert(audience.id);
      TakeStatus(*followed->second, audience);
    }
    if (audience.audience_type == "CUSTOMER_LIST" ||
        (audience.audience_type.empty() &&
         !audience.customer_list_id.empty())) {
      auto found = by_list.find(audience.customer_list_id);
      if (found != by_list.end()) match = found->second;
    } else {
      auto found = by_name.find({audience.audience_type, audience.name});
      if (found != by_name.end()) {
        const Wanted& named = *found->second;
        if ((!named.rule.empty() &&
             RuleMatches(named.rule, audience.rule_json)) ||
            (named.row.has_value() && !named.row->attempted_rule.empty() &&
             RuleMatches(named.row->attempted_rule, audience.rule_json))) {
          match = &named;
        }
      }
    }
    if (match == nullptr) continue;
    scan_->candidates[KeyOf(match->key)].push_back(audience);
  }
}

void AccountAudiences::EndScan(const config::DestinationState& destination,
                               const std::vector<Wanted>& wanted) {
  const absl::Time now = environment_.clock->Now();
  const std::unique_ptr<Scan> scan = std::move(scan_);
  pages_ = scan->pages;
  for (const auto& [id, status] : scan->seed_statuses) {
    seed_statuses_[id] = status;
  }
  const config::AudienceSettings& settings = destination.policy.audiences;
  for (const Wanted& audience : wanted) {
    const std::string key = KeyOf(audience.key);
    const auto found = scan->candidates.find(key);
    std::vector<Audience> candidates = found == scan->candidates.end()
                                           ? std::vector<Audience>()
                                           : found->second;
    if (audience.row.has_value()) {
      // Also one that was given up on an earlier page of this look.
      const auto& abandoned = audience.row->abandoned_ids;
      candidates.erase(
          std::remove_if(candidates.begin(), candidates.end(),
                         [&](const Audience& each) {
                           return std::find(abandoned.begin(), abandoned.end(),
                                            each.id) != abandoned.end();
                         }),
          candidates.end());
    }
    if (!audience.id().empty()) {
      if (scan->seen.count(audience.id()) == 0) {
        // Not owned any more, or gone: one call tells.
        if (audience.row->first_seen_time <= scan->start &&
            audience.row->status != kGoneStatus) {
          to_get_.insert(audience.id());
        } else {
          Change(
              audience.key, [&](AudienceRow& row) { row.last_poll_time = now; },
              /*durable=*/false);
        }
        continue;
      }
      const auto others = static_cast<int>(std::count_if(
          candidates.begin(), candidates.end(), [&](const Audience& each) {
            return each.id != audience.id() && !Ended(each);
          }));
      if (others != audience.row->twins) {
        Change(audience.key, [&](AudienceRow& row) { row.twins = others; });
        if (others > 0) {
          Observe(AudienceEvent::Kind::kTwinFound, audience.id(), audience.name,
                  absl::StrCat(others, " others have the same rule"));
        }
      }
      continue;
    }
    // One whose seed is somebody else's audience and was not on the pages.
    if (!audience.foreign_seed.empty() &&
        scan->seed_statuses.count(audience.foreign_seed) == 0) {
      to_get_.insert(audience.foreign_seed);
    }
    if (!candidates.empty()) {
      lookups_.erase(key);
      Adopt(audience, candidates);
      continue;
    }
    Lookup& lookup = lookups_[key];
    const absl::Time attempt = audience.row.has_value()
                                   ? audience.row->creation_attempt_time
                                   : absl::InfinitePast();
    const absl::Duration window = destination.policy.creation_lookup_window;
    if (attempt != absl::InfinitePast() && scan->start < attempt + window &&
        scan->start >= attempt - window) {
      // It may have been made and not show yet: another would make two.
      lookup.due =
          std::min(now + std::clamp(window / 10, absl::Milliseconds(100),
                                    absl::Duration(absl::Seconds(30))),
                   std::max(now, attempt + window));
      continue;
    }
    ++lookup.failures;
    absl::Duration interval = settings.first_poll_interval;
    for (int i = 1;
         i < lookup.failures && interval < settings.longest_poll_interval;
         ++i) {
      interval *= 2;
    }
    lookup.due = now + std::min(interval, settings.longest_poll_interval);
    if (audience.retired()) {
      Change(audience.key,
             [](AudienceRow& row) { row.retirement_confirmed = true; });
    } else if (!audience.rule.empty()) {
      creatable_.insert(key);
    }
  }
}

void AccountAudiences::Adopt(const Wanted& wanted,
                             const std::vector<Audience>& candidates) {
  const absl::Time now = environment_.clock->Now();
  // Of those that live the oldest, so that every look finds the same one.
  const Audience* best = &candidates[0];
  int living = 0;
  for (const Audience& each : candidates) {
    if (!Ended(each)) ++living;
    if (Ended(each) != Ended(*best) ? !Ended(each) : Older(each.id, best->id)) {
      best = &each;
    }
  }
  Change(wanted.key, [&](AudienceRow& row) {
    row.audience_id = best->id;
    row.rule =
        wanted.key.segment != 0 ? best->customer_list_id
        : !wanted.rule.empty() && RuleMatches(wanted.rule, best->rule_json)
            ? wanted.rule
            : row.attempted_rule;
    row.name = StoredSegmentText(best->name);
    row.description = StoredSegmentText(best->description);
    row.creation_attempt_time = absl::InfinitePast();
    row.attempted_rule.clear();
    row.size = best->size;
    row.first_seen_time = now;
    row.last_poll_time = now;
    row.last_error.clear();
    row.twins = std::max(0, living - 1);
    SetStatus(best->status, now, row);
  });
  Observe(AudienceEvent::Kind::kFound, best->id, wanted.name,
          absl::StrCat("found by its rule; ", best->status));
  if (living > 1) {
    Observe(AudienceEvent::Kind::kTwinFound, best->id, wanted.name,
            absl::StrCat(living - 1, " others have the same rule"));
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
    if (auto result = Failed(route, CallKind::kAddition, error)) return result;
    // It may be refused again and again, as while it is being processed.
    Lookup& refused = changes_[key];
    const auto& settings = route.destination->policy.audiences;
    absl::Duration interval = settings.first_poll_interval;
    for (int i = 0;
         i < refused.failures && interval < settings.longest_poll_interval;
         ++i) {
      interval *= 2;
    }
    ++refused.failures;
    refused.due = now + std::min(interval, settings.longest_poll_interval);
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

AccountAudiences::StepResult AccountAudiences::ReadCounters(
    const CallRoute& route) {
  const absl::Time now = environment_.clock->Now();
  // The lists that are watched, by their ids.
  std::map<std::string, membership::ListNumber> lists;
  for (const auto& segment : environment_.catalog->Segments(destination_)) {
    const auto row = environment_.counters->FindCounters(segment.list);
    if (!segment.paused && row.has_value() && !row->customer_list_id.empty()) {
      lists[row->customer_list_id] = segment.list;
    }
  }
  const auto again = [&] {
    counters_bookmark_.clear();
    counters_due_ =
        now + route.destination->policy.audiences.longest_poll_interval;
    return StepResult{false, now};
  };
  if (lists.empty()) return again();
  absl::Time retry;
  if (!MayCall(route, CallKind::kRead, &retry)) return {false, retry};
  auto page =
      route.credential->client().List(ad_account_id_, counters_bookmark_);
  Answered(route, CallKind::kRead, page.call());
  if (!page.ok()) {
    (void)again();
    if (auto result = Failed(route, CallKind::kRead, page.error())) {
      return *result;
    }
    return {false, now};
  }
  for (const pinterest::CustomerList& told : page.value().items) {
    const auto list = lists.find(told.id);
    if (list == lists.end()) continue;
    membership::ListCounters before;
    membership::ListCounters after;
    const absl::Status changed = environment_.counters->ChangeCounters(
        list->second, [&](membership::ListCounterRow& row) {
          before = row.foreign;
          delivery::CountRead(told, now, row);
          after = row.foreign;
        });
    if (changed.ok() && (after.uploaded != before.uploaded ||
                         after.removed != before.removed)) {
      Observe(AudienceEvent::Kind::kForeignWrites, "", "",
              absl::StrCat("somebody else writes to customer list ", told.id));
    }
  }
  if (page.value().bookmark.empty() ||
      page.value().bookmark == counters_bookmark_) {
    return again();
  }
  counters_bookmark_ = page.value().bookmark;
  return {false, now};
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
