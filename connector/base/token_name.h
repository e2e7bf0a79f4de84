#ifndef CONNECTOR_BASE_TOKEN_NAME_H_
#define CONNECTOR_BASE_TOKEN_NAME_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace connector {

// How the folders speak of where a credential's access token comes from: the
// name of a file in the credentials directory, or this with the credential's ID
// behind it for a login that is kept fresh. No file name has a colon.
inline constexpr absl::string_view kLoginPrefix = "login:";

inline std::string LoginTokenName(absl::string_view credential_id) {
  return absl::StrCat(kLoginPrefix, credential_id);
}

}  // namespace connector

#endif  // CONNECTOR_BASE_TOKEN_NAME_H_
