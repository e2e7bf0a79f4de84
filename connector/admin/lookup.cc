#include "connector/admin/lookup.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "connector/base/error.h"
#include "connector/config/destination_config.h"
#include "connector/config/segment_text.h"

namespace connector::admin {

absl::StatusOr<std::shared_ptr<const config::DestinationState>> FindDestination(
    const AdminContext& context, absl::string_view ad_account_id) {
  if (absl::Status s = config::CheckAdAccountId(ad_account_id, "ad_account_id");
      !s.ok()) {
    return s;
  }
  auto destination = context.registry->FindDestination(ad_account_id);
  if (destination == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                     "no destination is configured for this ad account");
  }
  return destination;
}

absl::StatusOr<membership::SegmentRow> FindSegment(
    const AdminContext& context, const config::DestinationState& destination,
    const audience_sync::v1::SegmentName& name) {
  const std::string& segment_namespace =
      name.segment_namespace().empty()
          ? destination.policy.default_segment_namespace
          : name.segment_namespace();
  auto segment = context.catalog->FindSegment(
      destination.number, config::StoredSegmentText(segment_namespace),
      config::StoredSegmentText(name.segment_id()));
  if (!segment.has_value()) {
    return MakeError(absl::StatusCode::kNotFound, "SEGMENT_NOT_FOUND",
                     "no export has brought this segment to the destination; "
                     "the status lists those that came");
  }
  return *std::move(segment);
}

}  // namespace connector::admin
