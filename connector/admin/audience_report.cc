#include "connector/admin/audience_report.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "connector/admin/timestamps.h"
#include "connector/audiences/audience_state.h"
#include "connector/audiences/declared_rule.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using audiences::AudienceClass;
using membership::AudienceKey;
using membership::AudienceRow;
using membership::ListCounters;

v1::AudienceState StateOf(const AudienceRow& row) {
  switch (row.audience_id.empty() ? AudienceClass::kPending
                                  : audiences::ClassOf(row.status)) {
    case AudienceClass::kPending:
      return v1::AUDIENCE_STATE_PENDING;
    case AudienceClass::kWaiting:
      return v1::AUDIENCE_STATE_WAITING;
    case AudienceClass::kUsable:
      return v1::AUDIENCE_STATE_USABLE;
    case AudienceClass::kTooSmall:
      return v1::AUDIENCE_STATE_TOO_SMALL;
    case AudienceClass::kEnded:
      return v1::AUDIENCE_STATE_ENDED;
    case AudienceClass::kUnknown:
      return v1::AUDIENCE_STATE_UNKNOWN;
  }
  return v1::AUDIENCE_STATE_UNKNOWN;
}

void Fill(const std::string& type, const AudienceRow& row, absl::Time now,
          v1::AudienceStatus* out) {
  out->set_audience_id(row.audience_id);
  out->set_audience_type(type);
  if (!row.name.empty()) out->set_name(row.name);
  out->set_state(StateOf(row));
  out->set_pinterest_status(row.status);
  if (row.size.has_value()) out->set_size(*row.size);
  if (!row.audience_id.empty()) {
    *out->mutable_first_seen_time() = ToTimestamp(row.first_seen_time);
    *out->mutable_state_time() = ToTimestamp(row.status_time);
    *out->mutable_last_poll_time() = ToTimestamp(row.last_poll_time);
  }
  out->set_hint(audiences::AudienceHint(type, row, now));
  out->set_last_error(row.last_error);
  out->set_twin_count(row.twins);
}

void Fill(const ListCounters& counters, v1::ListCounts* out) {
  out->set_uploaded_records(counters.uploaded);
  out->set_removed_records(counters.removed);
  out->set_batches(counters.batches);
}

void FillCounters(const membership::ListCounterRow& row,
                  v1::ListCounters* out) {
  if (row.has_told) {
    Fill(row.told, out->mutable_pinterest());
    *out->mutable_pinterest_time() = ToTimestamp(row.told_time);
  }
  out->set_list_status(row.list_status);
  if (row.has_base) {
    ListCounters least = row.base;
    least.uploaded += row.sent.uploaded;
    least.removed += row.sent.removed;
    least.batches += row.sent.batches;
    Fill(least, out->mutable_expected_least());
    ListCounters most = least;
    most.uploaded += row.open.uploaded;
    most.removed += row.open.removed;
    most.batches += row.open.batches;
    Fill(most, out->mutable_expected_most());
  }
  if (row.foreign.uploaded == 0 && row.foreign.removed == 0) return;
  Fill(row.foreign, out->mutable_foreign());
  *out->mutable_foreign_time() = ToTimestamp(row.foreign_time);
  out->set_hint(
      absl::StrCat("somebody else writes to this list: Pinterest counts ",
                   row.foreign.uploaded, " additions and ", row.foreign.removed,
                   " removals that were not sent from here"));
}

}  // namespace

void ReportAudience(const AdminContext& context,
                    const config::DestinationState& destination,
                    const membership::SegmentReport& segment,
                    v1::SegmentStatus* out) {
  if (const auto row = context.counters->FindCounters(segment.list.number)) {
    FillCounters(*row, out->mutable_list_counters());
  }
  AudienceKey key;
  key.destination = destination.number;
  key.segment = segment.segment.number;
  const auto row = context.audiences->FindAudience(key);
  if (!row.has_value() && (!destination.policy.audiences.make_list_audiences ||
                           segment.list.customer_list_id.empty())) {
    return;
  }
  Fill("CUSTOMER_LIST", row.value_or(AudienceRow()), context.clock->Now(),
       out->mutable_audience());
}

void ReportDeclaredAudiences(const AdminContext& context,
                             const config::DestinationState& destination,
                             v1::DestinationStatus* out) {
  for (const v1::DeclaredAudience& declared :
       destination.config.audience_policy().declared_audiences()) {
    AudienceKey key;
    key.destination = destination.number;
    key.type = audiences::DeclaredType(declared);
    key.name = declared.name();
    v1::AudienceStatus* status = out->add_declared_audiences();
    Fill(key.type, context.audiences->FindAudience(key).value_or(AudienceRow()),
         context.clock->Now(), status);
    status->set_name(declared.name());
  }
}

}  // namespace connector::admin
