#ifndef CONNECTOR_EDGE_SEGMENT_ADMIN_H_
#define CONNECTOR_EDGE_SEGMENT_ADMIN_H_

#include <string>

#include "absl/status/statusor.h"
#include "connector/config/destination_config.h"

namespace connector::edge {

// A segment as a platform's audience calls name it.
struct SegmentNames {
  // Never empty.
  std::string segment_namespace;
  std::string segment_id;
  // Empty: none is said.
  std::string display_name;
  std::string description;
};

// What became of it.
struct SegmentState {
  // As the connector calls it from now on: an id with an address in it is
  // hashed.
  std::string segment_namespace;
  std::string segment_id;
  std::string customer_list_name;
  // Pinterest's; empty while the list waits for its first members.
  std::string customer_list_id;
};

// The audience calls of a platform, on the segments of a destination. Durable
// when they return; what there is to do at Pinterest is done later.
// Thread-safe. Errors as the API's: INVALID_ARGUMENT, NOT_FOUND,
// FAILED_PRECONDITION, RESOURCE_EXHAUSTED, UNAVAILABLE.
class SegmentAdmin {
 public:
  virtual ~SegmentAdmin() = default;

  // Maps the segment; of one that is mapped, the names change.
  virtual absl::StatusOr<SegmentState> Create(
      const config::DestinationState& destination,
      const SegmentNames& names) = 0;
  // NOT_FOUND if the segment is not known.
  virtual absl::StatusOr<SegmentState> Update(
      const config::DestinationState& destination,
      const SegmentNames& names) = 0;
  // Ends the mapping; `keep_members` leaves the list as it is, otherwise it is
  // emptied. Of a segment that is not known or not mapped: nothing is to be
  // done.
  virtual absl::Status Delete(const config::DestinationState& destination,
                              const SegmentNames& names, bool keep_members) = 0;
};

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_SEGMENT_ADMIN_H_
