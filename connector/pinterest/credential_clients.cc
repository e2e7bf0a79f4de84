#include "connector/pinterest/credential_clients.h"

#include "connector/base/error.h"
#include "connector/pinterest/pinterest_audience_client.h"
#include "connector/pinterest/pinterest_client.h"

namespace connector::pinterest {
namespace {

// A client together with the token source that it does not own.
template <typename Client>
struct Owner {
  std::shared_ptr<TokenSource> token_source;
  std::unique_ptr<Client> client;
};

// Stands in where only the other options are looked at.
class NoToken final : public TokenSource {
 public:
  absl::StatusOr<std::string> AccessToken() override {
    return absl::FailedPreconditionError("no token");
  }
  absl::StatusOr<std::string> AnotherToken(absl::string_view) override {
    return AccessToken();
  }
};

PinterestClient::Options ClientOptions(
    const CredentialClients::Options& options, TokenSource* token_source) {
  PinterestClient::Options client;
  client.base_url = options.base_url;
  client.timeout = options.timeout;
  client.transport = options.transport;
  client.token_source = token_source;
  client.clock = options.clock;
  return client;
}

// The client of the name in `clients`, made if it is not there.
template <typename Client, typename Interface>
absl::StatusOr<std::shared_ptr<Interface>> FindOrMake(
    const CredentialClients::Options& options, absl::string_view token_name,
    absl::flat_hash_map<std::string, std::shared_ptr<Interface>>& clients) {
  if (auto found = clients.find(token_name); found != clients.end()) {
    return found->second;
  }
  auto source = options.tokens->Find(token_name);
  if (!source.ok()) return source.status();
  auto client = Client::Create(ClientOptions(options, source->get()));
  if (!client.ok()) return client.status();
  auto owner = std::make_shared<Owner<Client>>();
  owner->token_source = *std::move(source);
  owner->client = *std::move(client);
  std::shared_ptr<Interface> shared(owner, owner->client.get());
  clients.emplace(token_name, shared);
  return shared;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CredentialClients>> CredentialClients::Create(
    Options options) {
  if (options.tokens == nullptr) {
    return FieldError("tokens", "must be given");
  }
  NoToken no_token;
  if (auto client = PinterestClient::Create(ClientOptions(options, &no_token));
      !client.ok()) {
    return client.status();
  }
  return std::unique_ptr<CredentialClients>(
      new CredentialClients(std::move(options)));
}

absl::StatusOr<std::shared_ptr<CustomerListClient>>
CredentialClients::ClientFor(absl::string_view token_name) {
  absl::MutexLock lock(&mutex_);
  return FindOrMake<PinterestClient>(options_, token_name, clients_);
}

absl::StatusOr<std::shared_ptr<AudienceClient>>
CredentialClients::AudienceClientFor(absl::string_view token_name) {
  absl::MutexLock lock(&mutex_);
  return FindOrMake<PinterestAudienceClient>(options_, token_name,
                                             audience_clients_);
}

}  // namespace connector::pinterest
