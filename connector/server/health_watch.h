#ifndef CONNECTOR_SERVER_HEALTH_WATCH_H_
#define CONNECTOR_SERVER_HEALTH_WATCH_H_

#include <functional>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace connector::server {

// Looks again and again whether a batch could be made durable, and tells the
// health service when that changes. Thread-safe.
class HealthWatch {
 public:
  // `healthy` must not block for long; `serving` is called by one thread at a
  // time, first by the constructor.
  HealthWatch(std::function<absl::Status()> healthy,
              std::function<void(bool)> serving);
  ~HealthWatch();

  // Looks every `interval` on a thread of its own. Call once.
  void Start(absl::Duration interval);

  // Not serving from now on, whatever the store says.
  void Stop();

  // Looks now.
  void Look();

 private:
  void Run(absl::Duration interval);

  const std::function<absl::Status()> healthy_;
  const std::function<void(bool)> serving_;
  std::thread thread_;
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<bool> last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_HEALTH_WATCH_H_
