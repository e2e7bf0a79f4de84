#include "connector/server/audience_log.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "connector/server/log.h"

namespace connector::server {
namespace {

LogLevel LevelOf(audiences::AudienceEvent::Kind kind) {
  using Kind = audiences::AudienceEvent::Kind;
  switch (kind) {
    case Kind::kCreated:
    case Kind::kFound:
    case Kind::kStatusChanged:
    case Kind::kChanged:
    case Kind::kRetired:
      return LogLevel::kInfo;
    case Kind::kTwinFound:
    case Kind::kUnknownStatus:
    case Kind::kRequestFailed:
    case Kind::kForeignWrites:
      return LogLevel::kWarning;
    case Kind::kInternalError:
      return LogLevel::kError;
  }
  return LogLevel::kError;
}

}  // namespace

void LogAudienceEvent(const audiences::AudienceEvent& event) {
  const std::string name = absl::StrReplaceAll(
      absl::AsciiStrToLower(audiences::AudienceEventName(event.kind)),
      {{"_", "-"}});
  Log(LevelOf(event.kind), name,
      {{"ad_account", event.ad_account_id},
       {"audience", event.audience_id},
       {"name", event.name},
       {"message", event.message}});
}

}  // namespace connector::server
