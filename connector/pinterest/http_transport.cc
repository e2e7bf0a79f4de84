#include "connector/pinterest/http_transport.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace connector::pinterest {

void HttpHeaders::Add(absl::string_view name, absl::string_view value) {
  entries_.emplace_back(std::string(name), std::string(value));
}

std::optional<absl::string_view> HttpHeaders::Find(
    absl::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (absl::EqualsIgnoreCase(key, name)) return value;
  }
  return std::nullopt;
}

std::optional<std::string> HttpHeaders::Joined(absl::string_view name) const {
  std::optional<std::string> joined;
  for (const auto& [key, value] : entries_) {
    if (!absl::EqualsIgnoreCase(key, name)) continue;
    if (joined.has_value()) {
      absl::StrAppend(&*joined, ", ", value);
    } else {
      joined = value;
    }
  }
  return joined;
}

}  // namespace connector::pinterest
