#include "connector/profile_json/profile_reader.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "connector/profile_json/profile_fields.h"
#include "simdjson.h"

namespace connector::profile_json {
namespace {

using simdjson::dom::element;

// Longest profile key in bytes (ProfileExport.profile_key).
constexpr size_t kMaxProfileKey = 1024;

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

absl::Status Broken(absl::string_view rule) {
  return absl::InvalidArgumentError(rule);
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
  profile_.Clear();

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
      status = ReadIdentityMap(field.value, &profile_);
    } else if (field.key == "segmentMembership") {
      is_profile = true;
      status = ReadSegmentMembership(field.value, &profile_);
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

}  // namespace connector::profile_json
