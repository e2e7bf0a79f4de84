// Who is forgotten is removed in any case.

#include <algorithm>

#include "connector/delivery/list_pass.h"

namespace connector::delivery {

// Neither what is known of the list nor what came later has a say in it: it is
// a request of its own before everything else. What came later is sent after.
void ListPass::ReadForced(const PassRoute& route) {
  if (environment_.forgets == nullptr) return;
  for (const identity_mapping::Record& record :
       environment_.forgets->ForcedRemovals(list_, row_.settled, through_)) {
    forced_.Add(record, 0);
  }
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
