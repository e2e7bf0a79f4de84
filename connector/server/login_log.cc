#include "connector/server/login_log.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "connector/base/error.h"
#include "connector/server/log.h"

namespace connector::server {
namespace {

std::string TimeText(const std::optional<absl::Time>& time) {
  if (!time.has_value()) return "unknown";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *time, absl::UTCTimeZone());
}

}  // namespace

void LogLoginEvent(const pinterest::OAuthEvent& event) {
  if (event.status.ok()) {
    Log(LogLevel::kInfo, "tokens-refreshed",
        {{"credential", event.credential_id},
         {"access_token_ends", TimeText(event.state.access_token_expire_time)},
         {"refresh_token_ends",
          TimeText(event.state.refresh_token_expire_time)}});
    return;
  }
  Log(absl::IsUnavailable(event.status) ? LogLevel::kWarning : LogLevel::kError,
      "tokens-not-refreshed",
      {{"credential", event.credential_id},
       {"reason", GetErrorDetail(event.status).reason},
       {"access_token_ends", TimeText(event.state.access_token_expire_time)},
       {"message", event.status.message()}});
}

}  // namespace connector::server
