#ifndef CONNECTOR_SERVER_CREDENTIALS_H_
#define CONNECTOR_SERVER_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connector/server/listen_address.h"
#include "grpcpp/security/server_credentials.h"

namespace connector::server {

// PEM files; empty strings where there is none.
struct TlsFiles {
  std::string certificate_file;
  std::string key_file;
  // Clients must show a certificate that one of these authorities signed.
  std::string client_ca_file;
};

// How the API is served on `address`: in the clear on a Unix socket or on
// loopback, with TLS if certificate and key are given. INVALID_ARGUMENT, naming
// the flag, for anything else and for files that cannot be read.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ListenAddress& address, const TlsFiles& tls);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_CREDENTIALS_H_
