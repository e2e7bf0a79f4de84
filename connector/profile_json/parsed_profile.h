#ifndef CONNECTOR_PROFILE_JSON_PARSED_PROFILE_H_
#define CONNECTOR_PROFILE_JSON_PARSED_PROFILE_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/profile_json/timestamp.h"

namespace connector::profile_json {

// Readable bytes that must follow the JSON that a reader of this folder is
// given.
inline constexpr size_t kJsonPadding = 64;

// An identity as the export has it. Sensitive.
struct ParsedIdentity {
  absl::string_view source_namespace;
  // Empty when the entry has no id, or none that is a string: the mapper
  // rejects and counts it.
  absl::string_view value;
};

// A segment membership as the export has it.
struct ParsedMembership {
  absl::string_view segment_namespace;
  absl::string_view segment_id;
  // The segment's name; empty when the export has none.
  absl::string_view segment_name;
  // UNSPECIFIED when missing or unknown: the mapper rejects and counts it.
  audience_sync::v1::MembershipStatus status =
      audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;
  // Unset when missing or in no known spelling.
  std::optional<Instant> last_qualification_time;
};

// One profile. The views point into the reader that made it and are valid until
// its next call.
struct ParsedProfile {
  std::vector<ParsedIdentity> identities;
  std::vector<ParsedMembership> memberships;
  std::optional<absl::string_view> profile_key;
  // Qualification times that were there but in no known spelling.
  int unreadable_times = 0;

  void Clear() {
    identities.clear();
    memberships.clear();
    profile_key.reset();
    unreadable_times = 0;
  }
};

}  // namespace connector::profile_json

#endif  // CONNECTOR_PROFILE_JSON_PARSED_PROFILE_H_
