#include "simulator/audiences.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "simulator/audience_rule.h"

namespace simulator {
namespace {

using nlohmann::json;

std::vector<std::string> SeedIds(const json& rule) {
  const json& seeds = rule["seed_id"];
  if (seeds.is_string()) return {seeds.get<std::string>()};
  return seeds.get<std::vector<std::string>>();
}

int64_t Number(const json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  int64_t number = 0;
  (void)absl::SimpleAtoi(value.get_ref<const std::string&>(), &number);
  return number;
}

// What is wrong with fields that POST and PATCH share.
std::optional<Answer> CheckCommon(const json& body) {
  if (!body.is_object()) return Invalid("The body is not a JSON object.");
  if (body.contains("name") &&
      (!body["name"].is_string() ||
       body["name"].get_ref<const std::string&>().empty())) {
    return Invalid("name must be a string that is not empty.");
  }
  if (body.contains("description") && !body["description"].is_string()) {
    return Invalid("description must be a string.");
  }
  if (body.contains("ad_account_id") &&
      (!body["ad_account_id"].is_string() ||
       !IsId(body["ad_account_id"].get_ref<const std::string&>()))) {
    return Invalid("ad_account_id must be a string of at most 18 digits.");
  }
  return std::nullopt;
}

// Whether `body[name]` is one of two words.
bool IsEither(const json& body, const char* name, const char* one,
              const char* other) {
  return body.contains(name) && (body[name] == one || body[name] == other);
}

}  // namespace

std::optional<Answer> Audiences::CheckRule(absl::string_view ad_account,
                                           absl::string_view type,
                                           const json& rule,
                                           const Switches& switches,
                                           absl::Time now) const {
  if (std::string wrong = CheckAudienceRule(type, rule); !wrong.empty()) {
    return Invalid(wrong);
  }
  if (type == "CUSTOMER_LIST") {
    const CustomerList* list = lists_.Find(
        ad_account, rule["customer_list_id"].get_ref<const std::string&>());
    if (list == nullptr) return Invalid("rule.customer_list_id: not found.");
    if (switches.audience_needs_ready_list &&
        list->Status(switches, now) != "READY") {
      return Invalid("rule.customer_list_id: the customer list is not ready.");
    }
  } else if (type == "ACTALIKE") {
    for (const std::string& id : SeedIds(rule)) {
      const Audience* seed = Find(ad_account, id, switches);
      if (seed == nullptr) return Invalid("rule.seed_id: not found.");
      if (switches.actalike_needs_ready_seed &&
          StateOf(*seed, switches, now).status != "READY") {
        return Invalid("rule.seed_id: the seed audience is not ready.");
      }
    }
  }
  return std::nullopt;
}

Answer Audiences::Create(absl::string_view ad_account, const json& body,
                         const Switches& switches, absl::Time now) {
  if (auto wrong = CheckCommon(body)) return *wrong;
  if (!body.contains("name")) return Invalid("name is required.");
  if (!body.contains("audience_type") || !body["audience_type"].is_string()) {
    return Invalid("audience_type is required.");
  }
  auto type = body["audience_type"].get<std::string>();
  if (type == "PERSONA") {
    return Invalid("A PERSONA audience cannot be created through the API.");
  }
  if (type != "CUSTOMER_LIST" && type != "ACTALIKE" && type != "VISITOR" &&
      type != "ENGAGEMENT") {
    return Invalid(
        "audience_type must be one of CUSTOMER_LIST, VISITOR, ENGAGEMENT, "
        "ACTALIKE.");
  }
  json rule = body.value("rule", json());
  if (auto wrong = CheckRule(ad_account, type, rule, switches, now)) {
    return *wrong;
  }

  int64_t id = next_id_++;
  Audience& audience = audiences_[std::string(ad_account)][id];
  audience.id = id;
  audience.ad_account_id = std::string(ad_account);
  audience.name = body["name"].get<std::string>();
  audience.audience_type = type;
  audience.rule = std::move(rule);
  audience.description = body.value("description", json());
  audience.created = audience.updated = now;
  return {200, ToJson(audience, switches, now)};
}

Answer Audiences::CreateCustom(absl::string_view ad_account, const json& body,
                               const Switches& switches, absl::Time now) {
  if (!body.is_object()) return Invalid("The body is not a JSON object.");
  if (!IsEither(body, "sharing_type", "CUSTOM", "SYNDICATED")) {
    return Invalid("sharing_type must be CUSTOM or SYNDICATED.");
  }
  if (!IsEither(body, "data_party", "1p", "3p")) {
    return Invalid("data_party must be 1p or 3p.");
  }
  if (body.contains("category") && !body["category"].is_string()) {
    return Invalid("category must be a string.");
  }
  // The older call has no audience_type: the rule tells.
  json rule = body.value("rule", json());
  const char* type = "ENGAGEMENT";
  if (rule.contains("customer_list_id")) type = "CUSTOMER_LIST";
  if (rule.contains("seed_id")) type = "ACTALIKE";
  if (rule.contains("visitor_source_id")) type = "VISITOR";
  json with_type = body;
  with_type["audience_type"] = type;
  return Create(ad_account, with_type, switches, now);
}

Answer Audiences::Update(absl::string_view ad_account, absl::string_view id,
                         const json& body, const Switches& switches,
                         absl::Time now) {
  if (auto wrong = CheckCommon(body)) return *wrong;
  json operation = body.value("operation_type", json("UPDATE"));
  if (operation != "UPDATE" && operation != "REMOVE") {
    return Invalid("operation_type must be UPDATE or REMOVE.");
  }
  auto* audience = const_cast<Audience*>(Find(ad_account, id, switches));
  if (audience == nullptr) return NotFound("Audience");
  if (body.contains("rule")) {
    if (auto wrong = CheckRule(ad_account, audience->audience_type,
                               body["rule"], switches, now)) {
      return *wrong;
    }
    audience->rule = body["rule"];
  }
  if (body.contains("name")) audience->name = body["name"].get<std::string>();
  if (body.contains("description")) {
    audience->description = body["description"];
  }
  if (operation == "REMOVE") audience->removed = true;
  audience->updated = now;
  return {200, ToJson(*audience, switches, now)};
}

Answer Audiences::Get(absl::string_view ad_account, absl::string_view id,
                      const Switches& switches, absl::Time now) const {
  const Audience* audience = Find(ad_account, id, switches);
  if (audience == nullptr) return NotFound("Audience");
  return {200, ToJson(*audience, switches, now)};
}

Answer Audiences::List(absl::string_view ad_account, const Query& query,
                       const Switches& switches, absl::Time now) const {
  Page page;
  if (auto wrong = Page::Parse(query, &page)) return *wrong;
  bool owned = true;
  if (auto it = query.find("ownership_type"); it != query.end()) {
    if (it->second != "OWNED" && it->second != "RECEIVED") {
      return Invalid("ownership_type must be OWNED or RECEIVED.");
    }
    owned = it->second == "OWNED";
  }
  // Nobody shares audiences here.
  static const auto& none = *new std::map<int64_t, Audience>();
  return MakePage(
      owned ? InAccount(ad_account) : none, page,
      [&](const Audience& audience) -> std::optional<json> {
        if (now < audience.created + switches.audience_visible_after) {
          return std::nullopt;
        }
        if (audience.removed && switches.removed_audience_gone) {
          return std::nullopt;
        }
        return ToJson(audience, switches, now);
      });
}

json Audiences::Inspect(absl::string_view ad_account, const Switches& switches,
                        absl::Time now) const {
  json all = json::array();
  for (const auto& [id, audience] : InAccount(ad_account)) {
    json item = ToJson(audience, switches, now);
    item["removed"] = audience.removed;
    all.push_back(std::move(item));
  }
  return all;
}

bool Audiences::Force(absl::string_view ad_account, absl::string_view id,
                      std::optional<std::string> status,
                      std::optional<int64_t> size) {
  auto* audience = const_cast<Audience*>(Find(ad_account, id, Switches{}));
  if (audience == nullptr) return false;
  audience->forced_status = std::move(status);
  audience->forced_size = size;
  return true;
}

Audiences::State Audiences::StateOf(const Audience& audience,
                                    const Switches& switches,
                                    absl::Time now) const {
  State state;
  absl::Time processing = audience.created + switches.audience_initializing;
  absl::Time done = processing + switches.audience_processing;
  // The newest change of what the audience is made of.
  absl::Time changed = audience.updated;
  if (audience.audience_type == "CUSTOMER_LIST") {
    const CustomerList* list =
        lists_.Find(audience.ad_account_id,
                    audience.rule["customer_list_id"].get<std::string>());
    if (list != nullptr) {
      changed = std::max(changed, list->updated);
      state.size = list->Matched(switches);
    }
  } else if (audience.audience_type == "ACTALIKE") {
    // One percent of a made-up country of 100 million accounts per point.
    state.size = 1'000'000 * Number(audience.rule["percentage"]);
    for (const std::string& id : SeedIds(audience.rule)) {
      const Audience* seed = Find(audience.ad_account_id, id, switches);
      // A seed is older than what grows from it, so this ends.
      if (seed == nullptr || seed->id >= audience.id ||
          StateOf(*seed, switches, now).status != "READY") {
        // Waits for its seed.
        processing = absl::InfiniteFuture();
      }
    }
  } else {
    // Made-up visitors: enough to be used.
    state.size = 1000;
  }

  if (audience.removed) {
    state.status = "ARCHIVED";
  } else if (now < processing) {
    state = {"INITIALIZING", 0};
  } else if (now < done) {
    state = {"PROCESSING", 0};
  } else if (changed > audience.created &&
             now < changed + switches.audience_updating) {
    state.status = "UPDATING";
  } else {
    state.status = state.size < kMinimumMatched ? "TOO_SMALL" : "READY";
  }
  if (audience.forced_status) state.status = *audience.forced_status;
  if (audience.forced_size) state.size = *audience.forced_size;
  return state;
}

json Audiences::ToJson(const Audience& audience, const Switches& switches,
                       absl::Time now) const {
  State state = StateOf(audience, switches, now);
  return {{"id", absl::StrCat(audience.id)},
          {"ad_account_id", audience.ad_account_id},
          {"name", audience.name},
          {"audience_type", audience.audience_type},
          {"description", audience.description},
          {"rule", audience.rule},
          {"size", state.size},
          {"status", state.status},
          {"type", "audience"},
          {"created_timestamp", absl::ToUnixSeconds(audience.created)},
          {"updated_timestamp", absl::ToUnixSeconds(audience.updated)},
          {"created_by_company_name", nullptr},
          {"is_nca", false}};
}

const Audience* Audiences::Find(absl::string_view ad_account,
                                absl::string_view id,
                                const Switches& switches) const {
  int64_t number;
  if (!absl::SimpleAtoi(id, &number)) return nullptr;
  const auto& audiences = InAccount(ad_account);
  auto it = audiences.find(number);
  if (it == audiences.end()) return nullptr;
  if (it->second.removed && switches.removed_audience_gone) return nullptr;
  return &it->second;
}

const std::map<int64_t, Audience>& Audiences::InAccount(
    absl::string_view ad_account) const {
  static const auto& empty = *new std::map<int64_t, Audience>();
  auto it = audiences_.find(ad_account);
  return it == audiences_.end() ? empty : it->second;
}

}  // namespace simulator
