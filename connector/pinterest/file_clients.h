#ifndef CONNECTOR_PINTEREST_FILE_CLIENTS_H_
#define CONNECTOR_PINTEREST_FILE_CLIENTS_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/clock.h"
#include "connector/pinterest/client_provider.h"
#include "connector/pinterest/http_transport.h"

namespace connector::pinterest {

// Clients whose tokens lie in files of one credentials directory. Thread-safe.
class FileClientProvider final : public ClientProvider {
 public:
  struct Options {
    std::string credentials_dir;
    // As PinterestClient::Options.
    std::string base_url;
    absl::Duration timeout = absl::Seconds(60);
    // Not owned, must outlive the provider and its clients.
    HttpTransport* transport = nullptr;
    Clock* clock = nullptr;
  };

  // INVALID_ARGUMENT when an option breaks its rule. Reads no file.
  static absl::StatusOr<std::unique_ptr<FileClientProvider>> Create(
      Options options);

  ~FileClientProvider() override;

  absl::StatusOr<std::shared_ptr<CustomerListClient>> ClientFor(
      absl::string_view access_token_file) override;

  // Whether the file holds a token that could be sent now, without calling
  // Pinterest. Errors as of FileTokenSource, none shows anything of the token.
  absl::Status CheckToken(absl::string_view access_token_file) const;

 private:
  explicit FileClientProvider(Options options) : options_(std::move(options)) {}

  const Options options_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<CustomerListClient>> clients_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_FILE_CLIENTS_H_
