#include "connector/audiences/declared_rule.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"

namespace connector::audiences {
namespace {

namespace v1 = audience_sync::v1;
using nlohmann::json;

// "VISITOR_EVENT_PAGE_VISIT" as "PAGE_VISIT".
std::string Word(const std::string& name, absl::string_view prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

std::string EventType(v1::VisitorEvent event) {
  return Word(v1::VisitorEvent_Name(event), "VISITOR_EVENT_");
}

// "pagevisit".
std::string TagEvent(v1::VisitorEvent event) {
  return absl::AsciiStrToLower(
      absl::StrReplaceAll(EventType(event), {{"_", ""}}));
}

const char* Symbol(v1::ValueComparison comparison) {
  switch (comparison) {
    case v1::VALUE_COMPARISON_GREATER_OR_EQUAL:
      return ">=";
    case v1::VALUE_COMPARISON_LESS:
      return "<";
    case v1::VALUE_COMPARISON_LESS_OR_EQUAL:
      return "<=";
    case v1::VALUE_COMPARISON_EQUAL:
      return "=";
    default:
      return ">";
  }
}

json Filter(const v1::SourceFilter& filter) {
  json values = json::array();
  for (const std::string& value : filter.values()) values.push_back(value);
  const char* symbol =
      filter.filter_operator() == v1::FILTER_OPERATOR_IN ? "in" : "=";
  json out;
  out[symbol] = std::move(values);
  return out;
}

json Actalike(const v1::ActalikeRule& rule, absl::string_view seed_id) {
  json out;
  out["seed_id"] = json::array({std::string(seed_id)});
  out["country"] = rule.country();
  out["percentage"] = rule.percentage();
  return out;
}

json Engagement(const v1::EngagementRule& rule) {
  json out = json::object();
  if (rule.engagement_types_size() > 0) {
    out["engagement_type"] = absl::StrJoin(
        rule.engagement_types(), ",", [](std::string* text, int type) {
          text->append(Word(
              v1::EngagementType_Name(static_cast<v1::EngagementType>(type)),
              "ENGAGEMENT_TYPE_"));
        });
  }
  if (rule.lookback_window() != 0) {
    out["lookback_window"] = rule.lookback_window();
  }
  if (rule.retention_days() != 0) out["retention_days"] = rule.retention_days();
  for (const std::string& domain : rule.engagement_domains()) {
    out["engagement_domain"].push_back(domain);
  }
  if (rule.engager_type() != 0) out["engager_type"] = rule.engager_type();
  return out;
}

json Visitor(const v1::VisitorRule& rule, absl::string_view ad_account_id) {
  json out;
  out["visitor_source_id"] = rule.visitor_source_id();
  if (rule.event_type() != v1::VISITOR_EVENT_UNSPECIFIED) {
    out["event_type"] = EventType(rule.event_type());
  }
  if (rule.lookback_window() != 0) {
    out["lookback_window"] = rule.lookback_window();
  }
  if (rule.retention_days() != 0) out["retention_days"] = rule.retention_days();
  if (rule.has_event_source()) {
    out["event_source"] = Filter(rule.event_source());
  }
  if (rule.has_ingestion_source()) {
    out["ingestion_source"] = Filter(rule.ingestion_source());
  }
  for (const v1::VisitorCondition& condition : rule.any_of()) {
    json event;
    event["event"] = TagEvent(condition.event());
    if (condition.has_value()) {
      event["value"][Symbol(condition.value().comparison())] =
          condition.value().number();
    }
    out["or"].push_back(std::move(event));
  }
  if (rule.with_advertiser_id()) {
    out["advertiser_id"] = std::string(ad_account_id);
  }
  return out;
}

std::string Plain(const json& value) {
  if (!value.is_string()) return value.dump();
  return absl::AsciiStrToLower(value.get_ref<const std::string&>());
}

bool Matches(const json& sent, const json& found) {
  if (sent.is_object()) {
    if (!found.is_object()) return false;
    for (const auto& [key, value] : sent.items()) {
      const auto at = found.find(key);
      if (at == found.end() || !Matches(value, *at)) return false;
    }
    return true;
  }
  if (sent.is_array() && found.is_array()) {
    if (sent.size() != found.size()) return false;
    // The order means nothing.
    return std::all_of(sent.begin(), sent.end(), [&](const json& one) {
      return std::any_of(found.begin(), found.end(), [&](const json& other) {
        return Matches(one, other);
      });
    });
  }
  if (sent.is_array()) return sent.size() == 1 && Matches(sent[0], found);
  if (found.is_array()) return found.size() == 1 && Matches(sent, found[0]);
  if (found.is_object()) return false;
  return Plain(sent) == Plain(found);
}

}  // namespace

std::string DeclaredType(const v1::DeclaredAudience& audience) {
  if (audience.has_actalike()) return "ACTALIKE";
  return audience.has_engagement() ? "ENGAGEMENT" : "VISITOR";
}

std::string DeclaredRule(const v1::DeclaredAudience& audience,
                         absl::string_view ad_account_id,
                         absl::string_view seed_id) {
  if (audience.has_actalike()) {
    return Actalike(audience.actalike(), seed_id).dump();
  }
  if (audience.has_engagement()) {
    return Engagement(audience.engagement()).dump();
  }
  return Visitor(audience.visitor(), ad_account_id).dump();
}

pinterest::AudienceDraft DeclaredDraft(const v1::DeclaredAudience& audience,
                                       absl::string_view ad_account_id,
                                       absl::string_view seed_id) {
  pinterest::AudienceDraft draft;
  draft.name = audience.name();
  draft.description = audience.description();
  draft.audience_type = DeclaredType(audience);
  draft.rule_json = DeclaredRule(audience, ad_account_id, seed_id);
  draft.created_by_company_name = audience.created_by_company_name();
  return draft;
}

std::string ListRule(absl::string_view customer_list_id) {
  json rule;
  rule["customer_list_id"] = std::string(customer_list_id);
  return rule.dump();
}

pinterest::CustomAudienceTerms CustomTerms(const v1::OlderAudienceApi& api) {
  pinterest::CustomAudienceTerms terms;
  terms.sharing_type =
      api.sharing_type() == v1::AUDIENCE_SHARING_TYPE_SYNDICATED ? "SYNDICATED"
                                                                 : "CUSTOM";
  terms.data_party =
      api.data_party() == v1::AUDIENCE_DATA_PARTY_THIRD ? "3p" : "1p";
  terms.category = api.category();
  return terms;
}

bool RuleMatches(absl::string_view sent, absl::string_view found) {
  const json a = json::parse(sent.begin(), sent.end(), nullptr, false);
  const json b = json::parse(found.begin(), found.end(), nullptr, false);
  return a.is_object() && b.is_object() && Matches(a, b);
}

}  // namespace connector::audiences
