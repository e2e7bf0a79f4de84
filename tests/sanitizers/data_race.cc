// ThreadSanitizer must report this: one of two threads forgets the lock.

#include <thread>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"

namespace {

struct Counter {
  absl::Mutex mutex;
  int value = 0;
};

TEST(DataRace, OneThreadForgetsTheLock) {
  Counter counter;
  std::thread careful([&] {
    for (int i = 0; i < 10'000; ++i) {
      absl::MutexLock lock(&counter.mutex);
      ++counter.value;
    }
  });
  for (int i = 0; i < 10'000; ++i) ++counter.value;
  careful.join();
  EXPECT_GT(counter.value, 0);
}

}  // namespace
