// The commit of a request to forget.

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/membership/commit_group.h"

namespace connector::membership {

absl::StatusOr<CommitOutcome> CommitGroup::Forget(const Batch& batch) {
  if (absl::Status s = core_.database.Healthy(); !s.ok()) return s;
  const ForgetRequest& request = *batch.forget;
  CommitOutcome outcome;
  ForgetRow row;
  membership::Forget& forget = row.forget;
  std::vector<std::pair<DestinationNumber, ForgetNumber>> done;
  // Lists that were not replaced.
  std::set<ListNumber> serving;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    if (core_.tables.FindDestination(batch.destination) == nullptr) {
      return DestinationNotFound();
    }
    const ForgetRow* known = nullptr;
    int64_t unfinished = 0;
    const auto look = [&](const ForgetRow& other) {
      if (other.forget.destination != batch.destination) return;
      if (other.forget.request_id == request.request_id) known = &other;
      if (!other.forget.done()) ++unfinished;
    };
    for (const auto& [key, other] : core_.tables.forgets) {
      look(other);
      if (key.first == batch.destination && other.forget.done()) {
        done.push_back(key);
      }
    }
    for (const ForgetRow& other : forgets_) look(other);
    if (known != nullptr) {
      // Once it is forgotten nobody can tell.
      if (!known->records.empty() && known->records != request.forms) {
        return MakeError(absl::StatusCode::kAlreadyExists, "REQUEST_ID_REUSED",
                         "the request ID was used for another identity");
      }
      outcome.repeat = true;
      outcome.forget = known->forget.number;
      return outcome;
    }
    if (unfinished >= limits::kMaxForgets) {
      return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_FORGETS",
                       absl::StrCat("the destination has ", unfinished,
                                    " requests to forget that are not done"));
    }
    for (const auto& [number, list] : core_.tables.lists) {
      if (list.row.destination != batch.destination) continue;
      ForgetList& each = forget.lists.emplace_back();
      each.list = number;
      each.segment = list.row.segment;
      each.customer_list_id = list.row.customer_list_id;
      const SegmentState* segment = core_.tables.FindSegment(list.row.segment);
      if (segment != nullptr && segment->row.list == number) {
        serving.insert(number);
      }
    }
  }
  std::sort(
      forget.lists.begin(), forget.lists.end(),
      [](const ForgetList& a, const ForgetList& b) { return a.list < b.list; });
  forget.destination = batch.destination;
  forget.number = newest_.next_order++;
  forget.commit = newest_.commit;
  forget.receipt_id = request.receipt_id;
  forget.request_id = request.request_id;
  forget.forms = static_cast<int64_t>(request.forms.size());
  forget.request_time = now_;
  row.records = request.forms;
  outcome.forget = forget.number;

  // Also for lists whose segment is not mapped, and those that were replaced.
  RunBuilder run;
  for (const identity_mapping::Record& form : request.forms) {
    run.Add(Change::kRemove, form, /*counted=*/false);
  }
  DestinationDraft& destination = destinations_[batch.destination];
  for (const ForgetList& list : forget.lists) {
    SegmentChanges changes;
    changes.segment = list.segment;
    changes.list = list.list;
    // An exit without a key: nobody holds it any more.
    if (serving.count(list.list) > 0 && IsHeld(changes)) {
      AddHeldRun(list.list, run, {Change::kRemove}, OrdersOf(run), destination);
    } else {
      AddRun(list.list, /*former=*/0, run, {Change::kRemove}, OrdersOf(run),
             destination);
    }
  }
  set_.Put(Family::kMeta,
           NumberKey(kForgetKey, batch.destination, forget.number),
           EncodeForget(row));
  forgets_.push_back(std::move(row));
  changed_ = true;

  const size_t most = limits::kMaxForgetReceipts - 1;
  for (size_t i = 0; i + most < done.size(); ++i) {
    set_.Delete(Family::kMeta,
                NumberKey(kForgetKey, done[i].first, done[i].second));
    old_forgets_.push_back(done[i]);
  }
  ReachCrashPoint(CrashPoint::kForgetUnwritten);
  return outcome;
}

void CommitGroup::PublishForgets() {
  for (ForgetRow& row : forgets_) {
    const auto key = std::make_pair(row.forget.destination, row.forget.number);
    core_.tables.forgets[key] = std::move(row);
    ReachCrashPoint(CrashPoint::kForgetWritten);
  }
  for (const auto& key : old_forgets_) core_.tables.forgets.erase(key);
}

}  // namespace connector::membership
