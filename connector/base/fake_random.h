#ifndef CONNECTOR_BASE_FAKE_RANDOM_H_
#define CONNECTOR_BASE_FAKE_RANDOM_H_

#include <random>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/random.h"

namespace connector {

// The same numbers on every run and every machine for one seed. Thread-safe.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(uint64_t seed) : generator_(seed) {}

  uint64_t Next() override {
    absl::MutexLock lock(&mutex_);
    return generator_();
  }

 private:
  absl::Mutex mutex_;
  std::mt19937_64 generator_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector

#endif  // CONNECTOR_BASE_FAKE_RANDOM_H_
