#include "connector/config/audience_config.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "connector/base/limits.h"

namespace connector::config {
namespace {

namespace v1 = audience_sync::v1;

// A lookback window or retention, in days: Pinterest's guide.
constexpr int kMostDays = 540;

std::string Path(absl::string_view field, absl::string_view rest) {
  return absl::StrCat(field, ".", rest);
}

std::string Element(absl::string_view field, int index) {
  return absl::StrCat(field, "[", index, "]");
}

// Text for people that Pinterest shows: an address does not belong there.
void CheckShownText(absl::string_view text, size_t max_bytes,
                    const std::string& field, FieldCheck* check) {
  check->Text(field, text, max_bytes);
  if (absl::StrContains(text, '@')) check->Add(field, "must not contain '@'");
}

bool IsId(absl::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// The unset number is 0.
void CheckDays(int days, const std::string& field, FieldCheck* check) {
  if (days != 0) check->Range(field, days, 1, kMostDays);
}

void CheckActalike(const v1::ActalikeRule& rule, const std::string& field,
                   FieldCheck* check) {
  switch (rule.seed_case()) {
    case v1::ActalikeRule::kSegment: {
      const std::string segment = Path(field, "segment");
      CheckShownText(rule.segment().segment_namespace(),
                     limits::kMaxSegmentNamespaceBytes,
                     Path(segment, "segment_namespace"), check);
      CheckShownText(rule.segment().segment_id(), limits::kMaxSegmentIdBytes,
                     Path(segment, "segment_id"), check);
      if (rule.segment().segment_namespace().empty()) {
        check->Add(Path(segment, "segment_namespace"), "must not be empty");
      }
      if (rule.segment().segment_id().empty()) {
        check->Add(Path(segment, "segment_id"), "must not be empty");
      }
      break;
    }
    case v1::ActalikeRule::kAudienceId:
      if (!IsId(rule.audience_id())) {
        check->Add(Path(field, "audience_id"), "must be 1 to 18 digits");
      }
      break;
    case v1::ActalikeRule::kDeclaredAudience:
      // Whether it is there is looked at with all of them.
      break;
    case v1::ActalikeRule::SEED_NOT_SET:
      check->Add(field,
                 "must have a seed: segment, audience_id or "
                 "declared_audience");
      break;
  }
  const std::string& country = rule.country();
  if (country.size() != 2 ||
      !std::all_of(country.begin(), country.end(), absl::ascii_isupper)) {
    check->Add(Path(field, "country"),
               "must be a country code of two capital letters");
  }
  check->Range(Path(field, "percentage"), rule.percentage(), 1, 10);
}

void CheckEngagement(const v1::EngagementRule& rule, const std::string& field,
                     FieldCheck* check) {
  std::set<int> types;
  for (int i = 0; i < rule.engagement_types_size(); ++i) {
    const std::string type = Element(Path(field, "engagement_types"), i);
    const int value = rule.engagement_types(i);
    if (value == v1::ENGAGEMENT_TYPE_UNSPECIFIED ||
        !v1::EngagementType_IsValid(value)) {
      check->Add(type, "must be CLICK, SAVE, CLOSEUP, COMMENT or LIKE");
    } else if (!types.insert(value).second) {
      check->Add(type, "is named twice");
    }
  }
  CheckDays(rule.lookback_window(), Path(field, "lookback_window"), check);
  CheckDays(rule.retention_days(), Path(field, "retention_days"), check);
  const std::string domains = Path(field, "engagement_domains");
  if (rule.engagement_domains_size() > limits::kMaxEngagementDomains) {
    check->Add(domains,
               absl::StrCat("must be at most ", limits::kMaxEngagementDomains));
  }
  for (int i = 0; i < rule.engagement_domains_size(); ++i) {
    CheckShownText(rule.engagement_domains(i), limits::kMaxDomainBytes,
                   Element(domains, i), check);
    if (rule.engagement_domains(i).empty()) {
      check->Add(Element(domains, i), "must not be empty");
    }
  }
  if (rule.engager_type() != 0) {
    check->Range(Path(field, "engager_type"), rule.engager_type(), 1, 2);
  }
  if (rule.ByteSizeLong() == 0) {
    check->Add(field, "must say something about the engagement");
  }
}

void CheckFilter(bool is_set, const v1::SourceFilter& filter,
                 std::initializer_list<absl::string_view> words,
                 const std::string& field, FieldCheck* check) {
  if (!is_set) return;
  if (!v1::FilterOperator_IsValid(filter.filter_operator())) {
    check->Add(Path(field, "filter_operator"), "must be EQUALS or IN");
  }
  const std::string values = Path(field, "values");
  if (filter.values().empty()) check->Add(values, "must not be empty");
  std::set<std::string> seen;
  for (int i = 0; i < filter.values_size(); ++i) {
    const std::string& value = filter.values(i);
    if (std::find(words.begin(), words.end(), value) == words.end()) {
      check->Add(Element(values, i),
                 absl::StrCat("must be one of ", absl::StrJoin(words, ", ")));
    } else if (!seen.insert(value).second) {
      check->Add(Element(values, i), "is named twice");
    }
    if (seen.size() == words.size()) break;
  }
}

void CheckVisitor(const v1::VisitorRule& rule, const std::string& field,
                  FieldCheck* check) {
  if (!IsId(rule.visitor_source_id())) {
    check->Add(Path(field, "visitor_source_id"),
               "must be the ID of a Pinterest tag: 1 to 18 digits");
  }
  if (!v1::VisitorEvent_IsValid(rule.event_type())) {
    check->Add(Path(field, "event_type"), "must be an event that is known");
  }
  CheckDays(rule.lookback_window(), Path(field, "lookback_window"), check);
  CheckDays(rule.retention_days(), Path(field, "retention_days"), check);
  CheckFilter(rule.has_event_source(), rule.event_source(),
              {"web", "mobile", "offline"}, Path(field, "event_source"), check);
  CheckFilter(rule.has_ingestion_source(), rule.ingestion_source(),
              {"tag", "mmp", "file_upload", "conversions_api"},
              Path(field, "ingestion_source"), check);
  const std::string any_of = Path(field, "any_of");
  if (rule.any_of_size() > limits::kMaxVisitorConditions) {
    check->Add(any_of,
               absl::StrCat("must be at most ", limits::kMaxVisitorConditions));
    return;
  }
  for (int i = 0; i < rule.any_of_size(); ++i) {
    const v1::VisitorCondition& condition = rule.any_of(i);
    const std::string at = Element(any_of, i);
    if (condition.event() == v1::VISITOR_EVENT_UNSPECIFIED ||
        !v1::VisitorEvent_IsValid(condition.event())) {
      check->Add(Path(at, "event"), "must be an event that is known");
    }
    if (!condition.has_value()) continue;
    const std::string value = Path(at, "value");
    if (condition.value().comparison() == v1::VALUE_COMPARISON_UNSPECIFIED ||
        !v1::ValueComparison_IsValid(condition.value().comparison())) {
      check->Add(Path(value, "comparison"), "must be set");
    }
    if (condition.value().number() < 0) {
      check->Add(Path(value, "number"), "must not be negative");
    }
  }
}

void CheckDeclared(const v1::DeclaredAudience& audience,
                   const std::string& field, FieldCheck* check) {
  CheckShownText(audience.name(), limits::kMaxAudienceNameBytes,
                 Path(field, "name"), check);
  if (audience.name().empty()) {
    check->Add(Path(field, "name"), "must not be empty");
  }
  CheckShownText(audience.description(), limits::kMaxDescriptionBytes,
                 Path(field, "description"), check);
  CheckShownText(audience.created_by_company_name(),
                 limits::kMaxDisplayNameBytes,
                 Path(field, "created_by_company_name"), check);
  switch (audience.rule_case()) {
    case v1::DeclaredAudience::kActalike:
      CheckActalike(audience.actalike(), Path(field, "actalike"), check);
      break;
    case v1::DeclaredAudience::kEngagement:
      CheckEngagement(audience.engagement(), Path(field, "engagement"), check);
      break;
    case v1::DeclaredAudience::kVisitor:
      CheckVisitor(audience.visitor(), Path(field, "visitor"), check);
      break;
    case v1::DeclaredAudience::kPersona:
      check->Add(Path(field, "persona"),
                 "cannot be made through Pinterest's API: ask the account "
                 "manager at Pinterest for a persona audience; once it is "
                 "there it needs no declaration");
      break;
    case v1::DeclaredAudience::kOpen:
      check->Add(Path(field, "open"),
                 "is no audience to be made: leave AUDIENCE_INCLUDE out of the "
                 "ad group's targeting, and it reaches everybody");
      break;
    case v1::DeclaredAudience::RULE_NOT_SET:
      check->Add(field, "must have a rule: actalike, engagement or visitor");
      break;
  }
}

// What concerns several of them: names, and seeds among them.
void CheckTogether(const v1::AudiencePolicy& policy, const std::string& field,
                   FieldCheck* check) {
  std::set<std::string> names;
  std::set<std::string> seeds;
  for (int i = 0; i < policy.declared_audiences_size(); ++i) {
    const v1::DeclaredAudience& audience = policy.declared_audiences(i);
    if (!names.insert(audience.name()).second) {
      check->Add(Path(Element(field, i), "name"),
                 "is the name of another declared audience");
    }
    if (audience.has_engagement() || audience.has_visitor()) {
      seeds.insert(audience.name());
    }
  }
  for (int i = 0; i < policy.declared_audiences_size(); ++i) {
    const v1::ActalikeRule& rule = policy.declared_audiences(i).actalike();
    if (rule.seed_case() != v1::ActalikeRule::kDeclaredAudience) continue;
    if (seeds.count(rule.declared_audience()) == 0) {
      check->Add(Path(Element(field, i), "actalike.declared_audience"),
                 "must be the name of a declared ENGAGEMENT or VISITOR "
                 "audience");
    }
  }
}

absl::Duration ReadInterval(bool is_set,
                            const google::protobuf::Duration& value,
                            absl::Duration unset, absl::Duration most,
                            const std::string& field, FieldCheck* check) {
  if (!is_set) return unset;
  const absl::Duration interval =
      absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
  if (value.nanos() < 0 || value.nanos() >= 1'000'000'000 ||
      interval < limits::kMinPollInterval || interval > most) {
    check->Add(
        field,
        absl::StrCat("must be ", absl::FormatDuration(limits::kMinPollInterval),
                     " to ", absl::FormatDuration(most)));
  }
  return interval;
}

}  // namespace

AudienceSettings ReadAudiencePolicy(const v1::AudiencePolicy& policy,
                                    absl::string_view field,
                                    FieldCheck* check) {
  AudienceSettings settings;
  settings.make_list_audiences = !policy.no_customer_list_audiences();
  settings.longest_poll_interval = ReadInterval(
      policy.has_longest_poll_interval(), policy.longest_poll_interval(),
      limits::kDefaultLongestPollInterval, limits::kMaxPollInterval,
      Path(field, "longest_poll_interval"), check);
  settings.first_poll_interval = ReadInterval(
      policy.has_first_poll_interval(), policy.first_poll_interval(),
      std::min(limits::kDefaultFirstPollInterval,
               settings.longest_poll_interval),
      settings.longest_poll_interval, Path(field, "first_poll_interval"),
      check);
  if (policy.has_older_api()) {
    const std::string older = Path(field, "older_api");
    const v1::OlderAudienceApi& api = policy.older_api();
    if (api.sharing_type() != v1::AUDIENCE_SHARING_TYPE_CUSTOM &&
        api.sharing_type() != v1::AUDIENCE_SHARING_TYPE_SYNDICATED) {
      check->Add(Path(older, "sharing_type"), "must be CUSTOM or SYNDICATED");
    }
    if (api.data_party() != v1::AUDIENCE_DATA_PARTY_FIRST &&
        api.data_party() != v1::AUDIENCE_DATA_PARTY_THIRD) {
      check->Add(Path(older, "data_party"), "must be FIRST or THIRD");
    }
    CheckShownText(api.category(), limits::kMaxCategoryBytes,
                   Path(older, "category"), check);
  }
  const std::string declared = Path(field, "declared_audiences");
  if (policy.declared_audiences_size() > limits::kMaxDeclaredAudiences) {
    check->Add(declared,
               absl::StrCat("must be at most ", limits::kMaxDeclaredAudiences));
    return settings;
  }
  for (int i = 0; i < policy.declared_audiences_size(); ++i) {
    CheckDeclared(policy.declared_audiences(i), Element(declared, i), check);
  }
  CheckTogether(policy, declared, check);
  return settings;
}

}  // namespace connector::config
