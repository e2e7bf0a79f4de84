#include "connector/delivery/call_window.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace connector::delivery {
namespace {

constexpr int kMarks = 256;
// No limit that anybody tells is larger; keeps sums far from overflow.
constexpr int64_t kMaxCalls = 1'000'000'000;

}  // namespace

int64_t CallWindow::limit() const {
  if (told_ == 0) return configured_;
  return configured_ == 0 ? told_ : std::min(configured_, told_);
}

void CallWindow::Forget(absl::Time now) {
  while (!marks_.empty() && marks_.front().last <= now - length_) {
    calls_ -= marks_.front().calls;
    marks_.pop_front();
  }
}

absl::Time CallWindow::RoomTime(int64_t reserve, absl::Time now) {
  const int64_t limit = this->limit();
  if (limit == 0) return now;
  Forget(now);
  // At least one place is for everybody, or small limits would stop all but
  // those the reserve is for.
  const int64_t places = std::max<int64_t>(1, limit - reserve);
  int64_t left = calls_;
  absl::Time time = now;
  for (const Mark& mark : marks_) {
    if (left < places) break;
    left -= mark.calls;
    time = mark.last + length_;
  }
  return time;
}

void CallWindow::Add(absl::Time now) {
  Forget(now);
  ++calls_;
  if (!marks_.empty() && now - marks_.back().first < length_ / kMarks) {
    marks_.back().last = std::max(marks_.back().last, now);
    ++marks_.back().calls;
    return;
  }
  marks_.push_back({now, now, 1});
}

std::string CallWindow::Encode() const {
  std::string text = absl::StrCat(told_);
  for (const Mark& mark : marks_) {
    absl::StrAppend(&text, ",", absl::ToUnixMillis(mark.first), ":",
                    absl::ToUnixMillis(mark.last), ":", mark.calls);
  }
  return text;
}

bool CallWindow::Decode(absl::string_view text, absl::Time now) {
  marks_.clear();
  calls_ = 0;
  told_ = 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ',');
  int64_t told = 0;
  if (!absl::SimpleAtoi(parts[0], &told) || told < 0) return false;
  std::deque<Mark> marks;
  int64_t calls = 0;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::vector<absl::string_view> numbers =
        absl::StrSplit(parts[i], ':');
    int64_t first = 0;
    int64_t last = 0;
    int64_t count = 0;
    if (numbers.size() != 3 || !absl::SimpleAtoi(numbers[0], &first) ||
        !absl::SimpleAtoi(numbers[1], &last) ||
        !absl::SimpleAtoi(numbers[2], &count) || count < 1 ||
        count > kMaxCalls || marks.size() > 2 * kMarks) {
      return false;
    }
    // A millisecond later than it may have been.
    marks.push_back(
        {std::min(now, absl::FromUnixMillis(first)),
         std::min(now, absl::FromUnixMillis(last) + absl::Milliseconds(1)),
         count});
    calls += count;
  }
  told_ = told;
  marks_ = std::move(marks);
  calls_ = calls;
  return true;
}

}  // namespace connector::delivery
