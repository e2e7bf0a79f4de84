#ifndef CONNECTOR_ADMIN_AUDIENCE_TASKS_H_
#define CONNECTOR_ADMIN_AUDIENCE_TASKS_H_

#include "absl/status/status.h"
#include "connector/membership/operations.h"
#include "connector/membership/types.h"

namespace connector::admin {

// What keeps the audiences of segments, as the life cycle of segments needs it.
// A request is durable when the call returns; NOT_FOUND: there is no such
// segment any more. May be called from one thread at a time.
class SegmentAudiences {
 public:
  virtual ~SegmentAudiences() = default;
  virtual absl::Status Rename(const membership::SegmentRow& segment) = 0;
  virtual absl::Status Retire(const membership::SegmentRow& segment) = 0;
  virtual absl::Status Revive(const membership::SegmentRow& segment) = 0;
  virtual absl::Status PointAtList(const membership::SegmentRow& segment) = 0;
};

// Tells the audiences what they were not told yet (nobody, if there are none),
// and lets what waits for it go on. What fails is tried again at the next call.
// Returns the first failure.
absl::Status TellAudiences(membership::Operations& operations,
                           SegmentAudiences* audiences);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_AUDIENCE_TASKS_H_
