#include "connector/ingest/in_flight_budget.h"

#include <utility>

namespace connector::ingest {

void InFlightBudget::Take(int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  used_ += bytes;
}

void InFlightBudget::Return(int64_t bytes) {
  std::vector<std::weak_ptr<Waiter>> waiters;
  {
    absl::MutexLock lock(&mutex_);
    used_ -= bytes;
    if (used_ < limit_) waiters.swap(waiters_);
  }
  for (const std::weak_ptr<Waiter>& waiter : waiters) {
    if (std::shared_ptr<Waiter> alive = waiter.lock()) alive->OnRoom();
  }
}

bool InFlightBudget::HasRoom(const std::weak_ptr<Waiter>& waiter) {
  absl::MutexLock lock(&mutex_);
  if (used_ < limit_) return true;
  waiters_.push_back(waiter);
  return false;
}

bool InFlightBudget::HasRoom() const {
  absl::MutexLock lock(&mutex_);
  return used_ < limit_;
}

int64_t InFlightBudget::used() const {
  absl::MutexLock lock(&mutex_);
  return used_;
}

}  // namespace connector::ingest
