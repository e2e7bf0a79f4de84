#ifndef CONNECTOR_DELIVERY_HISTORY_GENERATOR_H_
#define CONNECTOR_DELIVERY_HISTORY_GENERATOR_H_

#include <cstdint>

#include "connector/delivery/history.h"

namespace connector::delivery {

// A random history of `steps` steps, the same for a seed on every machine. Each
// leaves some kinds of trouble out and has more of the others: rare meetings of
// two kinds happen more often so than with a little of everything.
History GenerateHistory(uint64_t seed, int steps);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_HISTORY_GENERATOR_H_
