#include "connector/membership/journal_part.h"

namespace connector::membership {

absl::StatusOr<DestinationReport> JournalPart::Report(
    DestinationNumber destination) {
  const absl::Time now = core_.clock.Now();
  Tables& tables = core_.tables;
  absl::MutexLock lock(&tables.mutex);
  const DestinationState* state = tables.FindDestination(destination);
  if (state == nullptr) return DestinationNotFound();
  DestinationReport report;
  report.counts_without_segment = state->counts_without_segment;
  report.segments.reserve(state->segments.size());
  for (SegmentNumber number : state->segments) {
    const SegmentState& segment = tables.segments.at(number);
    const ListState& list = tables.lists.at(segment.row.list);
    SegmentReport& entry = report.segments.emplace_back();
    entry.segment = segment.row;
    entry.list = list.row;
    entry.counts = {segment.intake, segment.settled};
    entry.members = list.members;
    entry.backlog_bytes = BacklogBytes(list);
    if (!list.full_syncs.empty()) {
      entry.full_sync = list.full_syncs.rbegin()->second;
    }
    if (!list.pending.empty()) {
      entry.oldest_change_time = list.pending.Total().oldest_time;
    }
    if (const auto found = tables.operations.find(list.row.number);
        found != tables.operations.end()) {
      entry.operation = found->second;
    }
    if (segment.row.former_list == 0) continue;
    const ListState& former = tables.lists.at(segment.row.former_list);
    entry.former_customer_list_id = former.row.customer_list_id;
    entry.backlog_bytes += former.pending.bytes();
    if (const auto found = tables.operations.find(former.row.number);
        !entry.operation.has_value() && found != tables.operations.end()) {
      entry.operation = found->second;
    }
  }
  for (const ExportState* each : tables.exports.OfDestination(destination)) {
    if (!each->Forgettable(now, core_.export_expiry)) {
      report.exports.push_back(each->position());
    }
  }
  return report;
}

absl::StatusOr<RejectionPage> JournalPart::Rejections(
    DestinationNumber destination, int page_size,
    absl::string_view page_token) {
  return rejections_.Read(destination, page_size, page_token);
}

}  // namespace connector::membership
