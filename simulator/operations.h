#ifndef CONNECTOR_SIMULATOR_OPERATIONS_H_
#define CONNECTOR_SIMULATOR_OPERATIONS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace simulator {

// One call of Pinterest's API, as its description has it.
struct Operation {
  const char* name;
  const char* method;
  // Path below /v5; {a}, {l} and {i} are the ad account, customer list and
  // audience.
  const char* path;
  // Of the rate limits.
  const char* category;
  // Needed of the token; empty for none.
  const char* scope;
  // Not for client_credentials tokens.
  bool user_only;
};

struct Route {
  // Null: no such call.
  const Operation* operation = nullptr;
  // The path exists, if perhaps with another method.
  bool path_exists = false;
  // Part of the API, but open to chosen apps only (uploads of customer lists).
  bool closed_beta = false;
  std::string ad_account;
  std::string customer_list;
  std::string audience;
};

// `path` as in the request, with /v5. `legacy_audiences_custom` opens the call
// of the older API.
Route FindRoute(absl::string_view method, absl::string_view path,
                bool legacy_audiences_custom);

// Whether the operation is POST or PATCH of customer lists.
bool TakesRecords(const Operation& operation);

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_OPERATIONS_H_
