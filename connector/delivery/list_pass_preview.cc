#include <utility>

#include "connector/delivery/list_pass.h"

namespace connector::delivery {
namespace {

using membership::Change;

// Changes that are looked at under one view of the delivered state, which pins
// files while it is held.
constexpr int kChangesPerView = 500'000;

}  // namespace

absl::StatusOr<ListPreview> ListPass::Preview(
    std::shared_ptr<const config::DestinationState> destination) {
  PassRoute route;
  route.destination = std::move(destination);
  previewing_ = true;
  if (absl::Status status = Prepare(route); !status.ok()) return status;
  const size_t max_records = MaxRecords(route);
  const size_t max_bytes = MaxWireBytes(route);

  ListPreview preview;
  if (!forced_.empty() && !row_.customer_list_id.empty()) {
    preview.removals += static_cast<int64_t>(forced_.size());
    preview.requests +=
        static_cast<int64_t>((forced_.size() + max_records - 1) / max_records);
  }
  for (Change change : {Change::kRemove, Change::kAdd}) {
    SortedChanges::Reader& changes =
        change == Change::kRemove ? *removals_ : *additions_;
    int64_t& sent =
        change == Change::kRemove ? preview.removals : preview.additions;
    RecordBuffer request;
    for (bool ended = false; !ended;) {
      auto delivered = environment_.ledger->ReadDelivered(list_);
      if (!delivered.ok()) return delivered.status();
      for (int i = 0; i < kChangesPerView; ++i) {
        SortedChange next;
        auto more = changes.Next(&next);
        if (!more.ok()) return more.status();
        if (!*more) {
          ended = true;
          break;
        }
        auto entry = (*delivered)->Find(next.record);
        if (!entry.ok()) return entry.status();
        if (!MustSend(next, *entry)) continue;
        ++sent;
        request.Add(next.record, next.flags);
        if (request.size() >= max_records ||
            request.wire_bytes() >= max_bytes) {
          ++preview.requests;
          request.Clear();
        }
      }
    }
    if (!request.empty()) ++preview.requests;
  }
  preview.creates_list = row_.customer_list_id.empty() && preview.additions > 0;
  preview.settled = counts_;
  return preview;
}

}  // namespace connector::delivery
