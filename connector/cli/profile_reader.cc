#include "connector/cli/profile_reader.h"

#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "simdjson.h"

namespace connector::cli {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// Longest profile key in bytes (ProfileExport.profile_key).
constexpr size_t kMaxProfileKey = 1024;
// Longest segment name in bytes (Segment.display_name); a longer one is left
// out, as it only serves to recognize the segment.
constexpr size_t kMaxSegmentName = 500;

absl::string_view View(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

absl::Status Broken(absl::string_view rule) {
  return absl::InvalidArgumentError(rule);
}

// A missing value and null mean the same.
bool Absent(const element& value) {
  return value.type() == element_type::NULL_VALUE;
}

absl::Status ReadIdentities(const element& map, ParsedProfile& profile) {
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
      simdjson::dom::object identity;
      if (item.get(identity) != simdjson::SUCCESS) {
        return Broken("identityMap: each identity must be an object");
      }
      ParsedIdentity& parsed = profile.identities.emplace_back();
      parsed.source_namespace = View(entry.key);
      for (simdjson::dom::key_value_pair field : identity) {
        if (field.key != "id" || Absent(field.value)) continue;
        std::string_view id;
        if (field.value.get(id) != simdjson::SUCCESS) {
          return Broken("identityMap: an id must be a string");
        }
        parsed.value = View(id);
      }
    }
  }
  return absl::OkStatus();
}

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

absl::Status ReadMembership(const simdjson::dom::object& object,
                            ParsedMembership& membership,
                            ParsedProfile& profile) {
  for (simdjson::dom::key_value_pair field : object) {
    if (Absent(field.value)) continue;
    std::string_view text;
    if (field.key == "status") {
      if (field.value.get(text) != simdjson::SUCCESS) {
        return Broken("segmentMembership: a status must be a string");
      }
      membership.status = StatusNamed(View(text));
    } else if (field.key == "lastQualificationTime") {
      // A helpful extra: an exit must not be lost over an odd time.
      if (field.value.get(text) == simdjson::SUCCESS) {
        membership.last_qualification_time = ParseTimestamp(View(text));
      }
      if (!membership.last_qualification_time.has_value()) {
        ++profile.unreadable_times;
      }
    } else if (field.key == "name") {
      if (field.value.get(text) == simdjson::SUCCESS &&
          text.size() <= kMaxSegmentName) {
        membership.segment_name = View(text);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ReadMemberships(const element& map, ParsedProfile& profile) {
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
      simdjson::dom::object fields;
      if (segment.value.get(fields) != simdjson::SUCCESS) {
        return Broken("segmentMembership: each segment must hold an object");
      }
      ParsedMembership& membership = profile.memberships.emplace_back();
      membership.segment_namespace = View(entry.key);
      membership.segment_id = View(segment.key);
      if (absl::Status s = ReadMembership(fields, membership, profile);
          !s.ok()) {
        return s;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

struct ProfileReader::Parser {
  simdjson::dom::parser parser;
};

ProfileReader::ProfileReader(absl::string_view profile_key_field)
    : profile_key_field_(profile_key_field),
      parser_(std::make_unique<Parser>()) {}

ProfileReader::~ProfileReader() = default;

absl::StatusOr<const ParsedProfile*> ProfileReader::Read(
    absl::string_view line) {
  profile_.identities.clear();
  profile_.memberships.clear();
  profile_.profile_key.reset();
  profile_.unreadable_times = 0;

  element root;
  const simdjson::error_code error =
      parser_->parser
          .parse(line.data(), line.size(), /*realloc_if_needed=*/false)
          .get(root);
  switch (error) {
    case simdjson::SUCCESS:
      break;
    case simdjson::UTF8_ERROR:
      return Broken("is not UTF-8");
    case simdjson::DEPTH_ERROR:
      return Broken("is nested too deeply");
    default:
      return Broken("is not JSON");
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) {
    return Broken("is not a JSON object");
  }
  bool is_profile = false;
  for (simdjson::dom::key_value_pair field : object) {
    absl::Status status;
    if (field.key == "identityMap") {
      is_profile = true;
      status = ReadIdentities(field.value, profile_);
    } else if (field.key == "segmentMembership") {
      is_profile = true;
      status = ReadMemberships(field.value, profile_);
    }
    if (!status.ok()) return status;
    if (!profile_key_field_.empty() && View(field.key) == profile_key_field_ &&
        !Absent(field.value)) {
      std::string_view key;
      if (field.value.get(key) != simdjson::SUCCESS) {
        return Broken("the profile key must be a string");
      }
      if (key.size() > kMaxProfileKey) {
        return Broken(absl::StrCat("the profile key is longer than ",
                                   kMaxProfileKey, " bytes"));
      }
      profile_.profile_key = View(key);
    }
  }
  if (!is_profile) {
    return Broken("has neither identityMap nor segmentMembership");
  }
  return &profile_;
}

bool IsBlankLine(absl::string_view line) {
  return line.find_first_not_of(" \t\r") == absl::string_view::npos;
}

}  // namespace connector::cli
