#ifndef CONNECTOR_PROFILE_JSON_SYNTAX_ERROR_H_
#define CONNECTOR_PROFILE_JSON_SYNTAX_ERROR_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace connector::profile_json {

// The byte, from 1, at which `text` stops being JSON; nullopt if it is, as far
// as can be told. For messages only: slower than the parser that refused it,
// which does not know.
std::optional<int64_t> FindSyntaxError(absl::string_view text);

}  // namespace connector::profile_json

#endif  // CONNECTOR_PROFILE_JSON_SYNTAX_ERROR_H_
