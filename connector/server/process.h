#ifndef CONNECTOR_SERVER_PROCESS_H_
#define CONNECTOR_SERVER_PROCESS_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace connector::server {

// What the process asks of the operating system, before it starts a thread:
// new files are its user's alone (umask 077), SIGPIPE is ignored, and a crash
// writes no core, as the memory holds tokens and identities. `allow_core_dumps`
// leaves the last out: debuggers and profilers need it.
absl::Status HardenProcess(bool allow_core_dumps);

// Keeps what the process holds near what it uses: few arenas for its many
// threads, and large buffers (frames, request bodies, sorts) that go back to
// the system when they are freed. Without it the resident memory of an export
// of 5 million profiles was 339 MB, with it 207 to 279 MB, at the same speed.
void BoundAllocator();

// Makes a directory (0700) and its parents if they are not there.
// INVALID_ARGUMENT names the flag.
absl::Status MakePrivateDirectories(absl::string_view flag,
                                    const std::string& path);

// Takes SIGTERM, SIGINT and SIGHUP on a thread of its own. Must be made before
// any other thread is started, so that no other one gets them.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();

  // Calls `on_stop` on the first of the signals; a second one ends the process
  // at once. Call once.
  void Watch(std::function<void()> on_stop);

  // After it returns `on_stop` is not called any more.
  void EndWatch();

 private:
  std::thread thread_;
};

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_PROCESS_H_
