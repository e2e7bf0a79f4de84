#ifndef CONNECTOR_PINTEREST_CLIENT_PROVIDER_H_
#define CONNECTOR_PINTEREST_CLIENT_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::pinterest {

// Gives the client of a credential. Thread-safe.
class ClientProvider {
 public:
  virtual ~ClientProvider() = default;

  // The client that uses the tokens of this name (base/token_name.h): the name
  // of a file in the credentials directory, or a credential's login. The same
  // one for the same name. No token need be there yet: a missing or unreadable
  // one shows when a call is made (ErrorClass::kUnauthorized with http_status
  // 0).
  virtual absl::StatusOr<std::shared_ptr<CustomerListClient>> ClientFor(
      absl::string_view token_name) = 0;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_CLIENT_PROVIDER_H_
