#ifndef CONNECTOR_SERVER_TICKER_H_
#define CONNECTOR_SERVER_TICKER_H_

#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace connector::server {

// Does something again and again on a thread of its own, at once and then with
// an interval between the end and the next beginning, until it goes away (which
// waits for what is under way).
class Ticker {
 public:
  Ticker(absl::Duration interval, std::function<void()> work)
      : thread_([this, interval, work = std::move(work)] {
          for (;;) {
            work();
            absl::MutexLock lock(&mutex_);
            if (mutex_.AwaitWithTimeout(absl::Condition(&stopped_), interval)) {
              return;
            }
          }
        }) {}
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  ~Ticker() {
    {
      absl::MutexLock lock(&mutex_);
      stopped_ = true;
    }
    thread_.join();
  }

 private:
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  // Last: it uses the others.
  std::thread thread_;
};

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_TICKER_H_
