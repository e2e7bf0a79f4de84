#include "connector/server/health_watch.h"

#include <utility>

#include "connector/server/log.h"

namespace connector::server {

HealthWatch::HealthWatch(std::function<absl::Status()> healthy,
                         std::function<void(bool)> serving)
    : healthy_(std::move(healthy)), serving_(std::move(serving)) {
  Look();
}

HealthWatch::~HealthWatch() { Stop(); }

void HealthWatch::Start(absl::Duration interval) {
  thread_ = std::thread([this, interval] { Run(interval); });
}

void HealthWatch::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopped_) serving_(false);
    stopped_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void HealthWatch::Look() {
  const absl::Status healthy = healthy_();
  absl::MutexLock lock(&mutex_);
  if (stopped_ || last_ == healthy.ok()) return;
  if (!healthy.ok()) {
    Log(LogLevel::kError, "unhealthy", {{"why", healthy.message()}});
  } else if (last_.has_value()) {
    Log(LogLevel::kInfo, "healthy");
  }
  last_ = healthy.ok();
  serving_(healthy.ok());
}

void HealthWatch::Run(absl::Duration interval) {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopped_), interval)) return;
    }
    Look();
  }
}

}  // namespace connector::server
