#ifndef CONNECTOR_ADMIN_LOOKUP_H_
#define CONNECTOR_ADMIN_LOOKUP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/admin/context.h"
#include "connector/config/registry.h"

namespace connector::admin {

// The destination; NOT_FOUND DESTINATION_NOT_FOUND, or INVALID_ARGUMENT for an
// empty ad account. The message does not repeat what was asked for.
absl::StatusOr<std::shared_ptr<const config::DestinationState>> FindDestination(
    const AdminContext& context, absl::string_view ad_account_id);

}  // namespace connector::admin

#endif  // CONNECTOR_ADMIN_LOOKUP_H_
