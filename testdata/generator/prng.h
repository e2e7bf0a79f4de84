#ifndef TESTDATA_GENERATOR_PRNG_H_
#define TESTDATA_GENERATOR_PRNG_H_

#include <cstdint>

namespace generator {

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", 2014): the same numbers on every machine and compiler, which the
// distributions of the standard library do not promise.
class Prng {
 public:
  explicit Prng(uint64_t seed) : state_(seed) {}

  // A stream of its own for each (seed, subject, purpose).
  Prng(uint64_t seed, uint64_t subject, uint64_t purpose)
      : state_(Mix(Mix(Mix(seed) + subject) + purpose)) {}

  uint64_t Next() { return Mix(state_ += kGamma); }

  // From 0 to bound - 1; bound must not be 0. The bias is below 2^-32 for the
  // bounds used here.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>(
        (static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }

  // True in `share` of all cases, with a resolution of a millionth.
  bool Chance(double share) {
    return Below(1'000'000) < static_cast<uint64_t>(share * 1e6 + 0.5);
  }

 private:
  static constexpr uint64_t kGamma = 0x9E3779B97F4A7C15;

  static uint64_t Mix(uint64_t z) {
    z += kGamma;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace generator

#endif  // TESTDATA_GENERATOR_PRNG_H_
