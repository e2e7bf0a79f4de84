#include "simulator/audience_rule.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "simulator/paging.h"

namespace simulator {
namespace {

using nlohmann::json;

bool IsIdText(const json& value) {
  return value.is_string() && IsId(value.get_ref<const std::string&>());
}

// One id, or an array of at least one.
bool IsIdOrIds(const json& value) {
  if (!value.is_array()) return IsIdText(value);
  return !value.empty() && std::all_of(value.begin(), value.end(), IsIdText);
}

// An integer, bare or in quotation marks, from `low` to `high`.
bool IsNumberWithin(const json& value, int64_t low, int64_t high) {
  int64_t number;
  if (value.is_number_integer()) {
    number = value.get<int64_t>();
  } else if (!value.is_string() ||
             !absl::SimpleAtoi(value.get_ref<const std::string&>(), &number)) {
    return false;
  }
  return number >= low && number <= high;
}

bool IsOneOf(absl::string_view word,
             std::initializer_list<absl::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// {"=": [...]} or {"in": [...]} of known words.
bool IsFilter(const json& value,
              std::initializer_list<absl::string_view> words) {
  if (!value.is_object() || value.size() != 1) return false;
  if (value.begin().key() != "=" && value.begin().key() != "in") return false;
  const json& list = value.begin().value();
  return list.is_array() && !list.empty() &&
         std::all_of(list.begin(), list.end(), [&](const json& word) {
           return word.is_string() &&
                  IsOneOf(word.get_ref<const std::string&>(), words);
         });
}

// A tag event as rules spell it, or a partner's own: any word.
bool IsEvent(const json& value) {
  if (!value.is_string()) return false;
  const std::string& word = value.get_ref<const std::string&>();
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
}

// {">": 1}
bool IsBound(const json& value) {
  return value.is_object() && value.size() == 1 &&
         IsOneOf(value.begin().key(), {">", ">=", "<", "<=", "="}) &&
         value.begin().value().is_number();
}

// What the field "or" holds: [{"event": "viewcategory", "value": {">": 1}}].
std::string CheckConditions(const json& conditions) {
  if (!conditions.is_array() || conditions.empty()) {
    return "rule.or must be an array of conditions.";
  }
  for (const json& condition : conditions) {
    if (!condition.is_object() || !condition.contains("event") ||
        !IsEvent(condition["event"])) {
      return "rule.or: every condition needs an event.";
    }
    if (condition.contains("value") && !IsBound(condition["value"])) {
      return "rule.or: value must be one comparison with a number.";
    }
  }
  return "";
}

std::string CheckVisitor(const json& rule) {
  if (!rule.contains("visitor_source_id") ||
      !IsIdOrIds(rule["visitor_source_id"])) {
    return "rule.visitor_source_id is required and must be a conversion tag "
           "id.";
  }
  for (const char* days : {"retention_days", "lookback_window"}) {
    if (rule.contains(days) && !IsNumberWithin(rule[days], 1, 540)) {
      return absl::StrCat("rule.", days, " must be from 1 to 540.");
    }
  }
  if (rule.contains("event_source") &&
      !IsFilter(rule["event_source"], {"web", "mobile", "offline"})) {
    return "rule.event_source must filter on web, mobile, offline.";
  }
  for (const char* event : {"event", "event_type"}) {
    if (rule.contains(event) && !IsEvent(rule[event])) {
      return absl::StrCat("rule.", event, " must be an event.");
    }
  }
  if (rule.contains("or")) {
    if (std::string wrong = CheckConditions(rule["or"]); !wrong.empty()) {
      return wrong;
    }
  }
  // The guide's table has another name for event_source than its example.
  if (rule.contains("visitor_source") &&
      !IsFilter(rule["visitor_source"], {"web", "mobile", "offline"})) {
    return "rule.visitor_source must filter on web, mobile, offline.";
  }
  // "api" is in an example of the guide, "conversions_api" in its list.
  if (rule.contains("ingestion_source") &&
      !IsFilter(rule["ingestion_source"],
                {"tag", "mmp", "file_upload", "conversions_api", "api"})) {
    return "rule.ingestion_source must filter on tag, mmp, file_upload, "
           "conversions_api.";
  }
  return "";
}

std::string CheckEngagement(const json& rule) {
  if (rule.contains("engagement_domain")) {
    const json& domains = rule["engagement_domain"];
    if (!domains.is_array() || domains.empty() ||
        !std::all_of(domains.begin(), domains.end(),
                     [](const json& domain) { return domain.is_string(); })) {
      return "rule.engagement_domain must be an array of domains.";
    }
  }
  if (rule.contains("engagement_type")) {
    if (!rule["engagement_type"].is_string()) {
      return "rule.engagement_type must be a string.";
    }
    std::string types = absl::AsciiStrToLower(
        rule["engagement_type"].get_ref<const std::string&>());
    for (absl::string_view type : absl::StrSplit(types, ',')) {
      if (!IsOneOf(absl::StripAsciiWhitespace(type),
                   {"click", "save", "closeup", "comment", "like"})) {
        return "rule.engagement_type must be of click, save, closeup, comment, "
               "like.";
      }
    }
  }
  if (rule.contains("engager_type") &&
      !IsNumberWithin(rule["engager_type"], 1, 2)) {
    return "rule.engager_type must be 1 or 2.";
  }
  if (rule.contains("lookback_window") &&
      !IsNumberWithin(rule["lookback_window"], 1, 540)) {
    return "rule.lookback_window must be from 1 to 540.";
  }
  if (rule.contains("retention_days") &&
      !IsNumberWithin(rule["retention_days"], 1, 540)) {
    return "rule.retention_days must be from 1 to 540.";
  }
  if (rule.empty()) return "rule must not be empty.";
  return "";
}

}  // namespace

std::string CheckAudienceRule(absl::string_view audience_type,
                              const json& rule) {
  if (!rule.is_object()) return "rule is required and must be an object.";
  if (audience_type == "CUSTOMER_LIST") {
    if (!rule.contains("customer_list_id") ||
        !IsIdText(rule["customer_list_id"])) {
      return "rule.customer_list_id is required and must be a customer list "
             "id.";
    }
    return "";
  }
  if (audience_type == "ACTALIKE") {
    if (!rule.contains("seed_id") || !IsIdOrIds(rule["seed_id"])) {
      return "rule.seed_id is required and must be audience ids.";
    }
    if (!rule.contains("country") || !rule["country"].is_string() ||
        rule["country"].get_ref<const std::string&>().size() != 2) {
      return "rule.country is required and must be a country code.";
    }
    if (!rule.contains("percentage") ||
        !IsNumberWithin(rule["percentage"], 1, 10)) {
      return "rule.percentage is required and must be from 1 to 10.";
    }
    return "";
  }
  if (audience_type == "VISITOR") return CheckVisitor(rule);
  return CheckEngagement(rule);
}

}  // namespace simulator
