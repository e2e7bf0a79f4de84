#include "tests/stress/crash_control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "absl/time/clock.h"

namespace stress {

absl::Time CrashControl::Now() const {
  return absl::FromUnixNanos(
      start + (absl::GetCurrentTimeNanos() - start) * speed + jump.load());
}

CrashControl* MapCrashControl(const std::string& path, bool create) {
  const int file = open(path.c_str(), O_RDWR | (create ? O_CREAT : 0), 0600);
  if (file < 0 || (create && ftruncate(file, sizeof(CrashControl)) != 0)) {
    std::perror("the file of crash points");
    std::abort();
  }
  void* const memory = mmap(nullptr, sizeof(CrashControl),
                            PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) {
    std::perror("the file of crash points");
    std::abort();
  }
  return create ? new (memory) CrashControl
                : static_cast<CrashControl*>(memory);
}

}  // namespace stress
