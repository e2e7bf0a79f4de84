#ifndef CONNECTOR_CLI_PROFILE_READER_H_
#define CONNECTOR_CLI_PROFILE_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/cli/timestamp.h"

namespace connector::cli {

// An identity as the export has it. Sensitive.
struct ParsedIdentity {
  absl::string_view source_namespace;
  // Empty when the entry has no id: the server rejects and counts it.
  absl::string_view value;
};

// A segment membership as the export has it.
struct ParsedMembership {
  absl::string_view segment_namespace;
  absl::string_view segment_id;
  // The segment's name; empty when the export has none.
  absl::string_view segment_name;
  // UNSPECIFIED when missing or unknown: the server rejects and counts it.
  audience_sync::v1::MembershipStatus status =
      audience_sync::v1::MEMBERSHIP_STATUS_UNSPECIFIED;
  // Unset when missing or in no known spelling.
  std::optional<Instant> last_qualification_time;
};

// One line of an export. The views point into the reader and are valid until
// its next call.
struct ParsedProfile {
  std::vector<ParsedIdentity> identities;
  std::vector<ParsedMembership> memberships;
  std::optional<absl::string_view> profile_key;
  // Qualification times that were there but in no known spelling.
  int unreadable_times = 0;
};

// Reads one profile in the platform's own shape (Adobe Experience Platform,
// Destination SDK message format): `identityMap` and `segmentMembership`, keyed
// by source namespaces or by the target identity pinterest_audience. Other
// fields, attributes among them, are passed over. Not thread-safe.
class ProfileReader {
 public:
  // `profile_key_field` names the field at the top that holds the profile's
  // key; empty: profiles have none.
  explicit ProfileReader(absl::string_view profile_key_field = "");
  ~ProfileReader();

  // `line` must be followed by LineReader::kPadding readable bytes. The result
  // is owned by the reader and valid until the next call.
  //
  // Errors: INVALID_ARGUMENT whose message says where in the line what rule is
  // broken, and never what stands there.
  absl::StatusOr<const ParsedProfile*> Read(absl::string_view line);

 private:
  struct Parser;

  const std::string profile_key_field_;
  const std::unique_ptr<Parser> parser_;
  ParsedProfile profile_;
};

// True when the line has nothing but blanks, and is no profile.
bool IsBlankLine(absl::string_view line);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_PROFILE_READER_H_
