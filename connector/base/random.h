#ifndef CONNECTOR_BASE_RANDOM_H_
#define CONNECTOR_BASE_RANDOM_H_

#include <cstdint>

namespace connector {

// A source of random numbers, injected so that tests can repeat a run. Not for
// secrets. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;

  // Uniform over all 64-bit values.
  virtual uint64_t Next() = 0;

  // Uniform in [0, 1).
  double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // Seeded by the operating system; lives as long as the process.
  static Random& Real();
};

}  // namespace connector

#endif  // CONNECTOR_BASE_RANDOM_H_
