#ifndef CONNECTOR_PROFILE_JSON_TIMESTAMP_H_
#define CONNECTOR_PROFILE_JSON_TIMESTAMP_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace connector::profile_json {

// An instant as google.protobuf.Timestamp holds it.
struct Instant {
  // Since 1970-01-01T00:00:00Z; negative before.
  int64_t seconds = 0;
  // 0 to 999,999,999.
  int32_t nanos = 0;
};

// Reads a time as the platform spells it. Its documentation has
// "2024-03-02T10:00:00Z", "….000+0000", "…+0000", "…+00:00" and "….591378Z"
// (Adobe Experience Platform, Destination SDK message format). Taken here: 1 to
// 9 fractional digits or none, and a zone "Z", "+hh:mm", "+hhmm" or "+hh",
// whatever the letters' case. Years 1 to 9999; a leap second counts as the one
// after it. Everything else is nullopt.
std::optional<Instant> ParseTimestamp(absl::string_view text);

}  // namespace connector::profile_json

#endif  // CONNECTOR_PROFILE_JSON_TIMESTAMP_H_
