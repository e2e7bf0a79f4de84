#ifndef CONNECTOR_PINTEREST_PINTEREST_CLIENT_H_
#define CONNECTOR_PINTEREST_PINTEREST_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "connector/base/clock.h"
#include "connector/pinterest/customer_list_client.h"
#include "connector/pinterest/http_transport.h"
#include "connector/pinterest/token_source.h"

namespace connector::pinterest {

// CustomerListClient over HTTP with the token of one credential. A request that
// is answered with 401 goes out once more, within the same call, if the token
// source has another token: only the answer to that one is told. Sends only
// fields of API description v5.23, and ignores answer fields it does not know.
class PinterestClient final : public CustomerListClient {
 public:
  struct Options {
    // With its path: "https://api.pinterest.com/v5". http:// only for a
    // loopback host, as the token would travel in the clear.
    std::string base_url;

    // For one whole call; positive.
    absl::Duration timeout = absl::Seconds(60);

    // Not owned, must outlive the client. `clock` reads dates in headers.
    HttpTransport* transport = nullptr;
    TokenSource* token_source = nullptr;
    Clock* clock = nullptr;
  };

  // INVALID_ARGUMENT when an option breaks its rule.
  static absl::StatusOr<std::unique_ptr<PinterestClient>> Create(
      Options options);

  ApiResult<CustomerList> Create(
      absl::string_view ad_account_id, absl::string_view name,
      absl::string_view list_type,
      absl::Span<const identity_mapping::RecordView> records) override;
  ApiResult<CustomerList> Update(
      absl::string_view ad_account_id, absl::string_view customer_list_id,
      Operation operation,
      absl::Span<const identity_mapping::RecordView> records) override;
  ApiResult<CustomerList> Get(absl::string_view ad_account_id,
                              absl::string_view customer_list_id) override;
  ApiResult<CustomerListPage> List(absl::string_view ad_account_id,
                                   absl::string_view bookmark,
                                   int page_size = 250,
                                   bool newest_first = true) override;
  ApiResult<AdAccount> GetAdAccount(absl::string_view ad_account_id) override;

 private:
  explicit PinterestClient(Options options) : options_(std::move(options)) {}

  // Sends the request and reads the answer with `parse`, a function of
  // (body, token to mask) to absl::StatusOr<T>.
  template <typename T, typename Parse>
  ApiResult<T> Call(absl::string_view method, std::string path,
                    std::string body, Parse parse);

  const Options options_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_PINTEREST_CLIENT_H_
