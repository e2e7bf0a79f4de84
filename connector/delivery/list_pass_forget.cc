// Who is forgotten is removed in any case.

#include <algorithm>

#include "connector/delivery/list_pass.h"

namespace connector::delivery {

RecordBuffer ListPass::ForcedBetween(membership::CommitNumber after,
                                     membership::CommitNumber through) const {
  RecordBuffer forced;
  if (environment_.forgets == nullptr) return forced;
  for (const identity_mapping::Record& record :
       environment_.forgets->ForcedRemovals(list_, after, through)) {
    forced.Add(record, 0);
  }
  return forced;
}

// Neither what is known of the list nor what came later has a say in it: it is
// a request of its own before everything else. What came later is sent after.
void ListPass::ReadForced(const PassRoute& route) {
  forced_ = ForcedBetween(row_.settled, through_);
  if (previewing_) return;
  const size_t most = std::max<size_t>(1, MaxRecords(route));
  for (size_t i = 0; i < forced_.size(); ++i) {
    if (i % most == 0) {
      work_.emplace_back().change = membership::Change::kRemove;
    }
    work_.back().records.Add(forced_[i], 0);
  }
}

}  // namespace connector::delivery
