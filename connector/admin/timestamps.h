#ifndef CONNECTOR_ADMIN_TIMESTAMPS_H_
#define CONNECTOR_ADMIN_TIMESTAMPS_H_

#include <cstdint>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace connector::admin {

// A finite time as protobuf has it.
inline google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp result;
  // Floors, so that the nanoseconds count forward before 1970, too.
  const int64_t seconds = absl::ToUnixSeconds(time);
  result.set_seconds(seconds);
  result.set_nanos(static_cast<int32_t>(
      (time - absl::FromUnixSeconds(seconds)) / absl::Nanoseconds(1)));
  return result;
}

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_TIMESTAMPS_H_
