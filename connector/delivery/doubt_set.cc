#include "connector/delivery/doubt_set.h"

#include <algorithm>

namespace connector::delivery {

DoubtSet::DoubtSet(const std::vector<membership::Doubt>& doubts) {
  for (const auto& doubt : doubts) ranges_.push_back({doubt.first, doubt.last});
  std::sort(ranges_.begin(), ranges_.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  std::vector<Range> merged;
  for (const Range& range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last) {
      if (merged.back().last < range.last) merged.back().last = range.last;
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = std::move(merged);
}

bool DoubtSet::Contains(identity_mapping::RecordView record) const {
  auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), record,
                       [](identity_mapping::RecordView r, const Range& range) {
                         return r < range.first.view();
                       });
  if (after == ranges_.begin()) return false;
  return record <= std::prev(after)->last.view();
}

}  // namespace connector::delivery
