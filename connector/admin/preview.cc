#include "connector/admin/preview.h"

#include <optional>

#include "connector/admin/lookup.h"
#include "connector/admin/standing.h"
#include "connector/delivery/list_name.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

v1::SegmentPreview Shown(const config::DestinationState& destination,
                         const membership::SegmentReport& report,
                         const delivery::ListPreview& preview) {
  v1::SegmentPreview shown;
  v1::Segment* segment = shown.mutable_segment();
  segment->set_segment_namespace(report.segment.segment_namespace);
  segment->set_segment_id(report.segment.segment_id);
  if (!report.segment.display_name.empty()) {
    segment->set_display_name(report.segment.display_name);
  }
  shown.set_customer_list_name(delivery::ListName(
      destination.policy.list_name_prefix, report.segment.segment_namespace,
      report.segment.segment_id));
  shown.set_customer_list_id(report.list.customer_list_id);
  shown.set_creates_customer_list(preview.creates_list);
  shown.set_addition_count(preview.additions);
  shown.set_removal_count(preview.removals);
  shown.set_request_count(preview.requests);
  shown.set_already_there_count(preview.settled.already_there);
  shown.set_netted_out_count(preview.settled.netted_out);
  shown.set_superseded_count(preview.settled.superseded);
  shown.set_refused_count(preview.settled.refused);
  return shown;
}

}  // namespace

absl::StatusOr<v1::PreviewDeliveryResponse> PreviewDelivery(
    const AdminContext& context, const config::DestinationState& destination,
    const v1::PreviewDeliveryRequest& request,
    const std::function<bool()>& cancelled) {
  std::optional<membership::ListNumber> only;
  if (request.has_segment()) {
    auto segment = FindSegment(context, destination, request.segment());
    if (!segment.ok()) return segment.status();
    only = segment->list;
  }
  auto report = context.journal->Report(destination.number);
  if (!report.ok()) return report.status();
  v1::PreviewDeliveryResponse response;
  response.set_delivery_state(StandingOf(context, destination).state);
  for (const membership::SegmentReport& segment : report->segments) {
    if (only.has_value() && segment.segment.list != *only) continue;
    if (cancelled()) return absl::CancelledError("the caller is gone");
    auto preview = context.delivery->Preview(segment.segment.list);
    if (!preview.ok()) return preview.status();
    *response.add_segment_previews() = Shown(destination, segment, *preview);
  }
  return response;
}

}  // namespace connector::admin
