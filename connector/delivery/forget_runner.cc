#include "connector/delivery/forget_runner.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::delivery {
namespace {

using membership::DestinationNumber;
using membership::Forget;
using membership::ForgetList;
using membership::ForgetPhase;
using membership::ListNumber;

// Between two looks while something is to be done.
constexpr absl::Duration kPollInterval = absl::Milliseconds(500);
// The same when nothing is.
constexpr absl::Duration kIdleInterval = absl::Seconds(10);
constexpr absl::Duration kCheckInterval = absl::Minutes(1);
// A purge gives up the passes that are under way and reads what waits: it may
// take a tenth of the time, and requests that come close together share one.
constexpr absl::Duration kShortestRest = absl::Seconds(2);
constexpr int kRestPerPurge = 10;
constexpr absl::Duration kRetryInterval = absl::Seconds(5);

}  // namespace

void ForgetRunner::Start() {
  thread_ = std::thread([this] { Work(); });
}

void ForgetRunner::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  if (thread_.joinable()) options_.forgets->CancelPurge();
  if (thread_.joinable()) thread_.join();
}

void ForgetRunner::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
  wake_.SignalAll();
}

void ForgetRunner::Work() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    woken_ = false;
    mutex_.Unlock();
    const bool ran = RunReadyStep();
    const bool idle = !ran && options_.forgets->UnfinishedForgets().empty();
    mutex_.Lock();
    if (ran || woken_ || stopping_) continue;
    wake_.WaitWithTimeout(&mutex_, idle ? kIdleInterval : kPollInterval);
  }
}

bool ForgetRunner::RunReadyStep() {
  const absl::StatusOr<bool> progress = options_.forgets->NoteProgress();
  if (!progress.ok()) {
    Observe(0, std::string(progress.status().message()));
    return false;
  }
  const std::vector<Forget> unfinished = options_.forgets->UnfinishedForgets();
  CheckGone(unfinished);
  bool ran = *progress;
  std::set<DestinationNumber> destinations;
  for (const Forget& forget : unfinished) {
    if (forget.phase == ForgetPhase::kPurging ||
        forget.phase == ForgetPhase::kErasing) {
      destinations.insert(forget.destination);
    }
  }
  const absl::Time now = options_.clock->Now();
  for (DestinationNumber destination : destinations) {
    absl::Time& next = purge_times_[destination];
    if (next > now) continue;
    const absl::Time begin = options_.clock->Now();
    const absl::Status status = Purge(destination);
    const absl::Time end = options_.clock->Now();
    next = end + (status.ok()
                      ? std::max(kShortestRest, kRestPerPurge * (end - begin))
                      : kRetryInterval);
    if (status.ok()) {
      ran = true;
    } else if (!absl::IsCancelled(status)) {
      Observe(destination, absl::StrCat("the purge waits: ", status.message()));
    }
  }
  return ran;
}

void ForgetRunner::CheckGone(const std::vector<Forget>& unfinished) {
  const absl::Time now = options_.clock->Now();
  std::set<ListNumber> lists;
  for (const Forget& forget : unfinished) {
    if (forget.phase != ForgetPhase::kRemoving) continue;
    for (const ForgetList& list : forget.lists) {
      if (list.outcome == ForgetList::Outcome::kWaiting) {
        lists.insert(list.list);
      }
    }
  }
  if (lists.empty()) check_times_.clear();
  for (ListNumber list : lists) {
    const absl::Status reason = options_.deliverer->ListCondition(list).reason;
    if (!absl::StrContains(GetErrorDetail(reason).reason, "NOT_FOUND")) {
      continue;
    }
    absl::Time& next = check_times_.try_emplace(list).first->second;
    if (next > now) continue;
    next = now + kCheckInterval;
    const auto row = options_.ledger->GetList(list);
    if (!row.ok() || !IsGone(row->destination, *row)) continue;
    if (options_.forgets->NoteListGone(list).ok()) {
      Observe(row->destination,
              absl::StrCat("list ", row->customer_list_id,
                           " is gone: who is forgotten is not on it"));
    }
  }
}

// A 404 may also be about the account, or a part of Pinterest may not know the
// list yet: a read has to say so, too, and the account has to be there.
bool ForgetRunner::IsGone(DestinationNumber destination,
                          const membership::ListRow& row) {
  auto route = options_.deliverer->RouteTo(destination);
  if (!route.ok() || row.customer_list_id.empty()) return false;
  CallPacer& pacer = route->credential->pacer();
  const auto granted = [&] {
    return pacer.TryAcquire(CallKind::kRead, options_.clock->Now()).granted;
  };
  if (!granted()) return false;
  const std::string& account = route->destination->ad_account_id;
  const auto list =
      route->credential->client().Get(account, row.customer_list_id);
  if (list.ok() ||
      list.error().error_class != pinterest::ErrorClass::kNotFound) {
    return false;
  }
  return granted() && route->credential->client().List(account, "").ok();
}

absl::Status ForgetRunner::Purge(DestinationNumber destination) {
  std::vector<membership::ForgetNumber> numbers;
  for (const Forget& forget : options_.forgets->UnfinishedForgets()) {
    if (forget.destination == destination &&
        forget.phase == ForgetPhase::kPurging) {
      numbers.push_back(forget.number);
    }
  }
  if (!numbers.empty()) {
    // A list that is replaced meanwhile hands what it has to another one.
    std::set<ListNumber> purged;
    for (bool more = true; more;) {
      more = false;
      for (ListNumber list : options_.forgets->ListsOf(destination)) {
        if (purged.count(list) > 0) continue;
        more = true;
        absl::Status status;
        if (!options_.deliverer->RunAlone(
                list, [&] { status = options_.forgets->PurgeList(list); })) {
          return absl::CancelledError("the connector stops");
        }
        if (!status.ok()) return status;
        purged.insert(list);
      }
    }
    // What profiles say and what they hold have to belong together.
    if (absl::Status s = options_.deliverer->BringUpPeople(destination);
        !s.ok()) {
      return s;
    }
    if (absl::Status s = options_.forgets->EndPurge(destination, numbers);
        !s.ok()) {
      return s;
    }
  }
  if (absl::Status s = options_.forgets->EraseRows(destination); !s.ok()) {
    return s;
  }
  Observe(destination,
          absl::StrCat(numbers.size(), " requests to forget are done"));
  return absl::OkStatus();
}

void ForgetRunner::Observe(DestinationNumber destination,
                           const std::string& message) {
  if (!options_.observer) return;
  const auto state = options_.registry->FindDestination(destination);
  options_.observer({DeliveryEvent::Kind::kForgetting,
                     state == nullptr ? "" : state->ad_account_id, 0, "",
                     message});
}

}  // namespace connector::delivery
