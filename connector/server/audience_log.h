#ifndef CONNECTOR_SERVER_AUDIENCE_LOG_H_
#define CONNECTOR_SERVER_AUDIENCE_LOG_H_

#include "connector/audiences/audience_event.h"

namespace connector::server {

// Writes what happened to an audience to the log.
void LogAudienceEvent(const audiences::AudienceEvent& event);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_AUDIENCE_LOG_H_
