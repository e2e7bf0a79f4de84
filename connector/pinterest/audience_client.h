#ifndef CONNECTOR_PINTEREST_AUDIENCE_CLIENT_H_
#define CONNECTOR_PINTEREST_AUDIENCE_CLIENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/pinterest/api_result.h"

namespace connector::pinterest {

// What Pinterest says about an audience. Facts: schema Audience of
// pinterest/api-description v5.23 and the changes up to v5.28.
struct Audience {
  // ^[0-9]{1,18}$, checked.
  std::string id;
  std::string name;
  std::string description;
  // CUSTOMER_LIST, ACTALIKE, VISITOR, ENGAGEMENT, PERSONA, or a word that is
  // not known yet.
  std::string audience_type;
  // INITIALIZING, PROCESSING, TOO_SMALL, UPDATING, READY, ELIGIBLE, ARCHIVED,
  // ERROR, or a word that is not known yet. The lists of Pinterest's own pages
  // differ.
  std::string status;
  // Matched accounts; unknown when Pinterest does not tell.
  std::optional<int64_t> size;
  // Unix seconds.
  std::optional<int64_t> created_timestamp;
  // The rule as compact JSON; empty if there is none or it is over 64 KiB.
  std::string rule_json;
  // rule.customer_list_id if it is one.
  std::string customer_list_id;
};

struct AudiencePage {
  std::vector<Audience> items;
  // For the next page; empty on the last one.
  std::string bookmark;
};

// What is to be created.
struct AudienceDraft {
  std::string name;
  // Empty: not sent.
  std::string description;
  std::string audience_type;
  // A JSON object.
  std::string rule_json;
  // Empty: not sent. An example of Pinterest's guide has it, the API
  // description does not.
  std::string created_by_company_name;
};

// What the older call asks for besides.
struct CustomAudienceTerms {
  std::string sharing_type;  // CUSTOM, SYNDICATED
  std::string data_party;    // 1p, 3p
  std::string category;      // empty: not sent
};

// Only what is set changes.
struct AudienceChange {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> rule_json;
  // operation_type REMOVE: the audience is retired.
  bool remove = false;
};

// The calls on audiences of Pinterest's API v5. As CustomerListClient: one call
// is one request, arguments that cannot be sent are kUnexpected with HTTP
// status 0, a 2xx settles a write if its body is a readable audience with an
// id. Thread-safe.
class AudienceClient {
 public:
  virtual ~AudienceClient() = default;

  // NOT idempotent, and names are not unique: after outcome_unknown look for
  // the rule before another attempt. A CUSTOMER_LIST audience is sent with its
  // ad account id, as in Pinterest's example.
  virtual ApiResult<Audience> Create(absl::string_view ad_account_id,
                                     const AudienceDraft& draft) = 0;

  // The same by the call of API 5.8 to 5.18, audiences/custom, which has
  // neither audience_type nor description: the rule tells the type.
  virtual ApiResult<Audience> CreateCustom(
      absl::string_view ad_account_id, const AudienceDraft& draft,
      const CustomAudienceTerms& terms) = 0;

  // May be repeated without harm.
  virtual ApiResult<Audience> Update(absl::string_view ad_account_id,
                                     absl::string_view audience_id,
                                     const AudienceChange& change) = 0;

  virtual ApiResult<Audience> Get(absl::string_view ad_account_id,
                                  absl::string_view audience_id) = 0;

  // One page, newest first. `bookmark` is empty for the first page, later that
  // of the page before. `page_size` is 1 to 250.
  virtual ApiResult<AudiencePage> List(absl::string_view ad_account_id,
                                       absl::string_view bookmark,
                                       int page_size = 250) = 0;
};

// Gives the audience client of a credential; as ClientProvider. Thread-safe.
class AudienceClientProvider {
 public:
  virtual ~AudienceClientProvider() = default;
  virtual absl::StatusOr<std::shared_ptr<AudienceClient>> AudienceClientFor(
      absl::string_view token_name) = 0;
};

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_AUDIENCE_CLIENT_H_
