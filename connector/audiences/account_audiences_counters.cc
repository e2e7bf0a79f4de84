#include "absl/strings/str_cat.h"
#include "connector/audiences/account_audiences.h"
#include "connector/delivery/counter_track.h"

namespace connector::audiences {
namespace {

using delivery::CallKind;
using delivery::CallRoute;

}  // namespace

AccountAudiences::StepResult AccountAudiences::ReadCounters(
    const CallRoute& route) {
  const absl::Time now = environment_.clock->Now();
  // The lists that are watched, by their ids.
  std::map<std::string, membership::ListNumber> lists;
  for (const auto& segment : environment_.catalog->Segments(destination_)) {
    const auto row = environment_.counters->FindCounters(segment.list);
    if (!segment.paused && row.has_value() && !row->customer_list_id.empty()) {
      lists[row->customer_list_id] = segment.list;
    }
  }
  const auto again = [&] {
    counters_bookmark_.clear();
    counters_due_ =
        now + route.destination->policy.audiences.longest_poll_interval;
    return StepResult{false, now};
  };
  if (lists.empty()) return again();
  absl::Time retry;
  if (!MayCall(route, CallKind::kRead, &retry)) return {false, retry};
  auto page =
      route.credential->client().List(ad_account_id_, counters_bookmark_);
  Answered(route, CallKind::kRead, page.call());
  if (!page.ok()) {
    (void)again();
    if (auto result = Failed(route, CallKind::kRead, page.error())) {
      return *result;
    }
    return {false, now};
  }
  for (const pinterest::CustomerList& told : page.value().items) {
    const auto list = lists.find(told.id);
    if (list == lists.end()) continue;
    membership::ListCounters before;
    membership::ListCounters after;
    const absl::Status changed = environment_.counters->ChangeCounters(
        list->second, [&](membership::ListCounterRow& row) {
          before = row.foreign;
          delivery::CountRead(told, now, row);
          after = row.foreign;
        });
    if (changed.ok() && (after.uploaded != before.uploaded ||
                         after.removed != before.removed)) {
      Observe(AudienceEvent::Kind::kForeignWrites, "", "",
              absl::StrCat("somebody else writes to customer list ", told.id));
    }
  }
  if (page.value().bookmark.empty() ||
      page.value().bookmark == counters_bookmark_) {
    return again();
  }
  counters_bookmark_ = page.value().bookmark;
  return {false, now};
}

}  // namespace connector::audiences
