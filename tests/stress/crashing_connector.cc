// The connector's server, which kills itself with SIGKILL where it is told to.
// Everything but this file is what the production program is made of.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "connector/base/crash_point_hook.h"
#include "connector/server/program.h"
#include "tests/stress/crash_control.h"

namespace stress {
namespace {

CrashControl* control = nullptr;

void AtCrashPoint(connector::CrashPoint point) {
  const int i = static_cast<int>(point);
  control->reached[i].fetch_add(1, std::memory_order_relaxed);
  if (control->countdown[i].load(std::memory_order_relaxed) <= 0) return;
  if (control->countdown[i].fetch_sub(1) != 1) return;
  control->kills[i].fetch_add(1);
  control->last_kill.store(i + 1);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

class FastClock final : public connector::Clock {
 public:
  absl::Time Now() override { return control->Now(); }
};

void Adjust(connector::server::ServerOptions* options) {
  static FastClock clock;
  options->clock = &clock;
  options->longest_sleep = absl::Milliseconds(20);
  options->stop_grace = absl::Seconds(2);
}

}  // namespace
}  // namespace stress

int main(int argc, char** argv) {
  const char* file = std::getenv(stress::CrashControl::kVariable);
  if (file == nullptr) {
    std::fprintf(stderr, "%s is not set\n", stress::CrashControl::kVariable);
    return 2;
  }
  stress::control = stress::MapCrashControl(file, /*create=*/false);
  connector::SetCrashPointHook(stress::AtCrashPoint);
  return connector::server::RunProgram(argc, argv, stress::Adjust);
}
