#include "connector/pinterest/pinterest_client.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/pinterest/answer.h"
#include "connector/pinterest/request_body.h"
#include "connector/pinterest/url.h"
#include "connector/pinterest/utf8.h"

namespace connector::pinterest {
namespace {

using identity_mapping::RecordView;

constexpr size_t kMaxListName = 1024;
constexpr size_t kMaxBookmark = 4096;
constexpr int kMaxPageSize = 250;

bool IsListType(absl::string_view type) {
  constexpr std::array<absl::string_view, 6> kTypes = {
      "EMAIL", "IDFA", "MAID", "LR_ID", "DLX_ID", "HASHED_PINNER_ID"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

std::optional<ApiError> CheckAdAccount(absl::string_view id) {
  if (IsPinterestId(id)) return std::nullopt;
  return NotSendable("the ad account id must be 1 to 18 digits");
}

std::optional<ApiError> CheckList(absl::string_view ad_account_id,
                                  absl::string_view customer_list_id) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return error;
  }
  if (IsPinterestId(customer_list_id)) return std::nullopt;
  return NotSendable("the customer list id must be 1 to 18 digits");
}

std::string ListsPath(absl::string_view ad_account_id) {
  return absl::StrCat("/ad_accounts/", ad_account_id, "/customer_lists");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PinterestClient>> PinterestClient::Create(
    Options options) {
  auto caller = ApiCaller::Create(std::move(options));
  if (!caller.ok()) return caller.status();
  return std::unique_ptr<PinterestClient>(
      new PinterestClient(*std::move(caller)));
}

ApiResult<CustomerList> PinterestClient::Create(
    absl::string_view ad_account_id, absl::string_view name,
    absl::string_view list_type, absl::Span<const RecordView> records) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return *std::move(error);
  }
  if (name.empty() || name.size() > kMaxListName || !IsPlainUtf8(name)) {
    return NotSendable(
        "the list name must be 1 to 1024 bytes of UTF-8 without control "
        "characters");
  }
  if (!IsListType(list_type)) return NotSendable("the list type is unknown");
  if (records.empty()) return NotSendable("there are no records");
  return caller_->Call<CustomerList>("POST", ListsPath(ad_account_id),
                                     BuildCreateBody(name, list_type, records),
                                     ParseCustomerList);
}

ApiResult<CustomerList> PinterestClient::Update(
    absl::string_view ad_account_id, absl::string_view customer_list_id,
    Operation operation, absl::Span<const RecordView> records) {
  if (std::optional<ApiError> error =
          CheckList(ad_account_id, customer_list_id)) {
    return *std::move(error);
  }
  if (records.empty()) return NotSendable("there are no records");
  return caller_->Call<CustomerList>(
      "PATCH", absl::StrCat(ListsPath(ad_account_id), "/", customer_list_id),
      BuildUpdateBody(operation, records), ParseCustomerList);
}

ApiResult<CustomerList> PinterestClient::Get(
    absl::string_view ad_account_id, absl::string_view customer_list_id) {
  if (std::optional<ApiError> error =
          CheckList(ad_account_id, customer_list_id)) {
    return *std::move(error);
  }
  return caller_->Call<CustomerList>(
      "GET", absl::StrCat(ListsPath(ad_account_id), "/", customer_list_id), "",
      ParseCustomerList);
}

ApiResult<CustomerListPage> PinterestClient::List(
    absl::string_view ad_account_id, absl::string_view bookmark, int page_size,
    bool newest_first) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return *std::move(error);
  }
  if (page_size < 1 || page_size > kMaxPageSize) {
    return NotSendable("the page size must be 1 to 250");
  }
  if (bookmark.size() > kMaxBookmark) {
    return NotSendable("the bookmark is too long");
  }
  std::string path =
      absl::StrCat(ListsPath(ad_account_id), "?page_size=", page_size,
                   "&order=", newest_first ? "DESCENDING" : "ASCENDING");
  if (!bookmark.empty()) {
    absl::StrAppend(&path, "&bookmark=", PercentEncode(bookmark));
  }
  return caller_->Call<CustomerListPage>(
      "GET", std::move(path), "",
      [&](absl::string_view body, absl::string_view token) {
        return ParseCustomerListPage(body, bookmark, token);
      });
}

ApiResult<AdAccount> PinterestClient::GetAdAccount(
    absl::string_view ad_account_id) {
  if (std::optional<ApiError> error = CheckAdAccount(ad_account_id)) {
    return *std::move(error);
  }
  return caller_->Call<AdAccount>(
      "GET", absl::StrCat("/ad_accounts/", ad_account_id), "", ParseAdAccount);
}

}  // namespace connector::pinterest
