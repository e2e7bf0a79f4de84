#ifndef CONNECTOR_PINTEREST_CREDENTIAL_CLIENTS_H_
#define CONNECTOR_PINTEREST_CREDENTIAL_CLIENTS_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/pinterest/audience_client.h"
#include "connector/pinterest/client_provider.h"
#include "connector/pinterest/http_transport.h"
#include "connector/pinterest/token_sources.h"

namespace connector::pinterest {

// Clients over HTTP, one for each token source. Thread-safe.
class CredentialClients final : public ClientProvider,
                                public AudienceClientProvider {
 public:
  struct Options {
    // As PinterestClient::Options.
    std::string base_url;
    absl::Duration timeout = absl::Seconds(60);
    // Not owned, must outlive the provider and its clients.
    HttpTransport* transport = nullptr;
    TokenSources* tokens = nullptr;
    Clock* clock = nullptr;
  };

  // INVALID_ARGUMENT when an option breaks its rule. Reads no file.
  static absl::StatusOr<std::unique_ptr<CredentialClients>> Create(
      Options options);

  absl::StatusOr<std::shared_ptr<CustomerListClient>> ClientFor(
      absl::string_view token_name) override;
  absl::StatusOr<std::shared_ptr<AudienceClient>> AudienceClientFor(
      absl::string_view token_name) override;

 private:
  explicit CredentialClients(Options options) : options_(std::move(options)) {}

  const Options options_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<CustomerListClient>> clients_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<AudienceClient>>
      audience_clients_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_CREDENTIAL_CLIENTS_H_
