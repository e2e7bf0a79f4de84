#include "connector/admin/rejections.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "connector/admin/timestamps.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using membership::JournalRejection;
using membership::SegmentNumber;
using membership::SegmentRow;

v1::IntakeRejection ToProto(const JournalRejection::Intake& intake) {
  v1::IntakeRejection result;
  result.set_export_id(intake.export_id);
  result.set_sequence_number(intake.sequence_number);
  v1::ExportRejection* rejection = result.mutable_rejection();
  rejection->set_profile_index(intake.rejection.profile_index);
  if (intake.rejection.identity_index >= 0) {
    rejection->set_identity_index(intake.rejection.identity_index);
  }
  if (intake.rejection.membership_index >= 0) {
    rejection->set_membership_index(intake.rejection.membership_index);
  }
  rejection->set_reason(
      static_cast<v1::RejectionReason>(intake.rejection.reason));
  return result;
}

v1::RecordRefusal ToProto(
    const JournalRejection::Refused& refused,
    const absl::flat_hash_map<SegmentNumber, SegmentRow>& segments) {
  v1::RecordRefusal result;
  if (auto found = segments.find(refused.segment); found != segments.end()) {
    v1::Segment* segment = result.mutable_segment();
    segment->set_segment_namespace(found->second.segment_namespace);
    segment->set_segment_id(found->second.segment_id);
    if (!found->second.display_name.empty()) {
      segment->set_display_name(found->second.display_name);
    }
  }
  result.set_customer_list_id(refused.customer_list_id);
  std::string record;
  refused.refusal.record.AppendWireText(&record);
  result.set_record(record);
  result.set_http_status(refused.refusal.http_status);
  result.set_message(refused.refusal.message);
  result.set_pinterest_request_id(refused.refusal.request_id);
  result.set_addition(refused.refusal.change == membership::Change::kAdd);
  return result;
}

}  // namespace

absl::StatusOr<v1::ListRejectionsResponse> ListRejections(
    const AdminContext& context, const config::DestinationState& destination,
    int page_size, absl::string_view page_token) {
  if (page_size < 0) return FieldError("page_size", "must not be negative");
  if (page_size == 0) page_size = limits::kDefaultPageSize;
  auto page = context.journal->Rejections(
      destination.number, std::min(page_size, limits::kMaxPageSize),
      page_token);
  if (!page.ok()) {
    if (page.status().code() == absl::StatusCode::kInvalidArgument) {
      return FieldError("page_token",
                        "must be the next_page_token of an earlier answer for "
                        "this destination");
    }
    return page.status();
  }
  absl::flat_hash_map<SegmentNumber, SegmentRow> segments;
  for (SegmentRow& row : context.catalog->Segments(destination.number)) {
    const SegmentNumber number = row.number;
    segments.emplace(number, std::move(row));
  }
  v1::ListRejectionsResponse response;
  for (const JournalRejection& rejection : page->rejections) {
    v1::Rejection* out = response.add_rejections();
    *out->mutable_rejection_time() = ToTimestamp(rejection.time);
    if (rejection.intake.has_value()) {
      *out->mutable_intake() = ToProto(*rejection.intake);
    } else if (rejection.refused.has_value()) {
      *out->mutable_refusal() = ToProto(*rejection.refused, segments);
    }
  }
  response.set_next_page_token(page->next_page_token);
  return response;
}

}  // namespace connector::admin
