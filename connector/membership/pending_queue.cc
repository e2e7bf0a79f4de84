#include "connector/membership/pending_queue.h"

namespace connector::membership {

void PendingQueue::Push(CommitNumber commit, absl::Time time, int64_t bytes,
                        bool has_removals) {
  if (spans_.size() >= max_spans_ && spans_.size() > 1) {
    std::deque<PendingSpan> merged;
    spans_with_removals_ = 0;
    for (size_t i = 0; i < spans_.size(); i += 2) {
      PendingSpan span = spans_[i];
      if (i + 1 < spans_.size()) {
        span.last = spans_[i + 1].last;
        span.bytes += spans_[i + 1].bytes;
        span.has_removals |= spans_[i + 1].has_removals;
      }
      spans_with_removals_ += span.has_removals;
      merged.push_back(span);
    }
    spans_.swap(merged);
  }
  spans_.push_back({commit, commit, time, bytes, has_removals});
  bytes_ += bytes;
  spans_with_removals_ += has_removals;
}

std::optional<PendingSpan> PendingQueue::SpanCutBy(CommitNumber through) const {
  for (const PendingSpan& span : spans_) {
    if (span.first > through) break;
    if (span.last > through) return span;
  }
  return std::nullopt;
}

int64_t PendingQueue::Settle(CommitNumber through, const PendingSpan& rest) {
  const int64_t before = bytes_;
  while (!spans_.empty() && spans_.front().first <= through) {
    const PendingSpan span = spans_.front();
    spans_.pop_front();
    bytes_ -= span.bytes;
    spans_with_removals_ -= span.has_removals;
    if (span.last > through) {
      if (rest.last == 0) break;
      spans_.push_front(rest);
      bytes_ += rest.bytes;
      spans_with_removals_ += rest.has_removals;
      break;
    }
  }
  return before - bytes_;
}

void PendingQueue::Shrink(CommitNumber commit, int64_t bytes) {
  for (PendingSpan& span : spans_) {
    if (commit < span.first || commit > span.last) continue;
    span.bytes -= bytes;
    bytes_ -= bytes;
    return;
  }
}

PendingSpan PendingQueue::Total() const {
  PendingSpan total = spans_.front();
  total.last = spans_.back().last;
  total.bytes = bytes_;
  total.has_removals = spans_with_removals_ > 0;
  return total;
}

}  // namespace connector::membership
