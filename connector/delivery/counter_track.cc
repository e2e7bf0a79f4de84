#include "connector/delivery/counter_track.h"

#include <algorithm>

namespace connector::delivery {
namespace {

using membership::Change;
using membership::ListCounterRow;
using membership::ListCounters;

ListCounters Sum(const ListCounters& a, const ListCounters& b) {
  return {a.uploaded + b.uploaded, a.removed + b.removed,
          a.batches + b.batches};
}

ListCounters Larger(const ListCounters& a, const ListCounters& b) {
  return {std::max(a.uploaded, b.uploaded), std::max(a.removed, b.removed),
          std::max(a.batches, b.batches)};
}

// What `a` has above `b`.
ListCounters Above(const ListCounters& a, const ListCounters& b) {
  return Larger(
      {a.uploaded - b.uploaded, a.removed - b.removed, a.batches - b.batches},
      {});
}

bool HasRecords(const ListCounters& counters) {
  return counters.uploaded > 0 || counters.removed > 0;
}

ListCounters Of(Change change, int64_t records) {
  return change == Change::kAdd ? ListCounters{records, 0, 1}
                                : ListCounters{0, records, 1};
}

// Makes sure that the row is of this list and epoch.
void Identify(const membership::ListRow& list, ListCounterRow& row) {
  if (row.epoch == list.epoch &&
      row.customer_list_id == list.customer_list_id) {
    return;
  }
  const bool same_list = row.customer_list_id == list.customer_list_id;
  ListCounterRow fresh;
  fresh.epoch = list.epoch;
  fresh.customer_list_id = list.customer_list_id;
  if (list.customer_list_id.empty()) {
    // It will be made by the request that is about to go out.
    fresh.has_base = true;
  }
  if (same_list) {
    fresh.open = row.open;
    fresh.last_open_time = row.last_open_time;
  }
  row = fresh;
}

void Told(const pinterest::CustomerList& list, absl::Time now,
          ListCounterRow& row) {
  row.list_status = list.status;
  if (!list.num_uploaded_user_records.has_value() ||
      !list.num_removed_user_records.has_value() ||
      !list.num_batches.has_value()) {
    return;
  }
  row.has_told = true;
  row.told = {*list.num_uploaded_user_records, *list.num_removed_user_records,
              *list.num_batches};
  row.told_time = now;
  const ListCounters least = Sum(row.base, row.sent);
  const auto rebase = [&] {
    // Pinterest may lag behind, and an answer may come in behind a newer one.
    row.base = Larger(row.told, least);
    row.sent = {};
  };
  if (!row.has_base) {
    row.has_base = true;
    row.base_time = now;
    row.base_settles = true;
    row.base = row.told;
    row.sent = {};
    return;
  }
  if (row.base_settles) {
    if (now < row.base_time + kBaseSettleTime) {
      rebase();
      return;
    }
    row.base_settles = false;
  }
  const ListCounters above = Above(row.told, Sum(least, row.open));
  if (HasRecords(above)) {
    row.foreign = Sum(row.foreign, above);
    row.foreign_time = now;
    rebase();
    return;
  }
  // What was not answered a day ago has been counted by now, or never will be.
  if (row.open.batches > 0 && now >= row.last_open_time + kOpenCountWindow &&
      !HasRecords(Above(least, row.told))) {
    row.open = {};
    rebase();
  }
}

}  // namespace

void CountRequest(const membership::ListRow& list, Change change,
                  int64_t records, absl::Time now, ListCounterRow& row) {
  Identify(list, row);
  row.open = Sum(row.open, Of(change, records));
  row.last_open_time = now;
}

void CountNotSent(Change change, int64_t records, ListCounterRow& row) {
  row.open = Above(row.open, Of(change, records));
}

void CountAnswer(Change change, int64_t records,
                 const pinterest::CustomerList& answer, absl::Time now,
                 ListCounterRow& row) {
  CountNotSent(change, records, row);
  row.sent = Sum(row.sent, Of(change, records));
  if (row.customer_list_id.empty()) row.customer_list_id = answer.id;
  Told(answer, now, row);
}

void CountAdopted(const membership::ListRow& list,
                  const pinterest::CustomerList& found, absl::Time now,
                  ListCounterRow& row) {
  const ListCounterRow before = row;
  row = {};
  row.epoch = list.epoch;
  row.customer_list_id = list.customer_list_id;
  row.open = before.open;
  row.last_open_time = before.last_open_time;
  Told(found, now, row);
}

void CountRead(const pinterest::CustomerList& list, absl::Time now,
               ListCounterRow& row) {
  if (row.customer_list_id.empty() || row.customer_list_id != list.id) return;
  Told(list, now, row);
}

}  // namespace connector::delivery
