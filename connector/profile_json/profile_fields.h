#ifndef CONNECTOR_PROFILE_JSON_PROFILE_FIELDS_H_
#define CONNECTOR_PROFILE_JSON_PROFILE_FIELDS_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "connector/profile_json/parsed_profile.h"
#include "simdjson.h"

// The fields that all shapes of a profile share, read from parsed JSON. What
// breaks a rule is INVALID_ARGUMENT with "field: rule", and never with what
// stands there. An entry that is wrong by itself breaks none: an identity that
// is no object or whose id is no string has no value, and a membership that is
// no object or whose status is no string has no status, so that the mapper
// rejects and counts that one and takes the others.
namespace connector::profile_json {

inline absl::string_view View(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

// A missing value and null mean the same.
inline bool Absent(const simdjson::dom::element& value) {
  return value.type() == simdjson::dom::element_type::NULL_VALUE;
}

// REALIZED, EXISTING and EXITED by the platform's names, whatever their case;
// UNSPECIFIED for every other.
audience_sync::v1::MembershipStatus StatusNamed(absl::string_view name);

// `identityMap`: {"Email": [{"id": "…"}]}. Appends.
absl::Status ReadIdentityMap(const simdjson::dom::element& map,
                             ParsedProfile* profile);

// `segmentMembership`: {"ups": {"<id>": {"status": …, "lastQualificationTime":
// …, "name": …}}}. Appends.
absl::Status ReadSegmentMembership(const simdjson::dom::element& map,
                                   ParsedProfile* profile);

// A qualification time; one that cannot be read is counted, as an exit must not
// be lost over it.
std::optional<Instant> ReadTime(const simdjson::dom::element& value,
                                ParsedProfile* profile);

// A segment's name; empty if it is no string or too long to be one, as it only
// serves to recognize the segment.
absl::string_view ReadSegmentName(const simdjson::dom::element& value);

}  // namespace connector::profile_json

#endif  // CONNECTOR_PROFILE_JSON_PROFILE_FIELDS_H_
