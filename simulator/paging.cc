#include "simulator/paging.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace simulator {

bool IsId(absl::string_view id) {
  return !id.empty() && id.size() <= 18 &&
         std::all_of(id.begin(), id.end(), absl::ascii_isdigit);
}

std::string MakeBookmark(const Page& page, int64_t last_id) {
  // Opaque to the caller, as Pinterest's are.
  return absl::WebSafeBase64Escape(
      absl::StrCat(page.descending ? "D" : "A", last_id));
}

std::optional<Answer> Page::Parse(const Query& query, Page* page) {
  if (auto it = query.find("page_size"); it != query.end()) {
    if (!absl::SimpleAtoi(it->second, &page->size) || page->size < 1 ||
        page->size > 250) {
      return Invalid("page_size must be an integer from 1 to 250.");
    }
  }
  if (auto it = query.find("order"); it != query.end()) {
    if (it->second != "ASCENDING" && it->second != "DESCENDING") {
      return Invalid("order must be ASCENDING or DESCENDING.");
    }
    page->descending = it->second == "DESCENDING";
  }
  if (auto it = query.find("bookmark");
      it != query.end() && !it->second.empty()) {
    std::string plain;
    int64_t after;
    if (!absl::WebSafeBase64Unescape(it->second, &plain) || plain.size() < 2 ||
        plain[0] != (page->descending ? 'D' : 'A') ||
        !absl::SimpleAtoi(plain.substr(1), &after)) {
      return Invalid("bookmark is not one of this listing.");
    }
    page->after = after;
  }
  return std::nullopt;
}

}  // namespace simulator
