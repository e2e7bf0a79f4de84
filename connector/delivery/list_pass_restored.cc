// The first look for the list of a store that was put back from a backup.
//
// Of several lists of a name the oldest is the segment's, as every look then
// finds the same one. But a list that was replaced after the backup was made
// has been emptied, or is being: the newest one is in use.

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "connector/delivery/counter_track.h"
#include "connector/delivery/list_pass.h"

namespace connector::delivery {

std::string ListPass::IgnoredThrough() const {
  if (!row_.look_for_newer ||
      ListFinder::Older(row_.customer_list_id, row_.ignored_through)) {
    return row_.ignored_through;
  }
  return row_.customer_list_id;
}

std::optional<ListPass::StepResult> ListPass::TakeNewest(
    const ListFinder& finder, absl::Time now) {
  const std::string known = row_.customer_list_id;
  if (finder.newest().empty() && known.empty()) return std::nullopt;
  row_.look_for_newer = false;
  if (!finder.newest().empty()) {
    row_.customer_list_id = finder.newest();
    row_.unknown_members = true;
    row_.creation_attempt_time = absl::InfinitePast();
    Count([&](membership::ListCounterRow& counted) {
      CountAdopted(row_, finder.newest_list(), now, counted);
    });
  }
  if (absl::Status status = environment_.ledger->UpdateList(row_);
      !status.ok()) {
    return StepResult{absl::IsNotFound(status) ? StepResult::Kind::kGone
                                               : StepResult::Kind::kAbandoned,
                      now + absl::Seconds(10), status};
  }
  if (row_.customer_list_id != known) {
    Observe(DeliveryEvent::Kind::kListAdopted,
            "made after the backup that was restored, found by its name");
    if (!known.empty() || finder.matches() > 1) {
      Observe(
          DeliveryEvent::Kind::kTwinListFound,
          absl::StrCat("the newest list of the name, ", row_.customer_list_id,
                       ", is used",
                       known.empty() ? "" : "; the backup knew list ", known));
    }
  }
  phase_ = Phase::kRemovals;
  return StepResult{StepResult::Kind::kAgain};
}

}  // namespace connector::delivery
