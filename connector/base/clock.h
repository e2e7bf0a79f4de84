#ifndef CONNECTOR_BASE_CLOCK_H_
#define CONNECTOR_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace connector {

// The time of day. Injected wherever time matters, so that tests decide what
// time it is. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;

  // The machine's clock; lives as long as the process.
  static Clock& Real();
};

}  // namespace connector

#endif  // CONNECTOR_BASE_CLOCK_H_
