#include "connector/delivery/history_shrinker.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace connector::delivery {
namespace {

class Shrinker {
 public:
  Shrinker(History history, const std::function<bool(const History&)>& fails,
           int most_runs)
      : best_(std::move(history)), fails_(fails), runs_left_(most_runs) {}

  History Shrink() {
    bool smaller = true;
    while (smaller && runs_left_ > 0) {
      smaller = DropSteps();
      smaller |= DropEvents();
      smaller |= LowerNumbers();
    }
    return std::move(best_);
  }

 private:
  // Takes the history over if it fails, too.
  bool Try(History candidate) {
    if (runs_left_ <= 0) return false;
    --runs_left_;
    if (!fails_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  bool DropSteps() {
    bool smaller = false;
    for (size_t size = std::max<size_t>(best_.steps.size() / 2, 1);;
         size /= 2) {
      for (size_t at = 0; at < best_.steps.size() && runs_left_ > 0;) {
        History candidate = best_;
        const auto from = candidate.steps.begin() + static_cast<ptrdiff_t>(at);
        const size_t count = std::min(size, candidate.steps.size() - at);
        candidate.steps.erase(from, from + static_cast<ptrdiff_t>(count));
        if (Try(std::move(candidate))) {
          smaller = true;
        } else {
          at += size;
        }
      }
      if (size == 1) return smaller;
    }
  }

  bool DropEvents() {
    bool smaller = false;
    for (size_t i = 0; i < best_.steps.size(); ++i) {
      size_t size = std::max<size_t>(best_.steps[i].events.size() / 2, 1);
      for (;; size /= 2) {
        for (size_t at = 0;
             at < best_.steps[i].events.size() && runs_left_ > 0;) {
          History candidate = best_;
          auto& events = candidate.steps[i].events;
          const auto from = events.begin() + static_cast<ptrdiff_t>(at);
          const size_t count = std::min(size, events.size() - at);
          events.erase(from, from + static_cast<ptrdiff_t>(count));
          if (Try(std::move(candidate))) {
            smaller = true;
          } else {
            at += size;
          }
        }
        if (size == 1) break;
      }
    }
    return smaller;
  }

  bool LowerNumbers() {
    bool smaller = false;
    for (size_t i = 0; i < best_.steps.size(); ++i) {
      const int numbers = NumbersOf(best_.steps[i].kind);
      for (int n = 0; n < numbers; ++n) {
        const int now = best_.steps[i].numbers[n];
        for (int lower : std::array<int, 4>{0, 1, now / 2, now - 1}) {
          if (lower < 0 || lower >= now || runs_left_ <= 0) continue;
          History candidate = best_;
          candidate.steps[i].numbers[n] = lower;
          if (Try(std::move(candidate))) {
            smaller = true;
            break;
          }
        }
      }
    }
    return smaller;
  }

  History best_;
  const std::function<bool(const History&)>& fails_;
  int runs_left_;
};

}  // namespace

History ShrinkHistory(History history,
                      const std::function<bool(const History&)>& fails,
                      int most_runs) {
  return Shrinker(std::move(history), fails, most_runs).Shrink();
}

}  // namespace connector::delivery
