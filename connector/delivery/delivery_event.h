#ifndef CONNECTOR_DELIVERY_DELIVERY_EVENT_H_
#define CONNECTOR_DELIVERY_DELIVERY_EVENT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "connector/membership/types.h"

namespace connector::delivery {

// Something an operator would want to read in the log. Holds neither personal
// data nor a token.
struct DeliveryEvent {
  enum class Kind {
    kListCreated,
    kListAdopted,
    // More than one list of the name was found; the oldest is used.
    kTwinListFound,
    kPassSettled,
    kRequestFailed,
    kBlocked,
    kRecordsRefused,
    // Pinterest accepted the request and filled `exceptions`.
    kExceptions,
    kInternalError,
    // A full sync is applied, or waits for somebody to confirm it.
    kFullSyncJudged,
    // A list that was replaced is not there any more.
    kListGone,
    kOperationBegun,
    kOperationEnded,
    // A request to forget got a step further, or could not.
    kForgetting,
    // Something has to come before it.
    kOperationWaits,
  };
  Kind kind;
  std::string ad_account_id;
  membership::ListNumber list = 0;
  std::string customer_list_id;
  std::string message;
};

// "LIST_CREATED"…
const char* DeliveryEventName(DeliveryEvent::Kind kind);

// Called from delivery's threads; must not block.
using DeliveryObserver = std::function<void(const DeliveryEvent&)>;

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_DELIVERY_EVENT_H_
