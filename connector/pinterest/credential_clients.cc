#include "connector/pinterest/credential_clients.h"

#include "connector/base/error.h"
#include "connector/pinterest/pinterest_client.h"

namespace connector::pinterest {
namespace {

// A client together with the token source that it does not own.
struct Owner {
  std::shared_ptr<TokenSource> token_source;
  std::unique_ptr<PinterestClient> client;
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
  if (auto found = clients_.find(token_name); found != clients_.end()) {
    return found->second;
  }
  auto source = options_.tokens->Find(token_name);
  if (!source.ok()) return source.status();
  auto client = PinterestClient::Create(ClientOptions(options_, source->get()));
  if (!client.ok()) return client.status();
  auto owner = std::make_shared<Owner>();
  owner->token_source = *std::move(source);
  owner->client = *std::move(client);
  std::shared_ptr<CustomerListClient> shared(owner, owner->client.get());
  clients_.emplace(token_name, shared);
  return shared;
}

}  // namespace connector::pinterest
