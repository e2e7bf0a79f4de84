#include "connector/delivery/people_runner.h"

#include <algorithm>
#include <memory>

#include "connector/base/error.h"
#include "connector/delivery/people_sorter.h"

namespace connector::delivery {
namespace {

using membership::DestinationNumber;

// Between two looks at a destination that something holds up.
constexpr absl::Duration kRetryDelay = absl::Seconds(1);
constexpr absl::Duration kFailureDelay = absl::Seconds(30);

// Statements that are brought in whatever the flush interval says: sorting
// more at once makes it no faster.
constexpr int64_t kLargeBytes = int64_t{1} << 30;

}  // namespace

std::pair<DestinationNumber, absl::Time> PeopleRunner::FindDue() {
  std::pair<DestinationNumber, absl::Time> first{0, absl::InfiniteFuture()};
  const auto waiting = options_.people->WaitingForPeople();
  absl::MutexLock lock(&mutex_);
  if (waiting.empty()) {
    not_before_.clear();
    flush_.clear();
  }
  for (const membership::WaitingPeople& each : waiting) {
    const auto destination =
        options_.registry->FindDestination(each.destination);
    if (destination == nullptr) continue;
    absl::Time due = each.oldest_time + destination->policy.max_delay;
    if (each.urgent || each.bytes >= kLargeBytes ||
        flush_.count(each.destination) > 0) {
      due = absl::InfinitePast();
    }
    const auto later = not_before_.find(each.destination);
    if (later != not_before_.end()) due = std::max(due, later->second);
    if (due < first.second) first = {each.destination, due};
  }
  return first;
}

absl::Time PeopleRunner::NextStepTime() { return FindDue().second; }

absl::Status PeopleRunner::BringUp(DestinationNumber number) {
  const auto destination = options_.registry->FindDestination(number);
  if (destination == nullptr) return absl::NotFoundError("no such destination");
  membership::People::BringUpOptions bring_up;
  bring_up.make_sorter = [this] {
    return std::make_unique<SpillingPeopleSorter>(options_.sort_budget,
                                                  options_.spill_directory);
  };
  bring_up.late_addition_window = destination->policy.late_addition_window;
  bring_up.stop = options_.stop;
  return options_.people->BringUp(number, bring_up);
}

bool PeopleRunner::RunReadyStep() {
  const auto [number, due] = FindDue();
  if (number == 0 || due > options_.clock->Now()) return false;
  const auto destination = options_.registry->FindDestination(number);
  if (destination == nullptr) return false;
  {
    absl::MutexLock lock(&mutex_);
    flush_.erase(number);
    not_before_.erase(number);
  }
  const absl::Status status = BringUp(number);
  if (status.ok() || absl::IsCancelled(status) || absl::IsNotFound(status)) {
    return true;
  }
  const bool waits = GetErrorDetail(status).reason == "HOLDERS_WAIT";
  {
    absl::MutexLock lock(&mutex_);
    not_before_[number] =
        options_.clock->Now() + (waits ? kRetryDelay : kFailureDelay);
  }
  if (!waits && options_.observer) {
    options_.observer({DeliveryEvent::Kind::kInternalError,
                       destination->ad_account_id, 0, "",
                       std::string(status.message())});
  }
  return true;
}

void PeopleRunner::Flush(DestinationNumber destination) {
  absl::MutexLock lock(&mutex_);
  flush_.insert(destination);
}

}  // namespace connector::delivery
