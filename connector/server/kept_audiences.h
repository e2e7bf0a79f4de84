#ifndef CONNECTOR_SERVER_KEPT_AUDIENCES_H_
#define CONNECTOR_SERVER_KEPT_AUDIENCES_H_

#include "connector/admin/audience_tasks.h"
#include "connector/audiences/audience_control.h"

namespace connector::server {

// The audiences of segments, as the life cycle of segments tells them.
class KeptAudiences final : public admin::SegmentAudiences {
 public:
  // `control` must outlive it.
  explicit KeptAudiences(audiences::AudienceControl* control)
      : control_(control) {}

  absl::Status Rename(const membership::SegmentRow& segment) override {
    // A name that exports gave is the usual one.
    return control_->Rename(segment.number,
                            segment.name_set ? segment.display_name : "",
                            segment.description);
  }
  absl::Status Retire(const membership::SegmentRow& segment) override {
    return control_->Retire(segment.number);
  }
  absl::Status Revive(const membership::SegmentRow& segment) override {
    return control_->Revive(segment.number);
  }
  absl::Status PointAtList(const membership::SegmentRow& segment) override {
    return control_->PointAtList(segment.number);
  }

 private:
  audiences::AudienceControl* const control_;
};

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_KEPT_AUDIENCES_H_
