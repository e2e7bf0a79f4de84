#include "connector/profile_json/export_body.h"

#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "connector/profile_json/profile_fields.h"
#include "connector/profile_json/syntax_error.h"

namespace connector::profile_json {
namespace {

using audience_sync::v1::MembershipStatus;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr absl::string_view kSegmentsField = "AdobeExperiencePlatformSegments";

absl::Status Broken(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rule));
}

// What a group says about all of its profiles.
struct Group {
  absl::string_view segment_namespace;
  absl::string_view segment_id;
  absl::string_view segment_name;
  MembershipStatus status = audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;
  // Set if the group names exactly one.
  absl::string_view identity_namespace;
  int identity_namespaces = 0;
};

// Whether the value is a string; null is one that is not there.
bool ReadText(const element& value, absl::string_view* text) {
  if (Absent(value)) return true;
  std::string_view read;
  if (value.get(read) != simdjson::SUCCESS) return false;
  *text = View(read);
  return true;
}

class BodyWalk {
 public:
  BodyWalk(const BodyDefaults& defaults,
           absl::FunctionRef<void(const ParsedProfile&)> take)
      : defaults_(defaults), take_(take) {}

  absl::Status ReadRoot(const element& root) {
    simdjson::dom::array array;
    if (root.get(array) != simdjson::SUCCESS) return ReadPart(root, "");
    int64_t index = 0;
    for (const element& part : array) {
      if (absl::Status s = ReadPart(part, absl::StrCat("/", index++)); !s.ok())
        return s;
    }
    return absl::OkStatus();
  }

 private:
  // A group or a profile at `place`.
  absl::Status ReadPart(const element& part, const std::string& place) {
    object fields;
    if (part.get(fields) != simdjson::SUCCESS) {
      return Broken(place.empty() ? "/" : place, "must be an object");
    }
    Group group;
    group.segment_namespace = defaults_.segment_namespace;
    group.segment_id = defaults_.segment_id;
    group.segment_name = defaults_.segment_name;
    group.status = defaults_.segment_status;
    std::optional<element> profiles;
    bool known = false;
    for (simdjson::dom::key_value_pair field : fields) {
      if (field.key == "profiles") {
        profiles = field.value;
      } else if (field.key == "aggregationKey") {
        if (absl::Status s = ReadGroup(field.value, &group); !s.ok()) {
          return At(place, s);
        }
      } else {
        known |= field.key == "identityMap" ||
                 field.key == "segmentMembership" ||
                 field.key == "identities" || View(field.key) == kSegmentsField;
      }
    }
    if (!profiles.has_value()) {
      if (!known) {
        return Broken(place.empty() ? "/" : place,
                      "has neither profiles nor identityMap, identities, "
                      "segmentMembership or AdobeExperiencePlatformSegments");
      }
      return ReadProfile(fields, group, [&] { return place; });
    }
    if (Absent(*profiles)) return absl::OkStatus();
    simdjson::dom::array list;
    if (profiles->get(list) != simdjson::SUCCESS) {
      return Broken(absl::StrCat(place, "/profiles"), "must be an array");
    }
    int64_t index = 0;
    for (const element& item : list) {
      const auto where = [&] {
        return absl::StrCat(place, "/profiles/", index);
      };
      object profile;
      if (item.get(profile) != simdjson::SUCCESS) {
        return Broken(where(), "must be an object");
      }
      if (absl::Status s = ReadProfile(profile, group, where); !s.ok()) {
        return s;
      }
      ++index;
    }
    return absl::OkStatus();
  }

  static absl::Status At(const std::string& place, const absl::Status& status) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, "/", status.message()));
  }

  static absl::Status ReadGroup(const element& value, Group* group) {
    if (Absent(value)) return absl::OkStatus();
    object fields;
    if (value.get(fields) != simdjson::SUCCESS) {
      return Broken("aggregationKey", "must be an object");
    }
    absl::string_view alias;
    absl::string_view id;
    for (simdjson::dom::key_value_pair field : fields) {
      absl::string_view status;
      if (field.key == "segmentId") {
        if (!ReadText(field.value, &id)) {
          return Broken("aggregationKey/segmentId", "must be a string");
        }
      } else if (field.key == "segmentAlias") {
        if (!ReadText(field.value, &alias)) {
          return Broken("aggregationKey/segmentAlias", "must be a string");
        }
      } else if (field.key == "segmentNamespace") {
        if (!ReadText(field.value, &group->segment_namespace)) {
          return Broken("aggregationKey/segmentNamespace", "must be a string");
        }
      } else if (field.key == "segmentStatus") {
        // One that is no string is none that anybody knows.
        if (!ReadText(field.value, &status)) {
          group->status = audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;
        } else if (!status.empty()) {
          group->status = StatusNamed(status);
        }
      } else if (field.key == "identityNamespaces") {
        if (!ReadNamespaces(field.value, /*depth=*/0, group)) {
          return Broken("aggregationKey/identityNamespaces",
                        "must be an array of strings, or of arrays of them");
        }
      }
    }
    // The alias is what this connector gave, or a user typed, for the id.
    if (id.empty()) id = alias;
    if (!id.empty()) {
      group->segment_id = id;
      group->segment_name = "";
    }
    if (group->identity_namespaces != 1) group->identity_namespace = "";
    return absl::OkStatus();
  }

  static bool ReadNamespaces(const element& value, int depth, Group* group) {
    if (Absent(value)) return true;
    simdjson::dom::array list;
    if (depth < 2 && value.get(list) == simdjson::SUCCESS) {
      for (const element& item : list) {
        if (!ReadNamespaces(item, depth + 1, group)) return false;
      }
      return true;
    }
    absl::string_view name;
    if (depth == 0 || !ReadText(value, &name)) return false;
    group->identity_namespace = name;
    ++group->identity_namespaces;
    return true;
  }

  template <typename Where>
  absl::Status ReadProfile(const object& fields, const Group& group,
                           const Where& where) {
    profile_.Clear();
    std::optional<Instant> time;
    std::optional<element> segments;
    absl::Status status;
    for (simdjson::dom::key_value_pair field : fields) {
      if (field.key == "identityMap") {
        status = ReadIdentityMap(field.value, &profile_);
      } else if (field.key == "segmentMembership") {
        status = ReadSegmentMembership(field.value, &profile_);
      } else if (field.key == "identities") {
        status = ReadIdentities(field.value, group);
      } else if (View(field.key) == kSegmentsField) {
        segments = field.value;
      } else if (field.key == "lastQualificationTime" && !Absent(field.value)) {
        time = ReadTime(field.value, &profile_);
      }
      if (!status.ok()) return At(where(), status);
    }
    if (segments.has_value()) {
      if (status = ReadSegments(*segments); !status.ok()) {
        return At(where(), status);
      }
    }
    if (profile_.memberships.empty() && !group.segment_id.empty()) {
      ParsedMembership& membership = profile_.memberships.emplace_back();
      membership.segment_namespace = group.segment_namespace;
      membership.segment_id = group.segment_id;
      membership.segment_name = group.segment_name;
      membership.status = group.status;
    }
    for (ParsedMembership& membership : profile_.memberships) {
      if (membership.segment_namespace.empty()) {
        membership.segment_namespace = defaults_.segment_namespace;
      }
      if (!membership.last_qualification_time.has_value()) {
        membership.last_qualification_time = time;
      }
    }
    take_(profile_);
    return absl::OkStatus();
  }

  absl::Status ReadIdentities(const element& value, const Group& group) {
    if (Absent(value)) return absl::OkStatus();
    simdjson::dom::array list;
    if (value.get(list) != simdjson::SUCCESS) {
      return Broken("identities", "must be an array");
    }
    for (const element& item : list) {
      ParsedIdentity& parsed = profile_.identities.emplace_back();
      parsed.source_namespace = group.identity_namespace;
      object identity;
      if (item.get(identity) != simdjson::SUCCESS) continue;
      for (simdjson::dom::key_value_pair field : identity) {
        if (field.key == "type" || field.key == "namespace") {
          // Not the group's: nobody knows what it is.
          if (!ReadText(field.value, &parsed.source_namespace)) {
            parsed.source_namespace = "";
          }
        } else if (field.key == "id") {
          (void)ReadText(field.value, &parsed.value);
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadSegments(const element& value) {
    if (Absent(value)) return absl::OkStatus();
    object lists;
    if (value.get(lists) != simdjson::SUCCESS) {
      return Broken(kSegmentsField, "must be an object");
    }
    // What is removed stands last, so that it wins over what is added.
    for (const auto& [name, status] :
         {std::pair<std::string_view, MembershipStatus>(
              "add", audience_sync::v1::MEMBERSHIP_STATUS_REALIZED),
          std::pair<std::string_view, MembershipStatus>(
              "remove", audience_sync::v1::MEMBERSHIP_STATUS_EXITED)}) {
      for (simdjson::dom::key_value_pair field : lists) {
        if (field.key != name) continue;
        if (absl::Status s = ReadSegmentList(field.value, status); !s.ok()) {
          return s;
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadSegmentList(const element& value, MembershipStatus status) {
    if (Absent(value)) return absl::OkStatus();
    simdjson::dom::array list;
    if (value.get(list) != simdjson::SUCCESS) {
      return Broken(kSegmentsField, "add and remove must be arrays");
    }
    for (const element& item : list) {
      ParsedMembership& membership = profile_.memberships.emplace_back();
      membership.status = status;
      if (ReadText(item, &membership.segment_id)) continue;
      // What is wrong here leaves the membership without a segment, and the
      // mapper rejects and counts it.
      object fields;
      if (item.get(fields) != simdjson::SUCCESS) continue;
      bool good = true;
      for (simdjson::dom::key_value_pair field : fields) {
        if (field.key == "id" || field.key == "segmentId") {
          good &= ReadText(field.value, &membership.segment_id);
        } else if (field.key == "namespace" ||
                   field.key == "segmentNamespace") {
          good &= ReadText(field.value, &membership.segment_namespace);
        } else if (field.key == "name") {
          membership.segment_name = ReadSegmentName(field.value);
        } else if (field.key == "lastQualificationTime" &&
                   !Absent(field.value)) {
          membership.last_qualification_time = ReadTime(field.value, &profile_);
        }
      }
      if (!good) membership.segment_id = "";
    }
    return absl::OkStatus();
  }

  const BodyDefaults& defaults_;
  const absl::FunctionRef<void(const ParsedProfile&)> take_;
  ParsedProfile profile_;
};

absl::Status SyntaxError(simdjson::error_code error, absl::string_view body) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return Broken("/", "is nested too deeply");
    case simdjson::NUMBER_ERROR:
      return Broken("/", "has a number that is out of range");
    case simdjson::EMPTY:
      return Broken("byte 1", "the body is empty");
    default:
      break;
  }
  const std::optional<int64_t> byte = FindSyntaxError(body);
  return Broken(
      byte.has_value() ? absl::StrCat("byte ", *byte) : std::string("/"),
      error == simdjson::UTF8_ERROR ? "is not UTF-8" : "is not JSON");
}

}  // namespace

struct ExportBodyReader::Parser {
  simdjson::dom::parser parser;
};

ExportBodyReader::ExportBodyReader() : parser_(std::make_unique<Parser>()) {}

ExportBodyReader::~ExportBodyReader() = default;

absl::Status ExportBodyReader::Read(
    absl::string_view body, const BodyDefaults& defaults,
    absl::FunctionRef<void(const ParsedProfile&)> take) {
  simdjson::dom::parser& parser = parser_->parser;
  simdjson::error_code error = simdjson::SUCCESS;
  if (parser.capacity() < body.size()) {
    error = parser.allocate(body.size(), kMaxDepth);
  }
  element root;
  if (error == simdjson::SUCCESS) {
    error = parser.parse(body.data(), body.size(), /*realloc_if_needed=*/false)
                .get(root);
  }
  if (error != simdjson::SUCCESS) return SyntaxError(error, body);
  return BodyWalk(defaults, take).ReadRoot(root);
}

}  // namespace connector::profile_json
