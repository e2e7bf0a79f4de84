#include "connector/pinterest/file_clients.h"

#include "connector/base/error.h"
#include "connector/pinterest/pinterest_client.h"
#include "connector/pinterest/token_file.h"

namespace connector::pinterest {
namespace {

// A client together with the token source that it does not own.
struct Owner {
  std::unique_ptr<FileTokenSource> token_source;
  std::unique_ptr<PinterestClient> client;
};

// Stands in where only the other options are looked at.
class NoToken final : public TokenSource {
 public:
  absl::StatusOr<std::string> AccessToken() override {
    return absl::FailedPreconditionError("no token");
  }
};

PinterestClient::Options ClientOptions(
    const FileClientProvider::Options& options, TokenSource* token_source) {
  PinterestClient::Options client;
  client.base_url = options.base_url;
  client.timeout = options.timeout;
  client.transport = options.transport;
  client.token_source = token_source;
  client.clock = options.clock;
  return client;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileClientProvider>> FileClientProvider::Create(
    Options options) {
  if (options.credentials_dir.empty()) {
    return FieldError("credentials_dir", "must not be empty");
  }
  NoToken no_token;
  if (auto client = PinterestClient::Create(ClientOptions(options, &no_token));
      !client.ok()) {
    return client.status();
  }
  return std::unique_ptr<FileClientProvider>(
      new FileClientProvider(std::move(options)));
}

FileClientProvider::~FileClientProvider() = default;

absl::StatusOr<std::shared_ptr<CustomerListClient>>
FileClientProvider::ClientFor(absl::string_view access_token_file) {
  absl::MutexLock lock(&mutex_);
  if (auto found = clients_.find(access_token_file); found != clients_.end()) {
    return found->second;
  }
  auto source =
      FileTokenSource::Create(options_.credentials_dir, access_token_file);
  if (!source.ok()) return source.status();
  auto client = PinterestClient::Create(ClientOptions(options_, source->get()));
  if (!client.ok()) return client.status();
  auto owner = std::make_shared<Owner>();
  owner->token_source = *std::move(source);
  owner->client = *std::move(client);
  std::shared_ptr<CustomerListClient> shared(owner, owner->client.get());
  clients_.emplace(access_token_file, shared);
  return shared;
}

absl::Status FileClientProvider::CheckToken(
    absl::string_view access_token_file) const {
  auto source =
      FileTokenSource::Create(options_.credentials_dir, access_token_file);
  if (!source.ok()) return source.status();
  return (*source)->AccessToken().status();
}

}  // namespace connector::pinterest
