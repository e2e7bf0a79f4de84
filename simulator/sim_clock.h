#ifndef CONNECTOR_SIMULATOR_SIM_CLOCK_H_
#define CONNECTOR_SIMULATOR_SIM_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"

namespace simulator {

// The time of day inside the simulator: another clock, faster by a factor, plus
// whatever was skipped on command. Thread-safe.
class SimClock final : public connector::Clock {
 public:
  // `base` must outlive this. `scale` is simulated seconds per second, above 0.
  SimClock(connector::Clock& base, double scale)
      : base_(base), scale_(scale), start_(base.Now()) {}

  absl::Time Now() override {
    absl::MutexLock lock(&mutex_);
    return start_ + (base_.Now() - start_) * scale_ + skipped_;
  }

  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    skipped_ += by;
  }

 private:
  connector::Clock& base_;
  const double scale_;
  const absl::Time start_;
  absl::Mutex mutex_;
  absl::Duration skipped_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_SIM_CLOCK_H_
