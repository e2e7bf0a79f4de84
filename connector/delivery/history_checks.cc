#include "connector/delivery/history_checks.h"

#include "absl/strings/str_cat.h"

namespace connector::delivery {

using Fault = FakePinterest::Fault;

bool Taken(Fault fault) {
  return fault == Fault::kNone || fault == Fault::kExceptions ||
         fault == Fault::kBudgetUsedUp || fault == Fault::kWrongCounters;
}

void BudgetCheck::Reset(int writes_per_minute, int reads_per_minute) {
  minutes_[false] = {writes_per_minute, {}};
  minutes_[true] = {reads_per_minute, {}};
}

void BudgetCheck::SetDays(int writes_per_day, int calls_per_day) {
  day_writes_ = {writes_per_day, {}};
  day_calls_ = {calls_per_day, {}};
}

int BudgetCheck::Window::Take(absl::Duration length, absl::Time time) {
  while (!calls.empty() && calls.front() <= time - length) calls.pop_front();
  calls.push_back(time);
  return static_cast<int>(calls.size());
}

bool BudgetCheck::Take(bool read, absl::Time time) {
  bool kept =
      minutes_[read].Take(absl::Minutes(1), time) <= minutes_[read].limit;
  if (day_calls_.limit == 0) return kept;
  kept &= day_calls_.Take(absl::Hours(24), time) <= day_calls_.limit;
  if (!read) {
    const int writes = day_writes_.Take(absl::Hours(24), time);
    kept &= writes <= day_writes_.limit;
    day_is_full_ |= writes >= day_writes_.limit * 9 / 10;
  }
  return kept;
}

void PassCheck::Take(const FakePinterest::Call& call) {
  // A pass that has to wait so long is given up and made anew.
  if (under_way() && call.time - last_ > absl::Minutes(1)) clean_ = false;
  last_ = call.time;
  if (call.what == "REMOVE") {
    ++removals_;
    removed_late_ |= additions_ > 0;
  } else {
    ++additions_;
  }
}

std::string PassCheck::Settled(int64_t added, int64_t removed, int64_t most) {
  std::string wrong;
  if (clean_) {
    const int64_t needed =
        (added + most - 1) / most + (removed + most - 1) / most;
    if (additions_ + removals_ > needed) {
      wrong = absl::StrCat("a pass that added ", added, " and removed ",
                           removed, " records, ", most, " a request, made ",
                           additions_ + removals_, " calls");
    } else if (removed_late_) {
      wrong = "a pass removed after it had added";
    }
  }
  *this = PassCheck();
  return wrong;
}

void RefusalCheck::Take(const FakePinterest::Call& call) {
  const ListKey list(call.ad_account_id, call.list_name);
  const Kind kind(list, call.what != "REMOVE");
  if (Taken(call.fault)) {
    ++successes_[kind];
    return;
  }
  if (call.fault != Fault::kBadRequest) return;
  const int64_t successes = successes_[kind];
  for (const std::string& record : call.records) {
    const auto [first, is_new] =
        first_refusals_.try_emplace({kind, record}, successes);
    if (!is_new && call.records.size() == 1 && successes > first->second) {
      proven_.emplace(list, record);
    }
  }
}

}  // namespace connector::delivery
