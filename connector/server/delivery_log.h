#ifndef CONNECTOR_SERVER_DELIVERY_LOG_H_
#define CONNECTOR_SERVER_DELIVERY_LOG_H_

#include "connector/delivery/delivery_event.h"

namespace connector::server {

// Writes what delivery tells into the log.
void LogDeliveryEvent(const delivery::DeliveryEvent& event);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_DELIVERY_LOG_H_
