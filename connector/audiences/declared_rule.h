#ifndef CONNECTOR_AUDIENCES_DECLARED_RULE_H_
#define CONNECTOR_AUDIENCES_DECLARED_RULE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "audience_sync/v1/audience.pb.h"
#include "connector/pinterest/audience_client.h"

namespace connector::audiences {

// Declarations as Pinterest takes them, following its guide "Create audiences"
// and the schema AudienceRule of API description v5.23. They must have passed
// connector/config.

// "ACTALIKE", "ENGAGEMENT", "VISITOR".
std::string DeclaredType(const audience_sync::v1::DeclaredAudience& audience);

// The rule as compact JSON with sorted keys. `seed_id` is the id of the
// audience that an ACTALIKE one grows from; empty for others.
std::string DeclaredRule(const audience_sync::v1::DeclaredAudience& audience,
                         absl::string_view ad_account_id,
                         absl::string_view seed_id);

pinterest::AudienceDraft DeclaredDraft(
    const audience_sync::v1::DeclaredAudience& audience,
    absl::string_view ad_account_id, absl::string_view seed_id);

// The rule of a CUSTOMER_LIST audience.
std::string ListRule(absl::string_view customer_list_id);

// What the older API asks for besides.
pinterest::CustomAudienceTerms CustomTerms(
    const audience_sync::v1::OlderAudienceApi& api);

// Whether an audience at Pinterest has the rule that was sent: each field is
// there with the same value. A number may come back as text, a single id for a
// list of one, words in another case; fields of Pinterest's own are passed
// over.
bool RuleMatches(absl::string_view sent, absl::string_view found);

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_DECLARED_RULE_H_
