#ifndef CONNECTOR_EDGE_WORK_ROOM_H_
#define CONNECTOR_EDGE_WORK_ROOM_H_

#include <algorithm>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace connector::edge {

// Bounds how many bytes of bodies are worked on at a time, as a body that is
// parsed takes a few times its size. Thread-safe.
class WorkRoom {
 public:
  explicit WorkRoom(int64_t bytes) : limit_(bytes), free_(bytes) {}

  // A share of the room, given back when it goes away.
  class Share {
   public:
    // Waits until `deadline`; ok() says whether there was room. What is larger
    // than the room gets all of it.
    Share(WorkRoom* room, int64_t bytes, absl::Time deadline) : room_(room) {
      bytes = std::min(bytes, room->limit_);
      absl::MutexLock lock(&room->mutex_);
      const auto fits = [room, bytes]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                            room->mutex_) { return room->free_ >= bytes; };
      ok_ = room->mutex_.AwaitWithDeadline(absl::Condition(&fits), deadline);
      if (!ok_) return;
      room->free_ -= bytes;
      bytes_ = bytes;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
      absl::MutexLock lock(&room_->mutex_);
      room_->free_ += bytes_;
    }
    bool ok() const { return ok_; }

   private:
    WorkRoom* const room_;
    int64_t bytes_ = 0;
    bool ok_ = false;
  };

 private:
  const int64_t limit_;
  absl::Mutex mutex_;
  int64_t free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_WORK_ROOM_H_
