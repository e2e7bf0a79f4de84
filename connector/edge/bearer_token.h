#ifndef CONNECTOR_EDGE_BEARER_TOKEN_H_
#define CONNECTOR_EDGE_BEARER_TOKEN_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace connector::edge {

// Whether an Authorization field ("Bearer …") shows one of the tokens. Takes
// the same time whichever it is, whatever the field holds and wherever it
// differs; only the length of what is shown can be told.
bool ShowsToken(absl::string_view authorization,
                absl::Span<const std::string> tokens);

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_BEARER_TOKEN_H_
