#ifndef CONNECTOR_AUDIENCES_AUDIENCE_TERMS_H_
#define CONNECTOR_AUDIENCES_AUDIENCE_TERMS_H_

#include <string>

#include "absl/time/time.h"
#include "connector/config/destination_config.h"
#include "connector/membership/audience_table.h"
#include "connector/pinterest/audience_client.h"

// What the parts of AccountAudiences share.
namespace connector::audiences {

// How long the account is left alone when Pinterest is out of reach or says
// that it may not be used.
inline constexpr absl::Duration kLongestBackoff = absl::Minutes(5);

// Audiences are told apart by this in an account.
std::string KeyOf(const membership::AudienceKey& key);

// Whether Pinterest says that it ended.
bool Ended(const pinterest::Audience& audience);

// How long to wait after so many failures in a row (1, 2, …) that concern one
// audience only: from the first poll's interval to the longest.
absl::Duration RetryInterval(const config::AudienceSettings& settings,
                             int failures);

// Notes the status, and the time if it is of another class than the last one.
void SetStatus(const std::string& status, absl::Time now,
               membership::AudienceRow& row);

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_AUDIENCE_TERMS_H_
