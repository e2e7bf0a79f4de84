#include "connector/admin/replay.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "connector/admin/lookup.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/membership/replay.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;

}  // namespace

absl::StatusOr<v1::ReplayRejectionsResponse> ReplayRejections(
    const AdminContext& context, const v1::ReplayRejectionsRequest& request) {
  if (request.records_size() > limits::kMaxReplayRecords) {
    return FieldError("records", absl::StrCat("must not be more than ",
                                              limits::kMaxReplayRecords));
  }
  auto destination = FindDestination(context, request.ad_account_id());
  if (!destination.ok()) return destination.status();
  std::optional<membership::SegmentRow> only;
  if (request.has_segment()) {
    auto segment = FindSegment(context, **destination, request.segment());
    if (!segment.ok()) return segment.status();
    only = *std::move(segment);
  }
  const absl::flat_hash_set<std::string> records(request.records().begin(),
                                                 request.records().end());
  const auto wanted = [&records](identity_mapping::RecordView record) {
    if (records.empty()) return true;
    std::string text;
    record.AppendWireText(&text);
    return records.contains(text);
  };

  auto report = context.journal->Report((*destination)->number);
  if (!report.ok()) return report.status();
  v1::ReplayRejectionsResponse response;
  for (const membership::SegmentReport& segment : report->segments) {
    if (only.has_value() && segment.segment.number != only->number) continue;
    // What is committed for it would be excluded.
    if (segment.segment.mapping != membership::MappingState::kMapped) continue;
    // What was replayed before and is not settled yet still stands refused in
    // the store: no more than what the counters show as refused.
    const int64_t standing =
        segment.counts.settled.refused - segment.counts.intake.replayed;
    if (standing <= 0) continue;
    auto replayed = membership::ReplayRefusals(
        *context.ledger, *context.intake, segment.segment, standing, wanted);
    if (!replayed.ok()) return replayed.status();
    response.set_replayed_count(response.replayed_count() + *replayed);
  }
  return response;
}

}  // namespace connector::admin
