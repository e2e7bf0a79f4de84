#ifndef CONNECTOR_ADMIN_FULL_SYNC_STATUS_H_
#define CONNECTOR_ADMIN_FULL_SYNC_STATUS_H_

#include "audience_sync/v1/sync_status.pb.h"
#include "connector/membership/full_sync.h"

namespace connector::admin {

// How a full sync stands.
audience_sync::v1::FullSync ToFullSyncProto(
    const membership::FullSync& full_sync);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_FULL_SYNC_STATUS_H_
