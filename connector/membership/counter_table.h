#ifndef CONNECTOR_MEMBERSHIP_COUNTER_TABLE_H_
#define CONNECTOR_MEMBERSHIP_COUNTER_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"

namespace connector::membership {

// Records and requests, as Pinterest counts them: num_uploaded_user_records,
// num_removed_user_records, num_batches.
struct ListCounters {
  int64_t uploaded = 0;
  int64_t removed = 0;
  int64_t batches = 0;
};

// What was sent to a list beside what Pinterest tells of it; delivery says what
// follows from it (counter_track.h).
struct ListCounterRow {
  // What it was kept for: with another list at Pinterest or another epoch it
  // begins anew.
  uint32_t epoch = 0;
  std::string customer_list_id;

  // What Pinterest told when counting began.
  bool has_base = false;
  ListCounters base;
  absl::Time base_time = absl::InfinitePast();
  // Who wrote to the list before is not known: what shows in the first minutes
  // may be that.
  bool base_settles = false;

  // Sent since and answered; sent (ever, or until it was old) and not answered:
  // may count, now, later or never.
  ListCounters sent;
  ListCounters open;
  absl::Time last_open_time = absl::InfinitePast();

  // The last that Pinterest told.
  bool has_told = false;
  ListCounters told;
  absl::Time told_time = absl::InfinitePast();
  // The list's own status: "READY".
  std::string list_status;

  // What nobody here sent, and when the last of it showed.
  ListCounters foreign;
  absl::Time foreign_time = absl::InfinitePast();
};

// The counters of lists. Goes with the destination. Thread-safe.
class CounterTable {
 public:
  virtual ~CounterTable() = default;

  virtual std::optional<ListCounterRow> FindCounters(ListNumber list) = 0;

  // Reads, changes and stores the row (a new one if there is none) in one step.
  // Not synced: the next synced write of the store, as that of a request's
  // doubt, makes it durable. `change` must not call the store. NOT_FOUND once
  // the destination is deleted.
  virtual absl::Status ChangeCounters(
      ListNumber list, absl::FunctionRef<void(ListCounterRow&)> change) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_COUNTER_TABLE_H_
