#ifndef CONNECTOR_PINTEREST_AUDIENCE_BODY_H_
#define CONNECTOR_PINTEREST_AUDIENCE_BODY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/pinterest/audience_client.h"

namespace connector::pinterest {

// The JSON bodies of the audience calls. INVALID_ARGUMENT for a draft or change
// that cannot be sent: a name that is not 1 to 1,024 bytes of UTF-8 without
// control characters, a rule that is no JSON object, an unknown type or term.

absl::StatusOr<std::string> BuildAudienceBody(absl::string_view ad_account_id,
                                              const AudienceDraft& draft);
absl::StatusOr<std::string> BuildCustomAudienceBody(
    absl::string_view ad_account_id, const AudienceDraft& draft,
    const CustomAudienceTerms& terms);
absl::StatusOr<std::string> BuildAudienceChangeBody(
    const AudienceChange& change);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_AUDIENCE_BODY_H_
