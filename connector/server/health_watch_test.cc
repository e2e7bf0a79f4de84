#include "connector/server/health_watch.h"

#include <vector>

#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::server {
namespace {

using testing::ElementsAre;

TEST(HealthWatchTest, TellsOnlyWhatChanges) {
  absl::Status health;
  std::vector<bool> told;
  HealthWatch watch([&] { return health; },
                    [&](bool serving) { told.push_back(serving); });
  EXPECT_THAT(told, ElementsAre(true));
  watch.Look();
  EXPECT_THAT(told, ElementsAre(true));
  health = absl::UnavailableError("disk full");
  watch.Look();
  watch.Look();
  EXPECT_THAT(told, ElementsAre(true, false));
  health = absl::OkStatus();
  watch.Look();
  EXPECT_THAT(told, ElementsAre(true, false, true));
}

TEST(HealthWatchTest, IsNotServingFromTheStartWhenTheStoreIsNotWell) {
  std::vector<bool> told;
  HealthWatch watch([] { return absl::UnavailableError("disk full"); },
                    [&](bool serving) { told.push_back(serving); });
  EXPECT_THAT(told, ElementsAre(false));
}

TEST(HealthWatchTest, IsNotServingAfterStopWhateverTheStoreSays) {
  std::vector<bool> told;
  HealthWatch watch([] { return absl::OkStatus(); },
                    [&](bool serving) { told.push_back(serving); });
  watch.Stop();
  watch.Look();
  watch.Stop();
  EXPECT_THAT(told, ElementsAre(true, false));
}

TEST(HealthWatchTest, LooksByItself) {
  absl::Mutex mutex;
  int looks = 0;
  HealthWatch watch(
      [&] {
        absl::MutexLock lock(&mutex);
        ++looks;
        return absl::OkStatus();
      },
      [](bool) {});
  watch.Start(absl::Milliseconds(1));
  const auto looked_often = [&] { return looks >= 5; };
  mutex.LockWhen(absl::Condition(&looked_often));
  mutex.Unlock();
  watch.Stop();
}

}  // namespace
}  // namespace connector::server
