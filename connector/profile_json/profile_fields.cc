#include "connector/profile_json/profile_fields.h"

#include "absl/strings/match.h"

namespace connector::profile_json {
namespace {

using simdjson::dom::element;

// Longest segment name in bytes (Segment.display_name).
constexpr size_t kMaxSegmentName = 500;

absl::Status Broken(absl::string_view rule) {
  return absl::InvalidArgumentError(rule);
}

void ReadMembership(const simdjson::dom::object& object,
                    ParsedMembership& membership, ParsedProfile& profile) {
  for (simdjson::dom::key_value_pair field : object) {
    if (Absent(field.value)) continue;
    if (field.key == "status") {
      // One that is no string stays unspecified.
      std::string_view text;
      if (field.value.get(text) == simdjson::SUCCESS) {
        membership.status = StatusNamed(View(text));
      }
    } else if (field.key == "lastQualificationTime") {
      membership.last_qualification_time = ReadTime(field.value, &profile);
    } else if (field.key == "name") {
      membership.segment_name = ReadSegmentName(field.value);
    }
  }
}

}  // namespace

audience_sync::v1::MembershipStatus StatusNamed(absl::string_view name) {
  if (absl::EqualsIgnoreCase(name, "realized")) {
    return audience_sync::v1::MEMBERSHIP_STATUS_REALIZED;
  }
  if (absl::EqualsIgnoreCase(name, "existing")) {
    return audience_sync::v1::MEMBERSHIP_STATUS_EXISTING;
  }
  if (absl::EqualsIgnoreCase(name, "exited")) {
    return audience_sync::v1::MEMBERSHIP_STATUS_EXITED;
  }
  return audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;
}

std::optional<Instant> ReadTime(const element& value, ParsedProfile* profile) {
  std::string_view text;
  std::optional<Instant> time;
  if (value.get(text) == simdjson::SUCCESS) time = ParseTimestamp(View(text));
  if (!time.has_value()) ++profile->unreadable_times;
  return time;
}

absl::string_view ReadSegmentName(const element& value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS || text.size() > kMaxSegmentName) {
    return "";
  }
  return View(text);
}

absl::Status ReadIdentityMap(const element& map, ParsedProfile* profile) {
  if (Absent(map)) return absl::OkStatus();
  simdjson::dom::object namespaces;
  if (map.get(namespaces) != simdjson::SUCCESS) {
    return Broken("identityMap: must be an object");
  }
  for (simdjson::dom::key_value_pair entry : namespaces) {
    if (Absent(entry.value)) continue;
    simdjson::dom::array identities;
    if (entry.value.get(identities) != simdjson::SUCCESS) {
      return Broken("identityMap: each namespace must hold an array");
    }
    for (const element& item : identities) {
      ParsedIdentity& parsed = profile->identities.emplace_back();
      parsed.source_namespace = View(entry.key);
      simdjson::dom::object identity;
      if (item.get(identity) != simdjson::SUCCESS) continue;
      for (simdjson::dom::key_value_pair field : identity) {
        std::string_view id;
        if (field.key == "id" && field.value.get(id) == simdjson::SUCCESS) {
          parsed.value = View(id);
        }
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ReadSegmentMembership(const element& map, ParsedProfile* profile) {
  if (Absent(map)) return absl::OkStatus();
  simdjson::dom::object namespaces;
  if (map.get(namespaces) != simdjson::SUCCESS) {
    return Broken("segmentMembership: must be an object");
  }
  for (simdjson::dom::key_value_pair entry : namespaces) {
    if (Absent(entry.value)) continue;
    simdjson::dom::object segments;
    if (entry.value.get(segments) != simdjson::SUCCESS) {
      return Broken("segmentMembership: each namespace must hold an object");
    }
    for (simdjson::dom::key_value_pair segment : segments) {
      ParsedMembership& membership = profile->memberships.emplace_back();
      membership.segment_namespace = View(entry.key);
      membership.segment_id = View(segment.key);
      simdjson::dom::object fields;
      if (segment.value.get(fields) == simdjson::SUCCESS) {
        ReadMembership(fields, membership, *profile);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace connector::profile_json
