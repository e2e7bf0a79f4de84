#include "connector/pinterest/audience_body.h"

#include <algorithm>
#include <array>

#include "connector/pinterest/utf8.h"
#include "nlohmann/json.hpp"

namespace connector::pinterest {
namespace {

using nlohmann::json;

constexpr size_t kMaxName = 1024;
constexpr size_t kMaxDescription = 4096;

absl::Status Wrong(absl::string_view why) {
  return absl::InvalidArgumentError(why);
}

absl::Status CheckName(absl::string_view name) {
  if (!name.empty() && name.size() <= kMaxName && IsPlainUtf8(name)) {
    return absl::OkStatus();
  }
  return Wrong(
      "the audience name must be 1 to 1024 bytes of UTF-8 without control "
      "characters");
}

absl::Status CheckDescription(absl::string_view text) {
  if (text.size() <= kMaxDescription && IsPlainUtf8(text)) {
    return absl::OkStatus();
  }
  return Wrong(
      "the audience description must be at most 4096 bytes of UTF-8 without "
      "control characters");
}

absl::StatusOr<json> Rule(const std::string& text) {
  json rule = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (rule.is_object() && !rule.empty()) return rule;
  return Wrong("the audience rule must be a JSON object");
}

std::string Text(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The fields that both calls to create have.
absl::StatusOr<json> Common(const AudienceDraft& draft) {
  if (absl::Status s = CheckName(draft.name); !s.ok()) return s;
  absl::StatusOr<json> rule = Rule(draft.rule_json);
  if (!rule.ok()) return rule.status();
  json body;
  body["name"] = draft.name;
  body["rule"] = *std::move(rule);
  return body;
}

}  // namespace

absl::StatusOr<std::string> BuildAudienceBody(absl::string_view ad_account_id,
                                              const AudienceDraft& draft) {
  constexpr std::array<absl::string_view, 4> kTypes = {
      "CUSTOMER_LIST", "ACTALIKE", "VISITOR", "ENGAGEMENT"};
  if (std::find(kTypes.begin(), kTypes.end(), draft.audience_type) ==
      kTypes.end()) {
    return Wrong("the audience type cannot be created");
  }
  absl::StatusOr<json> body = Common(draft);
  if (!body.ok()) return body.status();
  (*body)["audience_type"] = draft.audience_type;
  if (draft.audience_type == "CUSTOMER_LIST") {
    (*body)["ad_account_id"] = std::string(ad_account_id);
  }
  if (absl::Status s = CheckDescription(draft.description); !s.ok()) return s;
  if (!draft.description.empty()) (*body)["description"] = draft.description;
  if (!draft.created_by_company_name.empty()) {
    (*body)["created_by_company_name"] = draft.created_by_company_name;
  }
  return Text(*body);
}

absl::StatusOr<std::string> BuildCustomAudienceBody(
    absl::string_view ad_account_id, const AudienceDraft& draft,
    const CustomAudienceTerms& terms) {
  if (terms.sharing_type != "CUSTOM" && terms.sharing_type != "SYNDICATED") {
    return Wrong("the sharing type must be CUSTOM or SYNDICATED");
  }
  if (terms.data_party != "1p" && terms.data_party != "3p") {
    return Wrong("the data party must be 1p or 3p");
  }
  absl::StatusOr<json> body = Common(draft);
  if (!body.ok()) return body.status();
  (*body)["ad_account_id"] = std::string(ad_account_id);
  (*body)["sharing_type"] = terms.sharing_type;
  (*body)["data_party"] = terms.data_party;
  if (!terms.category.empty()) (*body)["category"] = terms.category;
  return Text(*body);
}

absl::StatusOr<std::string> BuildAudienceChangeBody(
    const AudienceChange& change) {
  json body = json::object();
  if (change.name.has_value()) {
    if (absl::Status s = CheckName(*change.name); !s.ok()) return s;
    body["name"] = *change.name;
  }
  if (change.description.has_value()) {
    if (absl::Status s = CheckDescription(*change.description); !s.ok()) {
      return s;
    }
    body["description"] = *change.description;
  }
  if (change.rule_json.has_value()) {
    absl::StatusOr<json> rule = Rule(*change.rule_json);
    if (!rule.ok()) return rule.status();
    body["rule"] = *std::move(rule);
  }
  if (body.empty() && !change.remove)
    return Wrong("there is nothing to change");
  body["operation_type"] = change.remove ? "REMOVE" : "UPDATE";
  return Text(body);
}

}  // namespace connector::pinterest
