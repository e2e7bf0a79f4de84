#ifndef CONNECTOR_PINTEREST_ANSWER_H_
#define CONNECTOR_PINTEREST_ANSWER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/pinterest/audience_client.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::pinterest {

// Reading the bodies of answers. Hostile input is safe: JSON may be nested 64
// deep at most, unknown fields and fields of a wrong type are passed over where
// the answer is still of use.
//
// Errors: DATA_LOSS when the body starts as a JSON object and ends before that
// does (it was cut on the way), INTERNAL when it is anything else than what it
// must be. Messages show nothing of the body. `token` is masked wherever text
// of the answer is kept.

// Must have an "id" as Pinterest's ids are.
absl::StatusOr<CustomerList> ParseCustomerList(absl::string_view body,
                                               absl::string_view token);

// Must have "items", each a readable list: a list that is passed over in
// silence could be created a second time. A bookmark equal to `asked`, the one
// the page was asked for with, is an error, as paging would never end.
absl::StatusOr<CustomerListPage> ParseCustomerListPage(absl::string_view body,
                                                       absl::string_view asked,
                                                       absl::string_view token);

// The same for audiences: an audience that is passed over could be created a
// second time. Statuses and types that are not known yet pass; so does a rule
// of any shape.
absl::StatusOr<Audience> ParseAudience(absl::string_view body,
                                       absl::string_view token);
absl::StatusOr<AudiencePage> ParseAudiencePage(absl::string_view body,
                                               absl::string_view asked,
                                               absl::string_view token);

absl::StatusOr<AdAccount> ParseAdAccount(absl::string_view body,
                                         absl::string_view token);

struct ErrorAnswer {
  int code = 0;

  // Made safe for logs, at most 300 bytes; says so when there was none.
  std::string message;

  // The message or its detail speaks of spam. A 429 that does is a block, not
  // a rate limit (pinterest/api-quickstart, python/src/api_common.py).
  bool spam = false;
};

// The body of an error, {"code": int, "message": string}; whatever it is, it
// gives something to report.
ErrorAnswer ParseErrorAnswer(absl::string_view body, absl::string_view token);

// ^[0-9]{1,18}$, as the API description says of all ids.
bool IsPinterestId(absl::string_view id);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_ANSWER_H_
