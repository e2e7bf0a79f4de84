#ifndef CONNECTOR_EDGE_LIFECYCLE_SEGMENTS_H_
#define CONNECTOR_EDGE_LIFECYCLE_SEGMENTS_H_

#include <utility>

#include "connector/admin/context.h"
#include "connector/edge/segment_admin.h"

namespace connector::edge {

// A platform's audience calls as those of SegmentService.
class LifecycleSegments final : public SegmentAdmin {
 public:
  explicit LifecycleSegments(admin::AdminContext context)
      : context_(std::move(context)) {}

  absl::StatusOr<SegmentState> Create(
      const config::DestinationState& destination,
      const SegmentNames& names) override;
  absl::StatusOr<SegmentState> Update(
      const config::DestinationState& destination,
      const SegmentNames& names) override;
  absl::Status Delete(const config::DestinationState& destination,
                      const SegmentNames& names, bool keep_members) override;

 private:
  absl::StatusOr<SegmentState> StateOf(
      const config::DestinationState& destination,
      const SegmentNames& names) const;

  const admin::AdminContext context_;
};

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_LIFECYCLE_SEGMENTS_H_
