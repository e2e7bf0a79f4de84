#ifndef CONNECTOR_MEMBERSHIP_RUN_FILTER_H_
#define CONNECTOR_MEMBERSHIP_RUN_FILTER_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "identity_mapping/record.h"

namespace connector::membership {

struct FilteredRun {
  // The run without what was dropped: all other entries as they were, in their
  // places in the order of events. May have none.
  std::string value;
  int64_t dropped = 0;
  // Those of them that count.
  int64_t dropped_counted = 0;
  // The entries are replays.
  bool replay = false;
};

// Takes entries out of a stored run. DATA_LOSS if it is none.
absl::StatusOr<FilteredRun> FilterRun(
    absl::string_view value,
    absl::FunctionRef<bool(identity_mapping::RecordView)> drop);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_RUN_FILTER_H_
