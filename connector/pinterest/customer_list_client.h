#ifndef CONNECTOR_PINTEREST_CUSTOMER_LIST_CLIENT_H_
#define CONNECTOR_PINTEREST_CUSTOMER_LIST_CLIENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "connector/pinterest/api_result.h"
#include "identity_mapping/record.h"

namespace connector::pinterest {

enum class Operation { kAdd, kRemove };

// What Pinterest says about a list. It never tells its members. Facts: schema
// CustomerList of pinterest/api-description v5.23 and the changes up to v5.28.
struct CustomerList {
  // ^[0-9]{1,18}$, checked.
  std::string id;
  std::string name;
  std::string ad_account_id;

  // PROCESSING, READY, TOO_SMALL (fewer than 100 Pinterest users), UPLOADING,
  // or a word that is not known yet.
  std::string status;

  // Unix seconds.
  std::optional<int64_t> created_time;

  // Creation is one batch, each ADD or REMOVE another one. The record counters
  // count what was sent, also when it was there already or never was.
  std::optional<int64_t> num_batches;
  std::optional<int64_t> num_uploaded_user_records;
  std::optional<int64_t> num_removed_user_records;

  // "Customer list errors", of no published shape: a warning for people, as
  // masked text of at most 1,000 bytes (cut text is no valid JSON). Empty for
  // {}, null and [].
  std::string exceptions_json;
};

struct CustomerListPage {
  std::vector<CustomerList> items;

  // For the next page; empty on the last one.
  std::string bookmark;
};

struct AdAccount {
  std::string id;
  std::string name;

  // ISO codes; empty when not told.
  std::string country;
  std::string currency;

  // Roles of the token's user in this account: "ADMIN", "AUDIENCE_MANAGER"…
  std::vector<std::string> permissions;
};

// The calls on customer lists of Pinterest's API v5. One call is one request
// (besides a 401 that another token answers, pinterest_client.h): nothing is
// retried inside, as whether to repeat depends on what the caller knows.
// Thread-safe.
//
// Ids must match ^[0-9]{1,18}$ and `records` must not be empty; otherwise
// nothing is sent and the error is kUnexpected with HTTP status 0.
//
// For the two writes, a 2xx settles the request if its body is a readable list
// with an id. A 2xx whose body was cut is kRetryable with outcome_unknown; one
// whose complete body is something else (the page of a proxy, say) is
// kUnexpected with outcome_unknown.
class CustomerListClient {
 public:
  virtual ~CustomerListClient() = default;

  // Creates a list and adds the records. NOT idempotent, and names are not
  // unique: after outcome_unknown look for the name before another attempt.
  // list_type: EMAIL, IDFA, MAID, LR_ID, DLX_ID or HASHED_PINNER_ID. The name
  // is UTF-8 without control characters, 1 to 1,024 bytes.
  virtual ApiResult<CustomerList> Create(
      absl::string_view ad_account_id, absl::string_view name,
      absl::string_view list_type,
      absl::Span<const identity_mapping::RecordView> records) = 0;

  // Adds or removes. May be repeated without harm to the membership (the
  // counters grow again).
  virtual ApiResult<CustomerList> Update(
      absl::string_view ad_account_id, absl::string_view customer_list_id,
      Operation operation,
      absl::Span<const identity_mapping::RecordView> records) = 0;

  virtual ApiResult<CustomerList> Get(absl::string_view ad_account_id,
                                      absl::string_view customer_list_id) = 0;

  // One page, by id. `bookmark` is empty for the first page, later that of the
  // page before. `page_size` is 1 to 250.
  virtual ApiResult<CustomerListPage> List(absl::string_view ad_account_id,
                                           absl::string_view bookmark,
                                           int page_size = 250,
                                           bool newest_first = true) = 0;

  virtual ApiResult<AdAccount> GetAdAccount(
      absl::string_view ad_account_id) = 0;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_CUSTOMER_LIST_CLIENT_H_
