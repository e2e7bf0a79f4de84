#include "simulator/customer_lists.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace simulator {
namespace {

using nlohmann::json;

// `CustomerListRequest.list_type` of the API description.
constexpr absl::string_view kListTypes[] = {
    "EMAIL", "IDFA", "MAID", "LR_ID", "DLX_ID", "HASHED_PINNER_ID"};

json ToJson(const CustomerList& list, const Switches& switches,
            absl::Time now) {
  return {{"id", absl::StrCat(list.id)},
          {"ad_account_id", list.ad_account_id},
          {"name", list.name},
          {"created_time", absl::ToUnixSeconds(list.created)},
          {"updated_time", absl::ToUnixSeconds(list.updated)},
          {"status", list.Status(switches, now)},
          {"num_batches", list.num_batches},
          {"num_uploaded_user_records", list.num_uploaded},
          {"num_removed_user_records", list.num_removed},
          {"exceptions", json::object()},
          {"type", "customerlist"},
          {"is_nca", list.is_nca}};
}

bool LooksLikePlainEmail(absl::string_view record) {
  size_t at = record.find('@');
  return at != absl::string_view::npos && at > 0 && at + 1 < record.size() &&
         std::none_of(record.begin(), record.end(), [](unsigned char c) {
           return std::isupper(c) || std::isspace(c);
         });
}

// What is wrong with `records`, if anything.
std::optional<Answer> CheckRecords(const ListRequest& request, bool required,
                                   const Switches& switches) {
  if (request.records.presence == TextField::kOther) {
    return Invalid("records must be a string.");
  }
  if (request.records.presence == TextField::kAbsent) {
    if (required) return Invalid("records is required.");
    return std::nullopt;
  }
  if (request.record_count == 0) {
    return Invalid("records must not be empty.");
  }
  if (switches.max_records_per_request > 0 &&
      static_cast<int64_t>(request.record_count) >
          switches.max_records_per_request) {
    return Error(switches.too_large_status, switches.too_large_status,
                 "Too many records in one request.");
  }
  if (switches.strict_records) {
    bool good = true;
    ForEachRecord(request.records.text, [&](absl::string_view record) {
      good = good &&
             (IsHexDigest(record) || (switches.strict_records_allow_email &&
                                      LooksLikePlainEmail(record)));
    });
    if (!good) return Invalid("records holds a record that is not hashed.");
  }
  return std::nullopt;
}

std::optional<Answer> CheckBody(const ListRequest& request,
                                const Switches& switches) {
  if (switches.max_body_bytes > 0 &&
      static_cast<int64_t>(request.body_bytes) > switches.max_body_bytes) {
    return Error(switches.too_large_status, switches.too_large_status,
                 "The request body is too large.");
  }
  if (!request.valid) return Invalid("The body is not a JSON object.");
  return std::nullopt;
}

}  // namespace

std::string CustomerList::Status(const Switches& switches,
                                 absl::Time now) const {
  if (now < updated + switches.list_processing) return "PROCESSING";
  return Matched(switches) < kMinimumMatched ? "TOO_SMALL" : "READY";
}

int64_t CustomerList::Matched(const Switches& switches) const {
  return std::llround(static_cast<double>(records.size()) *
                      switches.match_rate);
}

Answer CustomerLists::Create(absl::string_view ad_account,
                             const ListRequest& request,
                             const Switches& switches, absl::Time now) {
  if (auto wrong = CheckBody(request, switches)) return *wrong;
  if (request.name.presence != TextField::kText || request.name.text.empty()) {
    return Invalid("name is required and must be a string.");
  }
  std::string list_type = "EMAIL";
  if (request.list_type.presence != TextField::kAbsent) {
    if (std::find(std::begin(kListTypes), std::end(kListTypes),
                  request.list_type.text) == std::end(kListTypes)) {
      return Invalid(
          "list_type must be one of EMAIL, IDFA, MAID, LR_ID, DLX_ID, "
          "HASHED_PINNER_ID.");
    }
    list_type = std::string(request.list_type.text);
  }
  if (!request.is_nca_valid) return Invalid("is_nca must be a boolean.");
  if (auto wrong =
          CheckRecords(request, switches.require_records_on_create, switches)) {
    return *wrong;
  }

  int64_t id = next_id_++;
  CustomerList& list = lists_[std::string(ad_account)][id];
  list.id = id;
  list.ad_account_id = std::string(ad_account);
  list.name = std::string(request.name.text);
  list.list_type = list_type;
  list.is_nca = request.is_nca;
  list.created = list.updated = now;
  list.visible = now + switches.list_visible_after;
  list.num_batches = 1;
  list.num_uploaded = static_cast<int64_t>(request.record_count);
  ForEachRecord(request.records.text,
                [&](absl::string_view record) { list.records.Add(record); });
  return {200, ToJson(list, switches, now)};
}

Answer CustomerLists::Update(absl::string_view ad_account, absl::string_view id,
                             const ListRequest& request,
                             const Switches& switches, absl::Time now) {
  if (auto wrong = CheckBody(request, switches)) return *wrong;
  if (request.operation_type.presence != TextField::kText ||
      (request.operation_type.text != "ADD" &&
       request.operation_type.text != "REMOVE")) {
    return Invalid("operation_type is required and must be ADD or REMOVE.");
  }
  if (auto wrong = CheckRecords(request, true, switches)) return *wrong;
  auto* list = const_cast<CustomerList*>(Find(ad_account, id));
  if (list == nullptr) return NotFound("Customer list");
  if (switches.patch_refused_while_processing != 0 &&
      list->Status(switches, now) == "PROCESSING") {
    return Error(switches.patch_refused_while_processing,
                 switches.patch_refused_while_processing,
                 "The customer list is being processed.");
  }

  auto count = static_cast<int64_t>(request.record_count);
  if (request.operation_type.text == "ADD") {
    ForEachRecord(request.records.text,
                  [&](absl::string_view record) { list->records.Add(record); });
    list->num_uploaded += count;
  } else {
    ForEachRecord(request.records.text, [&](absl::string_view record) {
      list->records.Remove(record);
    });
    list->num_removed += count;
  }
  ++list->num_batches;
  list->updated = now;
  return {200, ToJson(*list, switches, now)};
}

Answer CustomerLists::Get(absl::string_view ad_account, absl::string_view id,
                          const Switches& switches, absl::Time now) const {
  const CustomerList* list = Find(ad_account, id);
  if (list == nullptr) return NotFound("Customer list");
  return {200, ToJson(*list, switches, now)};
}

Answer CustomerLists::List(absl::string_view ad_account, const Query& query,
                           const Switches& switches, absl::Time now) const {
  Page page;
  if (auto wrong = Page::Parse(query, &page)) return *wrong;
  bool exclude_nca = false;
  if (auto it = query.find("exclude_nca"); it != query.end()) {
    if (!absl::SimpleAtob(it->second, &exclude_nca)) {
      return Invalid("exclude_nca must be a boolean.");
    }
  }
  return MakePage(InAccount(ad_account), page,
                  [&](const CustomerList& list) -> std::optional<json> {
                    if (now < list.visible || (exclude_nca && list.is_nca)) {
                      return std::nullopt;
                    }
                    return ToJson(list, switches, now);
                  });
}

const CustomerList* CustomerLists::Find(absl::string_view ad_account,
                                        absl::string_view id) const {
  int64_t number;
  if (!absl::SimpleAtoi(id, &number)) return nullptr;
  const auto& lists = InAccount(ad_account);
  auto it = lists.find(number);
  return it == lists.end() ? nullptr : &it->second;
}

const std::map<int64_t, CustomerList>& CustomerLists::InAccount(
    absl::string_view ad_account) const {
  static const auto& empty = *new std::map<int64_t, CustomerList>();
  auto it = lists_.find(ad_account);
  return it == lists_.end() ? empty : it->second;
}

}  // namespace simulator
