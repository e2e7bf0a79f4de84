#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/audiences/account_audiences.h"
#include "connector/audiences/audience_state.h"
#include "connector/audiences/audience_terms.h"
#include "connector/audiences/declared_rule.h"
#include "connector/config/segment_text.h"

namespace connector::audiences {
namespace {

using config::StoredSegmentText;
using delivery::CallKind;
using delivery::CallRoute;
using membership::AudienceRow;
using pinterest::Audience;
using pinterest::ErrorClass;

// Ids are numbers that grow; they are compared as such.
bool Older(absl::string_view a, absl::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

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
          AskFor(audience.id());
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
      AskFor(audience.foreign_seed);
    }
    EndLookFor(destination, audience, *scan, std::move(candidates));
  }
}

void AccountAudiences::EndLookFor(const config::DestinationState& destination,
                                  const Wanted& wanted, const Scan& scan,
                                  std::vector<Audience> candidates) {
  const absl::Time now = environment_.clock->Now();
  const std::string key = KeyOf(wanted.key);
  Abandon(wanted, &candidates);
  if (!candidates.empty()) {
    lookups_.erase(key);
    Adopt(wanted, candidates);
    return;
  }
  Lookup& lookup = lookups_[key];
  // The look was for others; a creation that was refused is not asked for
  // again with each of them.
  if (lookup.due > now && !wanted.retired()) return;
  const absl::Time attempt = wanted.row.has_value()
                                 ? wanted.row->creation_attempt_time
                                 : absl::InfinitePast();
  const absl::Duration window = destination.policy.creation_lookup_window;
  if (attempt != absl::InfinitePast() && scan.start < attempt + window &&
      scan.start >= attempt - window) {
    // It may have been made and not show yet: another would make two.
    lookup.due = std::min(now + std::clamp(window / 10, absl::Milliseconds(100),
                                           absl::Duration(absl::Seconds(30))),
                          std::max(now, attempt + window));
    return;
  }
  lookup.due =
      now + RetryInterval(destination.policy.audiences, ++lookup.failures);
  if (wanted.retired()) {
    Change(wanted.key,
           [](AudienceRow& row) { row.retirement_confirmed = true; });
  } else if (!wanted.rule.empty()) {
    creatable_.insert(key);
  }
}

void AccountAudiences::Abandon(const Wanted& wanted,
                               std::vector<Audience>* candidates) {
  const auto living =
      std::stable_partition(candidates->begin(), candidates->end(),
                            [](const Audience& each) { return !Ended(each); });
  if (living == candidates->end()) return;
  Change(wanted.key, [&](AudienceRow& row) {
    for (auto it = living; it != candidates->end(); ++it) {
      row.abandoned_ids.push_back(it->id);
    }
  });
  for (auto it = living; it != candidates->end(); ++it) {
    Observe(AudienceEvent::Kind::kStatusChanged, it->id, wanted.name,
            absl::StrCat("passed over: ", it->status));
  }
  candidates->erase(living, candidates->end());
}

void AccountAudiences::Adopt(const Wanted& wanted,
                             const std::vector<Audience>& candidates) {
  const absl::Time now = environment_.clock->Now();
  // The oldest, so that every look finds the same one.
  const Audience* best = &candidates[0];
  for (const Audience& each : candidates) {
    if (Older(each.id, best->id)) best = &each;
  }
  const auto living = static_cast<int>(candidates.size());
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
    row.twins = living - 1;
    SetStatus(best->status, now, row);
  });
  Observe(AudienceEvent::Kind::kFound, best->id, wanted.name,
          absl::StrCat("found by its rule; ", best->status));
  if (living > 1) {
    Observe(AudienceEvent::Kind::kTwinFound, best->id, wanted.name,
            absl::StrCat(living - 1, " others have the same rule"));
  }
}

}  // namespace connector::audiences
