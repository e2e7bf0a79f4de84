#include "connector/delivery/backlog_netting.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "connector/delivery/change_sorter.h"
#include "identity_mapping/record.h"

namespace connector::delivery {
namespace {

using identity_mapping::RecordKind;
using identity_mapping::RecordView;
using membership::Change;
using membership::EventOrder;

// An order as a record, so that the sorter sorts by it.
class OrderKey {
 public:
  explicit OrderKey(EventOrder order) {
    bytes_[0] = static_cast<char>(RecordKind::kOpaque);
    for (int i = 0; i < 8; ++i) {
      bytes_[1 + i] = static_cast<char>(order >> (56 - 8 * i));
    }
  }
  std::optional<RecordView> view() const {
    return RecordView::FromEncoded({bytes_, sizeof bytes_});
  }

 private:
  char bytes_[9];
};

}  // namespace

absl::Status NetBacklog(membership::Ledger& ledger, SortBudget* sort_budget,
                        const std::string& spill_directory,
                        const std::atomic<bool>* stop,
                        membership::ListNumber list) {
  const auto stopped = [&] { return stop != nullptr && *stop; };
  const membership::CommitNumber through = ledger.SyncedCommit();
  auto row = ledger.GetList(list);
  if (!row.ok()) return row.status();

  // The last event of each record that may overtake others.
  ChangeSorter by_record(sort_budget, spill_directory);
  for (Change change : {Change::kRemove, Change::kAdd}) {
    auto runs = ledger.ReadRuns(list, change, row->settled, through);
    if (!runs.ok()) return runs.status();
    membership::RunEntry entry;
    while ((*runs)->Next(&entry)) {
      if (stopped()) return absl::CancelledError("the connector stops");
      if (entry.holder.has_value()) return absl::OkStatus();
      if (entry.replay ||
          (change == Change::kAdd && entry.event_time.has_value())) {
        continue;
      }
      SortedChange sorted;
      sorted.record = entry.record;
      sorted.order = entry.order;
      sorted.change = change;
      if (absl::Status s = by_record.Add(sorted); !s.ok()) return s;
    }
    if (!(*runs)->status().ok()) return (*runs)->status();
  }
  auto last = by_record.Finish();
  if (!last.ok()) return last.status();

  // Their orders, ascending.
  ChangeSorter by_order(sort_budget, spill_directory);
  for (const SortedChanges* changes : {&last->removals, &last->additions}) {
    SortedChanges::Reader reader(*changes);
    SortedChange next;
    for (;;) {
      if (stopped()) return absl::CancelledError("the connector stops");
      auto more = reader.Next(&next);
      if (!more.ok()) return more.status();
      if (!*more) break;
      const OrderKey key(next.order);
      const std::optional<RecordView> record = key.view();
      if (!record.has_value()) return absl::InternalError("no key");
      SortedChange order;
      order.record = *record;
      order.order = next.order;
      order.change = Change::kAdd;
      if (absl::Status s = by_order.Add(order); !s.ok()) return s;
    }
  }
  auto orders = by_order.Finish();
  if (!orders.ok()) return orders.status();
  SortedChanges::Reader standing(orders->additions);
  SortedChange head;
  auto have = standing.Next(&head);
  const auto stands = [&](EventOrder order) -> absl::StatusOr<bool> {
    if (stopped()) return absl::CancelledError("the connector stops");
    while (have.ok() && *have && head.order < order) {
      have = standing.Next(&head);
    }
    if (!have.ok()) return have.status();
    return *have && head.order == order;
  };
  return ledger.DropOvertaken(list, through, stands);
}

}  // namespace connector::delivery
