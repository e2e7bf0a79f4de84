#ifndef CONNECTOR_ADMIN_LOGIN_STATUS_H_
#define CONNECTOR_ADMIN_LOGIN_STATUS_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "audience_sync/v1/sync_status.pb.h"
#include "connector/admin/context.h"

namespace connector::admin {

// How a credential's login stands; nothing for one without.
std::optional<audience_sync::v1::OAuthStatus> LoginStatus(
    const AdminContext& context, absl::string_view credential_id);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_LOGIN_STATUS_H_
