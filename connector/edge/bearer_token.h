#ifndef CONNECTOR_EDGE_BEARER_TOKEN_H_
#define CONNECTOR_EDGE_BEARER_TOKEN_H_

#include "absl/strings/string_view.h"

namespace connector::edge {

// Whether an Authorization field ("Bearer …") shows the token. Takes the same
// time whatever the field holds and wherever it differs.
bool ShowsToken(absl::string_view authorization, absl::string_view token);

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_BEARER_TOKEN_H_
