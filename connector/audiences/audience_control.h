#ifndef CONNECTOR_AUDIENCES_AUDIENCE_CONTROL_H_
#define CONNECTOR_AUDIENCES_AUDIENCE_CONTROL_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "connector/membership/types.h"

namespace connector::audiences {

// What the rest of the process may ask of the CUSTOMER_LIST audience of a
// segment. A request is on stable storage when the call returns, and carried
// out as soon as Pinterest can be reached; while the destination makes no
// customer list audiences or is paused, it waits. Thread-safe.
//
// Errors: NOT_FOUND without such a segment, UNAVAILABLE STORE_FAILED.
class AudienceControl {
 public:
  virtual ~AudienceControl() = default;

  // Name and description of the audience, now and whenever it is made anew. An
  // empty name: back to the usual one; the same for the description.
  // INVALID_ARGUMENT for text with '@', control characters, or over 500 bytes
  // (name), 2,000 (description).
  virtual absl::Status Rename(membership::SegmentNumber segment,
                              absl::string_view name,
                              absl::string_view description) = 0;

  // Takes the audience out of use (PATCH operation_type REMOVE), and makes none
  // until Revive. One that was not made yet is not made; if a creation is
  // unanswered it is looked for and retired when it shows.
  virtual absl::Status Retire(membership::SegmentNumber segment) = 0;

  // Undoes Retire. Whether Pinterest takes a retired audience back is not
  // known: if it was told to retire it, another one is made.
  virtual absl::Status Revive(membership::SegmentNumber segment) = 0;

  // The segment's list is another one at Pinterest now, or will soon be: the
  // audience's rule is pointed at ListRow.customer_list_id of the segment's
  // list once that is not empty. (A keeper sees this by itself at its next
  // poll; this makes it look at once.)
  virtual absl::Status PointAtList(membership::SegmentNumber segment) = 0;

  // Forgets what is known of the audience; Pinterest is not told. It is looked
  // for again by its list.
  virtual absl::Status Forget(membership::SegmentNumber segment) = 0;
};

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_AUDIENCE_CONTROL_H_
