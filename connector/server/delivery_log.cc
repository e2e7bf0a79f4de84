#include "connector/server/delivery_log.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "connector/server/log.h"

namespace connector::server {
namespace {

LogLevel LevelOf(delivery::DeliveryEvent::Kind kind) {
  using Kind = delivery::DeliveryEvent::Kind;
  switch (kind) {
    case Kind::kPassSettled:
      return LogLevel::kDebug;
    case Kind::kListCreated:
    case Kind::kListAdopted:
    case Kind::kFullSyncJudged:
    case Kind::kListGone:
    case Kind::kOperationBegun:
    case Kind::kOperationEnded:
    case Kind::kForgetting:
    case Kind::kOperationWaits:
      return LogLevel::kInfo;
    case Kind::kTwinListFound:
    case Kind::kRequestFailed:
    case Kind::kBlocked:
    case Kind::kRecordsRefused:
    case Kind::kExceptions:
      return LogLevel::kWarning;
    case Kind::kInternalError:
      return LogLevel::kError;
  }
  return LogLevel::kError;
}

}  // namespace

void LogDeliveryEvent(const delivery::DeliveryEvent& event) {
  const std::string name = absl::StrReplaceAll(
      absl::AsciiStrToLower(delivery::DeliveryEventName(event.kind)),
      {{"_", "-"}});
  Log(LevelOf(event.kind), name,
      {{"ad_account", event.ad_account_id},
       {"list", absl::StrCat(event.list)},
       {"customer_list", event.customer_list_id},
       {"message", event.message}});
}

}  // namespace connector::server
