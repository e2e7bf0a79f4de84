#ifndef CONNECTOR_DELIVERY_COUNTER_TRACK_H_
#define CONNECTOR_DELIVERY_COUNTER_TRACK_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/types.h"
#include "connector/pinterest/customer_list_client.h"

// What Pinterest's counters of a list say about who writes to it. Pinterest
// counts every record of every request, repeats too (schema CustomerList). So
// from one answer to the next they grow by what was sent and answered, at most
// by what was sent and never answered besides; what is beyond that, somebody
// else sent. Only the counts of records decide: whether a refused request
// counts as a batch is not known.
namespace connector::delivery {

// How long a request that was not answered may still come to count.
inline constexpr absl::Duration kOpenCountWindow = absl::Hours(24);
// How long after a list was taken over nothing is concluded: an earlier writer
// (this program before a restore, say) may have requests under way.
inline constexpr absl::Duration kBaseSettleTime = absl::Hours(1);

// A request is about to go out. `list` as stored; one that is not there yet is
// about to be created.
void CountRequest(const membership::ListRow& list, membership::Change change,
                  int64_t records, absl::Time now,
                  membership::ListCounterRow& row);

// That request surely had no effect.
void CountNotSent(membership::Change change, int64_t records,
                  membership::ListCounterRow& row);

// That request was answered.
void CountAnswer(membership::Change change, int64_t records,
                 const pinterest::CustomerList& answer, absl::Time now,
                 membership::ListCounterRow& row);

// A list was found by its name and taken over.
void CountAdopted(const membership::ListRow& list,
                  const pinterest::CustomerList& found, absl::Time now,
                  membership::ListCounterRow& row);

// A list was read. Nothing happens if the row is of another list.
void CountRead(const pinterest::CustomerList& list, absl::Time now,
               membership::ListCounterRow& row);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_COUNTER_TRACK_H_
