#include "connector/delivery/delivery_event.h"

namespace connector::delivery {

const char* DeliveryEventName(DeliveryEvent::Kind kind) {
  switch (kind) {
    case DeliveryEvent::Kind::kListCreated:
      return "LIST_CREATED";
    case DeliveryEvent::Kind::kListAdopted:
      return "LIST_ADOPTED";
    case DeliveryEvent::Kind::kTwinListFound:
      return "TWIN_LIST_FOUND";
    case DeliveryEvent::Kind::kPassSettled:
      return "PASS_SETTLED";
    case DeliveryEvent::Kind::kRequestFailed:
      return "REQUEST_FAILED";
    case DeliveryEvent::Kind::kBlocked:
      return "BLOCKED";
    case DeliveryEvent::Kind::kRecordsRefused:
      return "RECORDS_REFUSED";
    case DeliveryEvent::Kind::kExceptions:
      return "EXCEPTIONS";
    case DeliveryEvent::Kind::kInternalError:
      return "INTERNAL_ERROR";
    case DeliveryEvent::Kind::kFullSyncJudged:
      return "FULL_SYNC_JUDGED";
    case DeliveryEvent::Kind::kListGone:
      return "LIST_GONE";
    case DeliveryEvent::Kind::kOperationBegun:
      return "OPERATION_BEGUN";
    case DeliveryEvent::Kind::kOperationEnded:
      return "OPERATION_ENDED";
    case DeliveryEvent::Kind::kForgetting:
      return "FORGETTING";
    case DeliveryEvent::Kind::kOperationWaits:
      return "OPERATION_WAITS";
  }
  return "UNKNOWN";
}

}  // namespace connector::delivery
