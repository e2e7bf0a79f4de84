#ifndef CONNECTOR_MEMBERSHIP_REPLAY_H_
#define CONNECTOR_MEMBERSHIP_REPLAY_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "connector/membership/intake.h"
#include "connector/membership/ledger.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// Makes refused memberships of a segment pending again: at most `at_most` of
// those that `wanted` picks. They are committed as replays (RunEntry::replay):
// a pass sends them if they are still refused, and any event overtakes them.
// Returns how many, all durable; waits for the committer, so it must not be
// called from its thread. On an error some may have been committed.
absl::StatusOr<int64_t> ReplayRefusals(
    Ledger& ledger, Intake& intake, const SegmentRow& segment, int64_t at_most,
    const std::function<bool(identity_mapping::RecordView)>& wanted);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_REPLAY_H_
