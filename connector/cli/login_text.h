#ifndef CONNECTOR_CLI_LOGIN_TEXT_H_
#define CONNECTOR_CLI_LOGIN_TEXT_H_

#include <string>

#include "absl/time/time.h"
#include "audience_sync/v1/sync_status.pb.h"

namespace connector::cli {

// One line on how a login stands: "access token good for 29 days, refresh token
// for 59 days, refreshed 20 hours ago", with the problem behind it if there is
// one.
std::string LoginText(const audience_sync::v1::OAuthStatus& status,
                      absl::Time now);

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_LOGIN_TEXT_H_
