#include "connector/pinterest/answer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/limits.h"
#include "connector/pinterest/safe_text.h"
#include "nlohmann/json.hpp"

namespace connector::pinterest {
namespace {

using nlohmann::json;

constexpr size_t kMaxMessage = 300;
constexpr size_t kMaxExceptions = 1000;
constexpr size_t kMaxName = 1024;
constexpr size_t kMaxWord = 64;
constexpr size_t kMaxBookmark = 4096;
constexpr size_t kMaxDescription = 4096;
constexpr size_t kMaxRule = 64 << 10;
constexpr size_t kMaxPermissions = 100;

absl::Status NotExpected(absl::string_view what) {
  return absl::InternalError(what);
}

// nlohmann's writer recurses, so depth is bounded before anything is read.
bool TooDeep(absl::string_view body) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limits::kMaxAnswerDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

absl::StatusOr<json> ParseObject(absl::string_view body) {
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(body);
  if (text.empty()) return NotExpected("the answer has no body");
  if (text[0] != '{') return NotExpected("the answer is not a JSON object");
  if (TooDeep(text)) return NotExpected("the answer is nested too deeply");
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::parse_error& error) {
    // The position counts from 1; the end of the input is one past the last.
    if (error.byte > text.size()) {
      return absl::DataLossError("the answer was cut");
    }
  } catch (const json::exception&) {
    // A number out of range.
  }
  return NotExpected("the answer is not valid JSON");
}

std::string Text(const json& object, const char* key, size_t max_bytes,
                 absl::string_view token) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  return SafeText(found->get_ref<const std::string&>(), max_bytes, token);
}

std::optional<int64_t> Number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  if (found->is_number_unsigned()) {
    const uint64_t value = found->get<uint64_t>();
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return std::nullopt;
    }
    return static_cast<int64_t>(value);
  }
  if (found->is_number_integer()) return found->get<int64_t>();
  const double value = found->get<double>();
  if (!std::isfinite(value) || std::abs(value) > 9e15) return std::nullopt;
  return static_cast<int64_t>(value);
}

// Ids are strings; one that came as a number is taken too. Empty if it is no
// id.
std::string Id(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return "";
  std::string id;
  if (found->is_string()) {
    id = found->get<std::string>();
  } else if (found->is_number_unsigned()) {
    id = absl::StrCat(found->get<uint64_t>());
  }
  return IsPinterestId(id) ? id : "";
}

std::string Exceptions(const json& list, absl::string_view token) {
  const auto found = list.find("exceptions");
  if (found == list.end() || found->empty()) return "";
  return SafeText(found->dump(-1, ' ', false, json::error_handler_t::replace),
                  kMaxExceptions, token);
}

// The name is kept as it is, since it is compared with one we gave; it is text
// of our own making unless somebody else made the list.
std::string Name(const json& object) {
  const auto found = object.find("name");
  if (found == object.end() || !found->is_string()) return "";
  const std::string& name = found->get_ref<const std::string&>();
  return name.size() <= kMaxName ? name : "";
}

absl::StatusOr<CustomerList> ReadCustomerList(const json& object,
                                              absl::string_view token) {
  if (!object.is_object()) return NotExpected("the list is not an object");
  CustomerList list;
  list.id = Id(object, "id");
  if (list.id.empty()) return NotExpected("the list has no id");
  list.name = Name(object);
  list.ad_account_id = Id(object, "ad_account_id");
  list.status = Text(object, "status", kMaxWord, token);
  list.created_time = Number(object, "created_time");
  list.num_batches = Number(object, "num_batches");
  list.num_uploaded_user_records = Number(object, "num_uploaded_user_records");
  list.num_removed_user_records = Number(object, "num_removed_user_records");
  list.exceptions_json = Exceptions(object, token);
  return list;
}

absl::StatusOr<Audience> ReadAudience(const json& object,
                                      absl::string_view token) {
  if (!object.is_object()) return NotExpected("the audience is not an object");
  Audience audience;
  audience.id = Id(object, "id");
  if (audience.id.empty()) return NotExpected("the audience has no id");
  audience.name = Name(object);
  audience.description = Text(object, "description", kMaxDescription, token);
  audience.audience_type = Text(object, "audience_type", kMaxWord, token);
  audience.status = Text(object, "status", kMaxWord, token);
  audience.size = Number(object, "size");
  audience.created_timestamp = Number(object, "created_timestamp");
  const auto rule = object.find("rule");
  if (rule != object.end() && rule->is_object()) {
    audience.rule_json =
        rule->dump(-1, ' ', false, json::error_handler_t::replace);
    if (audience.rule_json.size() > kMaxRule) audience.rule_json.clear();
    audience.customer_list_id = Id(*rule, "customer_list_id");
  }
  return audience;
}

// A page of what `read` reads.
template <typename Page, typename Read>
absl::StatusOr<Page> ReadPage(absl::string_view body, absl::string_view asked,
                              Read read) {
  const absl::StatusOr<json> object = ParseObject(body);
  if (!object.ok()) return object.status();
  const auto items = object->find("items");
  if (items == object->end() || !items->is_array()) {
    return NotExpected("the page has no items");
  }
  Page page;
  for (const json& item : *items) {
    auto read_item = read(item);
    if (!read_item.ok()) return read_item.status();
    page.items.push_back(*std::move(read_item));
  }
  const auto bookmark = object->find("bookmark");
  if (bookmark == object->end() || bookmark->is_null()) return page;
  if (!bookmark->is_string()) {
    return NotExpected("the page's bookmark is not a string");
  }
  page.bookmark = bookmark->get<std::string>();
  if (page.bookmark.size() > kMaxBookmark) {
    return NotExpected("the page's bookmark is too long");
  }
  if (!page.bookmark.empty() && page.bookmark == asked) {
    return NotExpected("the page's bookmark leads to the page itself");
  }
  return page;
}

}  // namespace

bool IsPinterestId(absl::string_view id) {
  return !id.empty() && id.size() <= 18 &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return absl::ascii_isdigit(c); });
}

absl::StatusOr<CustomerList> ParseCustomerList(absl::string_view body,
                                               absl::string_view token) {
  const absl::StatusOr<json> object = ParseObject(body);
  if (!object.ok()) return object.status();
  return ReadCustomerList(*object, token);
}

absl::StatusOr<CustomerListPage> ParseCustomerListPage(
    absl::string_view body, absl::string_view asked, absl::string_view token) {
  return ReadPage<CustomerListPage>(body, asked, [&](const json& item) {
    return ReadCustomerList(item, token);
  });
}

absl::StatusOr<Audience> ParseAudience(absl::string_view body,
                                       absl::string_view token) {
  const absl::StatusOr<json> object = ParseObject(body);
  if (!object.ok()) return object.status();
  return ReadAudience(*object, token);
}

absl::StatusOr<AudiencePage> ParseAudiencePage(absl::string_view body,
                                               absl::string_view asked,
                                               absl::string_view token) {
  return ReadPage<AudiencePage>(
      body, asked, [&](const json& item) { return ReadAudience(item, token); });
}

absl::StatusOr<AdAccount> ParseAdAccount(absl::string_view body,
                                         absl::string_view token) {
  const absl::StatusOr<json> object = ParseObject(body);
  if (!object.ok()) return object.status();
  AdAccount account;
  account.id = Id(*object, "id");
  if (account.id.empty()) return NotExpected("the ad account has no id");
  account.name = Text(*object, "name", kMaxName, token);
  account.country = Text(*object, "country", kMaxWord, token);
  account.currency = Text(*object, "currency", kMaxWord, token);
  const auto permissions = object->find("permissions");
  if (permissions != object->end() && permissions->is_array()) {
    for (const json& role : *permissions) {
      if (account.permissions.size() == kMaxPermissions) break;
      if (!role.is_string()) continue;
      account.permissions.push_back(
          SafeText(role.get_ref<const std::string&>(), kMaxWord, token));
    }
  }
  return account;
}

ErrorAnswer ParseErrorAnswer(absl::string_view body, absl::string_view token) {
  ErrorAnswer answer;
  const absl::StatusOr<json> object = ParseObject(body);
  if (!object.ok()) {
    answer.message = std::string(object.status().message());
    return answer;
  }
  const std::optional<int64_t> code = Number(*object, "code");
  if (code.has_value() && *code > 0 &&
      *code <= std::numeric_limits<int>::max()) {
    answer.code = static_cast<int>(*code);
  }
  std::string message;
  for (const char* key : {"message", "message_detail"}) {
    const auto found = object->find(key);
    if (found == object->end() || !found->is_string()) continue;
    const std::string& text = found->get_ref<const std::string&>();
    answer.spam |= absl::StrContains(absl::AsciiStrToLower(text), "spam");
    if (text.empty()) continue;
    absl::StrAppend(&message, message.empty() ? "" : " ", text);
  }
  answer.message = SafeText(message, kMaxMessage, token);
  if (answer.message.empty()) answer.message = "the answer gives no message";
  return answer;
}

}  // namespace connector::pinterest
