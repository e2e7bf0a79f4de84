#include "connector/membership/pending_queue.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace connector::membership {
namespace {

struct Commit {
  CommitNumber number;
  absl::Time time;
  int64_t bytes;
  bool has_removals;
};

PendingSpan Sum(const std::vector<Commit>& commits, CommitNumber after,
                CommitNumber through) {
  PendingSpan span;
  for (const Commit& commit : commits) {
    if (commit.number <= after || commit.number > through) continue;
    if (span.first == 0) {
      span.first = commit.number;
      span.oldest_time = commit.time;
    }
    span.last = commit.number;
    span.bytes += commit.bytes;
    span.has_removals |= commit.has_removals;
  }
  return span;
}

// However few spans it may keep, the sums are those of all commits.
TEST(PendingQueueTest, KnowsWhatIsLeftInBoundedMemory) {
  std::mt19937_64 generator(1);
  for (size_t max_spans : {1, 2, 3, 8, 1000}) {
    PendingQueue queue(max_spans);
    std::vector<Commit> commits;
    CommitNumber number = 0;
    CommitNumber settled = 0;
    for (int step = 0; step < 3'000; ++step) {
      if (generator() % 10 != 0) {
        number += 1 + generator() % 3;
        const Commit commit{
            number, absl::FromUnixSeconds(static_cast<int64_t>(number)),
            static_cast<int64_t>(1 + generator() % 50), generator() % 3 == 0};
        commits.push_back(commit);
        queue.Push(commit.number, commit.time, commit.bytes,
                   commit.has_removals);
      } else {
        settled += generator() % 30;
        if (settled > number) settled = number;
        PendingSpan rest;
        if (auto cut = queue.SpanCutBy(settled)) {
          rest = Sum(commits, settled, cut->last);
        }
        const int64_t before = queue.bytes();
        const int64_t dropped = queue.Settle(settled, rest);
        EXPECT_EQ(dropped, before - queue.bytes());
      }
      const PendingSpan expected = Sum(commits, settled, number);
      ASSERT_EQ(queue.empty(), expected.first == 0);
      EXPECT_EQ(queue.bytes(), expected.bytes);
      if (queue.empty()) continue;
      const PendingSpan total = queue.Total();
      EXPECT_EQ(total.first, expected.first);
      EXPECT_EQ(total.last, expected.last);
      EXPECT_EQ(total.oldest_time, expected.oldest_time);
      EXPECT_EQ(total.bytes, expected.bytes);
      EXPECT_EQ(total.has_removals, expected.has_removals);
    }
  }
}

}  // namespace
}  // namespace connector::membership
