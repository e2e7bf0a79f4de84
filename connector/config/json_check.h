#ifndef CONNECTOR_CONFIG_JSON_CHECK_H_
#define CONNECTOR_CONFIG_JSON_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace connector::config {

// Checks that `text` is JSON that fits a message type: protobuf's own reader
// tells neither line nor column. INVALID_ARGUMENT
// "line 3, column 7: destinations[0].display_name: …" for bad syntax, an
// unknown or repeated field, a value of the wrong type. Messages name fields,
// never what the text holds.
//
// The type may use strings, booleans, 32- and 64-bit signed integers, enums,
// messages, google.protobuf.Duration, and lists of them.
absl::Status CheckJson(absl::string_view text,
                       const google::protobuf::Descriptor* type);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_JSON_CHECK_H_
