#include "connector/edge/catalog_segments.h"

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/field_check.h"
#include "connector/config/segment_text.h"

namespace connector::edge {
namespace {

absl::Status CheckNames(const config::DestinationState& destination,
                        const SegmentNames& names) {
  config::FieldCheck check;
  check.Text("segmentNamespace", names.segment_namespace,
             limits::kMaxSegmentNamespaceBytes);
  check.Text("segmentId", names.segment_id, limits::kMaxSegmentIdBytes);
  check.Text("name", names.display_name, limits::kMaxSegmentNameBytes);
  if (!destination.policy.TakesSegmentNamespace(names.segment_namespace)) {
    check.Add("segmentNamespace",
              "the destination takes no segments of this namespace");
  }
  return check.ToStatus();
}

}  // namespace

absl::StatusOr<SegmentState> CatalogSegments::Create(
    const config::DestinationState& destination, const SegmentNames& names) {
  if (absl::Status s = CheckNames(destination, names); !s.ok()) return s;
  const auto row = catalog_->EnsureSegment(
      destination.number, config::StoredSegmentText(names.segment_namespace),
      config::StoredSegmentText(names.segment_id),
      config::StoredSegmentText(names.display_name),
      destination.policy.max_customer_lists);
  if (!row.ok()) return row.status();
  SegmentState state;
  state.segment_namespace = row->segment_namespace;
  state.segment_id = row->segment_id;
  state.customer_list_name =
      absl::StrCat(destination.policy.list_name_prefix, "/",
                   row->segment_namespace, "/", row->segment_id);
  return state;
}

absl::StatusOr<SegmentState> CatalogSegments::Update(
    const config::DestinationState& destination, const SegmentNames& names) {
  if (absl::Status s = CheckNames(destination, names); !s.ok()) return s;
  const auto row = catalog_->FindSegment(
      destination.number, config::StoredSegmentText(names.segment_namespace),
      config::StoredSegmentText(names.segment_id));
  if (!row.has_value()) {
    return MakeError(absl::StatusCode::kNotFound, "SEGMENT_NOT_FOUND",
                     "the destination has no such segment");
  }
  return Create(destination, names);
}

absl::Status CatalogSegments::Delete(const config::DestinationState&,
                                     const SegmentNames&, bool) {
  return MakeError(absl::StatusCode::kUnimplemented, "NOT_SUPPORTED",
                   "this connector cannot unmap a segment");
}

}  // namespace connector::edge
