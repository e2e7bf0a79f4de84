#ifndef CONNECTOR_DELIVERY_BACKOFF_H_
#define CONNECTOR_DELIVERY_BACKOFF_H_

#include <algorithm>

#include "absl/time/time.h"
#include "connector/base/random.h"

namespace connector::delivery {

// How long to wait before attempt `failures` + 1: full jitter, that is uniform
// between nothing and a bound that doubles with each failure.
inline absl::Duration FullJitter(int failures, absl::Duration initial,
                                 absl::Duration longest, Random& random) {
  absl::Duration bound = initial;
  for (int i = 1; i < failures && bound < longest; ++i) bound *= 2;
  return std::min(bound, longest) * random.NextUnit();
}

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_BACKOFF_H_
