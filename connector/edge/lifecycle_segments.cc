#include "connector/edge/lifecycle_segments.h"

#include <string>

#include "audience_sync/v1/segment_service.pb.h"
#include "connector/admin/segment_lifecycle.h"
#include "connector/base/error.h"
#include "connector/config/segment_text.h"
#include "connector/delivery/list_name.h"

namespace connector::edge {
namespace {

namespace v1 = audience_sync::v1;

// The fields that all requests have; an empty name or description is one that
// the platform does not tell.
template <typename Request>
Request MakeRequest(const config::DestinationState& destination,
                    const SegmentNames& names) {
  Request request;
  request.set_ad_account_id(destination.ad_account_id);
  request.mutable_segment()->set_segment_namespace(names.segment_namespace);
  request.mutable_segment()->set_segment_id(names.segment_id);
  return request;
}

template <typename Request>
Request MakeNamingRequest(const config::DestinationState& destination,
                          const SegmentNames& names) {
  Request request = MakeRequest<Request>(destination, names);
  if (!names.display_name.empty()) {
    request.set_display_name(names.display_name);
  }
  if (!names.description.empty()) request.set_description(names.description);
  return request;
}

}  // namespace

absl::StatusOr<SegmentState> LifecycleSegments::StateOf(
    const config::DestinationState& destination,
    const SegmentNames& names) const {
  const auto row = context_.catalog->FindSegment(
      destination.number, config::StoredSegmentText(names.segment_namespace),
      config::StoredSegmentText(names.segment_id));
  if (!row.has_value()) {
    return MakeError(absl::StatusCode::kNotFound, "SEGMENT_NOT_FOUND",
                     "the destination has no such segment");
  }
  SegmentState state;
  state.segment_namespace = row->segment_namespace;
  state.segment_id = row->segment_id;
  state.customer_list_name =
      delivery::ListName(destination.policy.list_name_prefix,
                         row->segment_namespace, row->segment_id);
  const auto list = context_.ledger->GetList(row->list);
  if (list.ok()) state.customer_list_id = list->customer_list_id;
  return state;
}

absl::StatusOr<SegmentState> LifecycleSegments::Create(
    const config::DestinationState& destination, const SegmentNames& names) {
  const auto mapped = admin::MapSegment(
      context_, MakeNamingRequest<v1::MapSegmentRequest>(destination, names));
  if (!mapped.ok()) return mapped.status();
  return StateOf(destination, names);
}

absl::StatusOr<SegmentState> LifecycleSegments::Update(
    const config::DestinationState& destination, const SegmentNames& names) {
  const auto updated = admin::UpdateSegment(
      context_,
      MakeNamingRequest<v1::UpdateSegmentRequest>(destination, names));
  if (!updated.ok()) return updated.status();
  return StateOf(destination, names);
}

absl::Status LifecycleSegments::Delete(
    const config::DestinationState& destination, const SegmentNames& names,
    bool keep_members) {
  auto request = MakeRequest<v1::UnmapSegmentRequest>(destination, names);
  request.set_mode(keep_members ? v1::UNMAP_MODE_KEEP : v1::UNMAP_MODE_EMPTY);
  const absl::Status status = admin::UnmapSegment(context_, request).status();
  // A platform's second try must go well.
  if (GetErrorDetail(status).reason == "SEGMENT_NOT_FOUND") {
    return absl::OkStatus();
  }
  return status;
}

}  // namespace connector::edge
