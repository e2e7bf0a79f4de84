#include "connector/admin/segment_mapping.h"

#include <string>

#include "connector/admin/timestamps.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using membership::ListOperation;
using membership::MappingState;

v1::MappingState StateOf(MappingState state) {
  switch (state) {
    case MappingState::kMapped:
      return v1::MAPPING_STATE_MAPPED;
    case MappingState::kKept:
      return v1::MAPPING_STATE_UNMAPPED_KEPT;
    case MappingState::kEmptied:
      return v1::MAPPING_STATE_UNMAPPED_EMPTIED;
  }
  return v1::MAPPING_STATE_UNSPECIFIED;
}

v1::ListOperationKind KindOf(ListOperation::Kind kind) {
  switch (kind) {
    case ListOperation::Kind::kEmpty:
      return v1::LIST_OPERATION_KIND_EMPTY;
    case ListOperation::Kind::kResync:
      return v1::LIST_OPERATION_KIND_RESYNC;
    case ListOperation::Kind::kReplace:
      return v1::LIST_OPERATION_KIND_REPLACE;
    case ListOperation::Kind::kEmptyFormer:
      return v1::LIST_OPERATION_KIND_EMPTY_FORMER;
  }
  return v1::LIST_OPERATION_KIND_UNSPECIFIED;
}

v1::ListOperationPhase PhaseOf(ListOperation::Phase phase) {
  switch (phase) {
    case ListOperation::Phase::kRequested:
      return v1::LIST_OPERATION_PHASE_REQUESTED;
    case ListOperation::Phase::kSending:
      return v1::LIST_OPERATION_PHASE_SENDING;
    case ListOperation::Phase::kAudience:
      return v1::LIST_OPERATION_PHASE_AUDIENCE;
  }
  return v1::LIST_OPERATION_PHASE_UNSPECIFIED;
}

}  // namespace

v1::SegmentMapping ToMapping(
    const membership::SegmentRow& segment,
    const std::optional<membership::ListOperation>& operation,
    absl::string_view former_customer_list_id) {
  v1::SegmentMapping mapping;
  mapping.set_state(StateOf(segment.mapping));
  mapping.set_description(segment.description);
  mapping.set_display_name_set(segment.name_set);
  mapping.set_audience_change_pending(segment.audience_steps != 0);
  mapping.set_former_customer_list_id(std::string(former_customer_list_id));
  if (operation.has_value()) {
    v1::ListOperation* out = mapping.mutable_operation();
    out->set_kind(KindOf(operation->kind));
    out->set_phase(PhaseOf(operation->phase));
    *out->mutable_request_time() = ToTimestamp(operation->request_time);
    out->set_sent_count(operation->sent);
    out->set_member_count(operation->members);
    out->set_then_empty(operation->then_empty);
  }
  return mapping;
}

}  // namespace connector::admin
