#ifndef CONNECTOR_MEMBERSHIP_PENDING_QUEUE_H_
#define CONNECTOR_MEMBERSHIP_PENDING_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"
#include "connector/membership/types.h"

namespace connector::membership {

// Unsettled changes that some commits in a row brought to one list.
struct PendingSpan {
  CommitNumber first = 0;
  CommitNumber last = 0;
  // Of the commit `first`.
  absl::Time oldest_time;
  int64_t bytes = 0;
  bool has_removals = false;
};

// The unsettled commits of one list, oldest first, in bounded memory: when
// there are too many, neighbours are seen as one span, and what is left of a
// span that a pass ends within has to be looked up. Not thread-safe.
class PendingQueue {
 public:
  explicit PendingQueue(size_t max_spans) : max_spans_(max_spans) {}

  // `commit` must be newer than all others.
  void Push(CommitNumber commit, absl::Time time, int64_t bytes,
            bool has_removals);

  // The span that began at or before `through` and ends after it.
  std::optional<PendingSpan> SpanCutBy(CommitNumber through) const;

  // Drops the commits up to `through`. `rest` is what is left of the span that
  // SpanCutBy() gave; its `last` is 0 if nothing is. Returns the bytes that
  // were dropped.
  int64_t Settle(CommitNumber through, const PendingSpan& rest);

  // Takes bytes off a commit of the queue: less of it waits.
  void Shrink(CommitNumber commit, int64_t bytes);

  bool empty() const { return spans_.empty(); }
  // All commits together; the queue must not be empty.
  PendingSpan Total() const;
  int64_t bytes() const { return bytes_; }

 private:
  size_t max_spans_;
  std::deque<PendingSpan> spans_;
  int64_t bytes_ = 0;
  // Counted, so that Total() need not look at all.
  size_t spans_with_removals_ = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_PENDING_QUEUE_H_
