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

  // The client that uses the token in this file of the credentials directory;
  // the same one for the same file. The file need not exist yet: a missing or
  // unreadable token shows when a call is made (ErrorClass::kUnauthorized with
  // http_status 0).
  virtual absl::StatusOr<std::shared_ptr<CustomerListClient>> ClientFor(
      absl::string_view access_token_file) = 0;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_CLIENT_PROVIDER_H_
