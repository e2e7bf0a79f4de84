#include "connector/admin/status_report.h"

#include <algorithm>
#include <optional>

#include "connector/admin/audience_report.h"
#include "connector/admin/full_sync_status.h"
#include "connector/admin/login_status.h"
#include "connector/admin/segment_mapping.h"
#include "connector/admin/standing.h"
#include "connector/admin/timestamps.h"
#include "connector/delivery/list_name.h"
#include "connector/ingest/grpc_status.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using membership::SegmentReport;
using membership::SyncCounts;

void AddCounts(const SyncCounts& counts, v1::SyncCounters* out) {
  const membership::IntakeCounts& intake = counts.intake;
  const membership::PassCounts& settled = counts.settled;
  out->set_received(out->received() + intake.received);
  out->set_delivered(out->delivered() + settled.delivered);
  out->set_already_there(out->already_there() + settled.already_there);
  out->set_netted_out(out->netted_out() + settled.netted_out);
  out->set_superseded(out->superseded() + settled.superseded);
  out->set_excluded(out->excluded() + intake.excluded);
  out->set_rejected(out->rejected() + intake.rejected + settled.refused -
                    intake.replayed);
  out->set_pending(out->pending() + counts.pending());
}

v1::SegmentStatus SegmentStatusOf(const AdminContext& context,
                                  const config::DestinationState& destination,
                                  const Standing& destination_standing,
                                  const SegmentReport& report) {
  v1::SegmentStatus status;
  v1::Segment* segment = status.mutable_segment();
  segment->set_segment_namespace(report.segment.segment_namespace);
  segment->set_segment_id(report.segment.segment_id);
  if (!report.segment.display_name.empty()) {
    segment->set_display_name(report.segment.display_name);
  }
  status.set_customer_list_name(delivery::ListName(
      destination.policy.list_name_prefix, report.segment.segment_namespace,
      report.segment.segment_id));
  status.set_customer_list_id(report.list.customer_list_id);
  status.set_member_count(report.members);
  AddCounts(report.counts, status.mutable_counters());
  if (report.list.last_delivery_time > absl::InfinitePast()) {
    *status.mutable_last_delivery_time() =
        ToTimestamp(report.list.last_delivery_time);
  }
  status.set_unknown_members(report.list.unknown_members);
  if (report.full_sync.has_value()) {
    *status.mutable_full_sync() = ToFullSyncProto(*report.full_sync);
  }
  *status.mutable_mapping() = ToMapping(report.segment, report.operation,
                                        report.former_customer_list_id);
  ReportAudience(context, destination, report, &status);

  const Standing own = StandingOf(context, report.segment);
  const Standing& decides = destination_standing.stopped() || own.reason.ok()
                                ? destination_standing
                                : own;
  status.set_delivery_state(decides.state);
  // The list's own trouble says more than that of its destination.
  const Standing& tells = own.reason.ok() ? destination_standing : own;
  if (!tells.reason.ok() && !tells.by_operator()) {
    *status.mutable_last_error() = ingest::ToStatusProto(tells.reason);
  }
  return status;
}

}  // namespace

absl::StatusOr<v1::DestinationStatus> ReportStatus(
    const AdminContext& context, const config::DestinationState& destination) {
  auto report = context.journal->Report(destination.number);
  if (!report.ok()) return report.status();

  v1::DestinationStatus status;
  status.set_ad_account_id(destination.ad_account_id);
  status.set_history_id(destination.history_id);
  const Standing standing = StandingOf(context, destination);
  status.set_delivery_state(standing.state);
  if (!standing.reason.ok()) {
    *status.mutable_blocked_by() = ingest::ToStatusProto(standing.reason);
  }

  if (auto login = LoginStatus(context, destination.credential_id)) {
    *status.mutable_oauth_status() = *std::move(login);
  }

  SyncCounts without_segment;
  without_segment.intake = report->counts_without_segment;
  AddCounts(without_segment, status.mutable_counters());
  int64_t backlog_bytes = 0;
  std::optional<absl::Time> oldest;
  for (const SegmentReport& segment : report->segments) {
    AddCounts(segment.counts, status.mutable_counters());
    backlog_bytes += segment.backlog_bytes;
    if (segment.oldest_change_time.has_value()) {
      oldest = std::min(oldest.value_or(absl::InfiniteFuture()),
                        *segment.oldest_change_time);
    }
    *status.add_segment_statuses() =
        SegmentStatusOf(context, destination, standing, segment);
  }
  ReportDeclaredAudiences(context, destination, &status);
  status.set_backlog_bytes(backlog_bytes);
  if (oldest.has_value()) {
    *status.mutable_oldest_pending_time() = ToTimestamp(*oldest);
  }
  for (const membership::ExportPosition& position : report->exports) {
    v1::ExportPosition* out = status.add_export_positions();
    out->set_export_id(position.export_id);
    out->set_durable_sequence_number(position.durable);
    out->set_delivered_sequence_number(position.delivered);
    out->set_ended(position.ended);
  }
  return status;
}

}  // namespace connector::admin
