// ThreadSanitizer must not report this: Abseil's locks, conditions and
// notifications order what they guard.

#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace {

TEST(Locked, AbseilIsUnderstood) {
  absl::Mutex mutex;
  std::vector<int> values;
  int unlocked = 0;
  absl::Notification done;
  std::thread writer([&] {
    for (int i = 0; i < 1'000; ++i) {
      absl::MutexLock lock(&mutex);
      values.push_back(i);
    }
    unlocked = 7;
    done.Notify();
  });
  for (int i = 0; i < 1'000; ++i) {
    absl::ReaderMutexLock lock(&mutex);
    EXPECT_LE(values.size(), 1'000u);
  }
  {
    absl::MutexLock lock(&mutex);
    const auto all = [&values] { return values.size() == 1'000; };
    mutex.Await(absl::Condition(&all));
    EXPECT_EQ(values.back(), 999);
  }
  done.WaitForNotification();
  EXPECT_EQ(unlocked, 7);
  writer.join();
}

}  // namespace
