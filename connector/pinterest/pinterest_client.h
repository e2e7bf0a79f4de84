#ifndef CONNECTOR_PINTEREST_PINTEREST_CLIENT_H_
#define CONNECTOR_PINTEREST_PINTEREST_CLIENT_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "connector/pinterest/api_caller.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::pinterest {

// CustomerListClient over HTTP with the token of one credential. A request that
// is answered with 401 goes out once more, within the same call, if the token
// source has another token: only the answer to that one is told. Sends only
// fields of API description v5.23, and ignores answer fields it does not know.
class PinterestClient final : public CustomerListClient {
 public:
  using Options = ApiCaller::Options;

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
  explicit PinterestClient(std::unique_ptr<ApiCaller> caller)
      : caller_(std::move(caller)) {}

  const std::unique_ptr<ApiCaller> caller_;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_PINTEREST_CLIENT_H_
