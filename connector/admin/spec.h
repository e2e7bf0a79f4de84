#ifndef CONNECTOR_ADMIN_SPEC_H_
#define CONNECTOR_ADMIN_SPEC_H_

#include "audience_sync/v1/destination_service.pb.h"

namespace connector::admin {

// What the connector is and can do; depends on nothing but the build.
audience_sync::v1::GetSpecResponse MakeSpec();

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_SPEC_H_
