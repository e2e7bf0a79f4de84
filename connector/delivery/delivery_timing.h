#ifndef CONNECTOR_DELIVERY_DELIVERY_TIMING_H_
#define CONNECTOR_DELIVERY_DELIVERY_TIMING_H_

#include "absl/time/time.h"

namespace connector::delivery {

// Between the tries of one request: full jitter from the first bound to the
// last.
inline constexpr absl::Duration kFirstRetryDelay = absl::Seconds(1);
inline constexpr absl::Duration kLongestRetryDelay = absl::Minutes(1);

// This many failures in a row on one credential, over all its lists, mean that
// Pinterest is away: then one probe per interval.
inline constexpr int kFailuresUntilBlocked = 5;
inline constexpr absl::Duration kOutageInterval = absl::Seconds(30);

// Probes of what only somebody else can mend: a token (may be replaced any
// moment), rights and lists, a spam block (made worse by every call).
inline constexpr absl::Duration kProbeInterval = absl::Minutes(1);
inline constexpr absl::Duration kLongProbeInterval = absl::Minutes(5);
inline constexpr absl::Duration kSpamProbeInterval = absl::Minutes(30);

// How much later than the others the one whose request closed a gate comes
// back.
inline constexpr absl::Duration kStandBack = absl::Seconds(1);

// How long after it was confirmed a change goes out once more, if an earlier
// request for the opposite was given up without an answer: it may be applied
// late.
inline constexpr absl::Duration kEchoDelay = absl::Minutes(5);

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_DELIVERY_TIMING_H_
