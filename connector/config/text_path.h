#ifndef CONNECTOR_CONFIG_TEXT_PATH_H_
#define CONNECTOR_CONFIG_TEXT_PATH_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace connector::config {

// The path of the field that a place in protobuf text belongs to:
// "destinations[0].delivery_policy.max_delai". Protobuf's reader tells only
// line and column of an error (both from 0), which is what this takes. The last
// part is the field that was named before the place, whether `type` knows it or
// not; empty at the top. Unknown names are left out unless they look like one.
std::string TextPath(absl::string_view text, int line, int column,
                     const google::protobuf::Descriptor* type);

// Whether a name that is none may be repeated in an error: it could be a token
// that was pasted where it does not belong. True for up to 40 letters and
// underscores in which none of Pinterest's tokens starts.
bool LooksLikeFieldName(absl::string_view name);

// The path of the first string field, however deep, that is not UTF-8; empty if
// all are. Protobuf text can hold any byte (as "\\377"), the API cannot.
std::string FindMalformedText(const google::protobuf::Message& message);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_TEXT_PATH_H_
