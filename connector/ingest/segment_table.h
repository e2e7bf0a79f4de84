#ifndef CONNECTOR_INGEST_SEGMENT_TABLE_H_
#define CONNECTOR_INGEST_SEGMENT_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/config/destination_config.h"
#include "connector/membership/catalog.h"
#include "connector/membership/intake.h"

namespace connector::ingest {

// A segment that a batch names.
struct BatchSegment {
  // As stored; the namespace is never empty unless `reason` is set.
  std::string segment_namespace;
  std::string segment_id;
  std::string display_name;
  // Why its memberships are rejected; unspecified while they are not.
  audience_sync::v1::RejectionReason reason =
      audience_sync::v1::REJECTION_REASON_UNSPECIFIED;
  // Its place in Batch.segments; -1 until Ensure().
  int changes = -1;
};

// Finds the segments of one batch: each is checked once and looked up in the
// store once, whether it is named in the batch's table or in place. Not
// thread-safe; lives no longer than what it was made from.
class SegmentTable {
 public:
  SegmentTable(const config::DestinationState& destination,
               const audience_sync::v1::ExportBatch& batch,
               membership::Catalog* catalog,
               std::vector<membership::SegmentChanges>* changes);

  // The segment of a membership: never nullptr, valid until the next call.
  // SEGMENT_INVALID if the membership names none.
  BatchSegment* Find(const audience_sync::v1::SegmentMembership& membership);

  // Sees that the segment is in the store and has its place in the changes.
  // Sets TOO_MANY_CUSTOMER_LISTS if it may have no list; any other trouble of
  // the store is an error.
  absl::Status Ensure(BatchSegment* segment);

 private:
  // Namespace (default filled in) and id, as the host wrote them.
  using Key = std::pair<absl::string_view, absl::string_view>;

  int Intern(const audience_sync::v1::Segment& segment);
  BatchSegment Check(const audience_sync::v1::Segment& segment) const;

  const config::DestinationState& destination_;
  membership::Catalog* const catalog_;
  std::vector<membership::SegmentChanges>* const changes_;
  std::vector<BatchSegment> segments_;
  // From the batch's table to segments_.
  std::vector<int> table_;
  absl::flat_hash_map<Key, int> by_name_;
};

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_SEGMENT_TABLE_H_
