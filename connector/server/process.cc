#include "connector/server/process.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::server {
namespace {

// Wakes the thread when the watch is over.
constexpr int kWakeSignal = SIGUSR1;

sigset_t WatchedSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, kWakeSignal}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

absl::Status HardenProcess(bool allow_core_dumps) {
  umask(077);
  std::signal(SIGPIPE, SIG_IGN);
  if (allow_core_dumps) return absl::OkStatus();
  const rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) {
    return absl::InternalError(
        absl::StrCat("cannot turn core dumps off: ", strerror(errno)));
  }
  // A core pattern that pipes to a program ignores the limit.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return absl::InternalError(
        absl::StrCat("cannot turn core dumps off: ", strerror(errno)));
  }
  return absl::OkStatus();
}

void BoundAllocator() {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

absl::Status MakePrivateDirectories(absl::string_view flag,
                                    const std::string& path) {
  for (size_t end = 1; end <= path.size(); ++end) {
    if (end < path.size() && path[end] != '/') continue;
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), 0700) == 0 || errno == EEXIST) continue;
    const int error = errno;
    struct stat state = {};
    // Some file systems answer otherwise for a directory that is there.
    if (stat(part.c_str(), &state) == 0 && S_ISDIR(state.st_mode)) continue;
    return FieldError(flag, absl::StrCat("cannot make the directory ", part,
                                         ": ", strerror(error)));
  }
  struct stat state = {};
  if (stat(path.c_str(), &state) != 0 || !S_ISDIR(state.st_mode)) {
    return FieldError(flag, absl::StrCat(path, " is not a directory"));
  }
  if (access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
    return FieldError(
        flag, absl::StrCat(path, " cannot be written: ", strerror(errno)));
  }
  return absl::OkStatus();
}

StopSignals::StopSignals() {
  const sigset_t set = WatchedSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

StopSignals::~StopSignals() { EndWatch(); }

void StopSignals::EndWatch() {
  if (!thread_.joinable()) return;
  pthread_kill(thread_.native_handle(), kWakeSignal);
  thread_.join();
}

void StopSignals::Watch(std::function<void()> on_stop) {
  thread_ = std::thread([on_stop = std::move(on_stop)] {
    const sigset_t set = WatchedSignals();
    for (bool stopping = false;;) {
      int signal = 0;
      if (sigwait(&set, &signal) != 0) continue;
      if (signal == kWakeSignal) return;
      // As a shell shows a process that a signal ended.
      if (stopping) _exit(128 + signal);
      stopping = true;
      on_stop();
    }
  });
}

}  // namespace connector::server
