#include "connector/admin/login_status.h"

#include "connector/admin/timestamps.h"
#include "connector/ingest/grpc_status.h"

namespace connector::admin {

std::optional<audience_sync::v1::OAuthStatus> LoginStatus(
    const AdminContext& context, absl::string_view credential_id) {
  const std::optional<pinterest::OAuthState> state =
      context.login_state(credential_id);
  if (!state.has_value()) return std::nullopt;
  audience_sync::v1::OAuthStatus status;
  if (state->access_token_expire_time.has_value()) {
    *status.mutable_access_token_expire_time() =
        ToTimestamp(*state->access_token_expire_time);
  }
  if (state->refresh_token_expire_time.has_value()) {
    *status.mutable_refresh_token_expire_time() =
        ToTimestamp(*state->refresh_token_expire_time);
  }
  if (state->last_refresh_time.has_value()) {
    *status.mutable_last_refresh_time() =
        ToTimestamp(*state->last_refresh_time);
  }
  if (state->next_refresh_time.has_value()) {
    *status.mutable_next_refresh_time() =
        ToTimestamp(*state->next_refresh_time);
  }
  if (!state->problem.ok()) {
    *status.mutable_problem() = ingest::ToStatusProto(state->problem);
  }
  return status;
}

}  // namespace connector::admin
