#ifndef TESTS_STRESS_CRASH_CONTROL_H_
#define TESTS_STRESS_CRASH_CONTROL_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "connector/base/crash_point.h"

namespace stress {

// What the stress program and the connector that it kills share: a file mapped
// by both. It outlives every kill.
struct CrashControl {
  // The name of the environment variable with the file's path.
  static constexpr char kVariable[] = "CRASH_CONTROL";

  // The connector's clock: `speed` times as fast as the machine's, from `start`
  // on, plus `jump`. It goes on over restarts. Nanoseconds of Unix time.
  int64_t start = 0;
  int64_t speed = 1;
  std::atomic<int64_t> jump{0};

  // How often each point was reached, in all lives.
  std::atomic<int64_t> reached[connector::kCrashPoints] = {};
  // The connector kills itself when it reaches the point so many times more; 0:
  // it does not.
  std::atomic<int64_t> countdown[connector::kCrashPoints] = {};
  // How often that happened.
  std::atomic<int64_t> kills[connector::kCrashPoints] = {};

  // What the connector's clock shows.
  absl::Time Now() const;
  // At which point the last kill came; -1: at none since this was called last.
  int TakeKill() { return last_kill.exchange(0) - 1; }
  void Disarm() {
    for (auto& each : countdown) each = 0;
  }

  // The point plus one.
  std::atomic<int> last_kill{0};
};

// Makes the file, or maps the one that is there. Ends the process on an error.
// Never unmapped.
CrashControl* MapCrashControl(const std::string& path, bool create);

}  // namespace stress

#endif  // TESTS_STRESS_CRASH_CONTROL_H_
