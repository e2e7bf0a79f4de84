#ifndef CONNECTOR_AUDIENCES_AUDIENCE_STATE_H_
#define CONNECTOR_AUDIENCES_AUDIENCE_STATE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/audience_table.h"

namespace connector::audiences {

// What a status of Pinterest comes to. Its three official lists of statuses
// differ (API description, generated SDK, guide "Create audiences"), so any
// word may come.
enum class AudienceClass {
  kPending,   // no status yet: not made
  kWaiting,   // INITIALIZING, PROCESSING, UPDATING
  kUsable,    // READY, ELIGIBLE
  kTooSmall,  // TOO_SMALL
  kEnded,     // ARCHIVED, ERROR, and GONE (ours: Pinterest knows none)
  kUnknown,
};

inline constexpr absl::string_view kGoneStatus = "GONE";

AudienceClass ClassOf(absl::string_view status);

// How long Pinterest says that an audience takes: typically, and at most.
inline constexpr absl::Duration kTypicalWait = absl::Hours(48);
inline constexpr absl::Duration kLongestWait = absl::Hours(72);

// What the state means and what to do, for people; empty when there is nothing
// to say. `type` is Pinterest's.
std::string AudienceHint(absl::string_view type,
                         const membership::AudienceRow& row, absl::Time now);

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_AUDIENCE_STATE_H_
