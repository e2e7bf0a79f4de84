#include "connector/delivery/doubt_set.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace connector::delivery {

using identity_mapping::RecordView;
using membership::Change;

DoubtSet::DoubtSet(const std::vector<membership::Doubt>& doubts) {
  for (const auto& doubt : doubts) {
    (doubt.change == Change::kAdd ? additions_ : removals_)
        .push_back({doubt.first, doubt.last});
  }
  additions_ = Merge(std::move(additions_));
  removals_ = Merge(std::move(removals_));
}

DoubtSet::Ranges DoubtSet::Merge(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges merged;
  for (const Range& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last) {
      if (merged.back().last < range.last) merged.back().last = range.last;
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

bool DoubtSet::InDoubt(const Ranges& ranges, RecordView record) {
  auto after = std::upper_bound(
      ranges.begin(), ranges.end(), record,
      [](RecordView r, const Range& range) { return r < range.first.view(); });
  if (after == ranges.begin()) return false;
  return record <= std::prev(after)->last.view();
}

}  // namespace connector::delivery
