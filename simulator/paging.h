#ifndef CONNECTOR_SIMULATOR_PAGING_H_
#define CONNECTOR_SIMULATOR_PAGING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "simulator/answer.h"

namespace simulator {

using Query = std::map<std::string, std::string>;

// What a caller asked for: `page_size` (1-250, 25 if not said), `order` by id
// and `bookmark`.
struct Page {
  int64_t size = 25;
  bool descending = false;
  // The last id of the page before.
  std::optional<int64_t> after;

  // 400 for what Pinterest's description forbids and for a bookmark that this
  // simulator did not give out for the same order.
  static std::optional<Answer> Parse(const Query& query, Page* page);
};

// Whether `id` is what Pinterest takes for an id: 1 to 18 digits.
bool IsId(absl::string_view id);

// {"items": [...], "bookmark": string or null} out of `all`, by id. `show`
// gives an item's JSON, or nothing for an item that is not to be seen.
template <typename Map, typename Show>
Answer MakePage(const Map& all, const Page& page, Show show);

std::string MakeBookmark(const Page& page, int64_t last_id);

template <typename Map, typename Show>
Answer MakePage(const Map& all, const Page& page, Show show) {
  nlohmann::json items = nlohmann::json::array();
  nlohmann::json bookmark = nullptr;
  int64_t last = 0;
  // Whether to go on; sets the bookmark when there is one more than fits.
  auto take = [&](const auto& entry) {
    std::optional<nlohmann::json> item = show(entry.second);
    if (!item.has_value()) return true;
    if (static_cast<int64_t>(items.size()) == page.size) {
      bookmark = MakeBookmark(page, last);
      return false;
    }
    items.push_back(*std::move(item));
    last = entry.first;
    return true;
  };
  if (page.descending) {
    auto end =
        page.after.has_value() ? all.lower_bound(*page.after) : all.end();
    for (auto it = end; it != all.begin();) {
      if (!take(*--it)) break;
    }
  } else {
    auto begin =
        page.after.has_value() ? all.upper_bound(*page.after) : all.begin();
    for (auto it = begin; it != all.end(); ++it) {
      if (!take(*it)) break;
    }
  }
  return {200,
          {{"items", std::move(items)}, {"bookmark", std::move(bookmark)}}};
}

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_PAGING_H_
