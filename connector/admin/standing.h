#ifndef CONNECTOR_ADMIN_STANDING_H_
#define CONNECTOR_ADMIN_STANDING_H_

#include <string>

#include "absl/status/status.h"
#include "audience_sync/v1/sync_status.pb.h"
#include "connector/admin/context.h"
#include "connector/base/error.h"
#include "connector/config/registry.h"
#include "connector/membership/types.h"

namespace connector::admin {

// Whether delivery of something goes on: the operator's pauses and what
// delivery found, brought together.
struct Standing {
  audience_sync::v1::DeliveryState state =
      audience_sync::v1::DELIVERY_STATE_ACTIVE;
  // Why; OK while active.
  absl::Status reason;
  // The same as a precondition: what has to be mended, by type and name.
  ErrorDetail::Violation violation;

  // Nothing is delivered before somebody acts or a probe succeeds.
  bool stopped() const {
    return by_operator() || state == audience_sync::v1::DELIVERY_STATE_BLOCKED;
  }
  // Only the operator can end it.
  bool by_operator() const {
    return state == audience_sync::v1::DELIVERY_STATE_PAUSED ||
           state == audience_sync::v1::DELIVERY_STATE_DRY_RUN;
  }
};

// Of the destination as a whole: its pause, its credential, its ad account.
Standing StandingOf(const AdminContext& context,
                    const config::DestinationState& destination);

// Of one segment's list by itself, without regard to its destination.
Standing StandingOf(const AdminContext& context,
                    const membership::SegmentRow& segment);

// Of a credential by itself.
Standing StandingOfCredential(const AdminContext& context,
                              absl::string_view credential_id);

// "namespace/id", for people.
std::string SegmentLabel(const membership::SegmentRow& segment);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_STANDING_H_
