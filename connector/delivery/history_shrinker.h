#ifndef CONNECTOR_DELIVERY_HISTORY_SHRINKER_H_
#define CONNECTOR_DELIVERY_HISTORY_SHRINKER_H_

#include <functional>

#include "connector/delivery/history.h"

namespace connector::delivery {

// Cuts a history down as far as it still fails: leaves out steps, in large
// pieces first, then events, and makes numbers small; again and again until
// nothing more can go, or after `most_runs` tries. `fails` must say yes to
// `history` itself.
History ShrinkHistory(History history,
                      const std::function<bool(const History&)>& fails,
                      int most_runs);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_HISTORY_SHRINKER_H_
