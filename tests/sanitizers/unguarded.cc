// tools/check_threads.sh must find this: a guarded member without its lock.
// Built by nothing.

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

class Counter {
 public:
  void Add() {
    absl::MutexLock lock(&mutex_);
    ++value_;
  }
  int value() const { return value_; }

 private:
  mutable absl::Mutex mutex_;
  int value_ ABSL_GUARDED_BY(mutex_) = 0;
};

int Read(const Counter& counter) { return counter.value(); }
