#ifndef CONNECTOR_PROFILE_JSON_PROFILE_READER_H_
#define CONNECTOR_PROFILE_JSON_PROFILE_READER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/profile_json/parsed_profile.h"

namespace connector::profile_json {

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

  // `line` must be followed by kJsonPadding readable bytes. The result
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

}  // namespace connector::profile_json

#endif  // CONNECTOR_PROFILE_JSON_PROFILE_READER_H_
