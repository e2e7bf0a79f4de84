#include "connector/base/random.h"

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/synchronization/mutex.h"

namespace connector {
namespace {

class RealRandom final : public Random {
 public:
  uint64_t Next() override {
    absl::MutexLock lock(&mutex_);
    return generator_();
  }

 private:
  absl::Mutex mutex_;
  absl::BitGen generator_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

Random& Random::Real() {
  static RealRandom* const random = new RealRandom;
  return *random;
}

}  // namespace connector
