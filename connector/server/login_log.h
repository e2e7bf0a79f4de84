#ifndef CONNECTOR_SERVER_LOGIN_LOG_H_
#define CONNECTOR_SERVER_LOGIN_LOG_H_

#include "connector/pinterest/oauth_token_source.h"

namespace connector::server {

// Logs a refresh of tokens, or why there was none.
void LogLoginEvent(const pinterest::OAuthEvent& event);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_LOGIN_LOG_H_
