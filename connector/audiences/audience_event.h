#ifndef CONNECTOR_AUDIENCES_AUDIENCE_EVENT_H_
#define CONNECTOR_AUDIENCES_AUDIENCE_EVENT_H_

#include <functional>
#include <string>

namespace connector::audiences {

// Something an operator would want to read in the log. Holds neither personal
// data nor a token.
struct AudienceEvent {
  enum class Kind {
    kCreated,
    kFound,
    // More than one audience has the rule; the oldest is used.
    kTwinFound,
    // Its status is of another class than before.
    kStatusChanged,
    kUnknownStatus,
    kChanged,
    kRetired,
    kRequestFailed,
    // Somebody else writes to a customer list.
    kForeignWrites,
    kInternalError,
  };
  Kind kind;
  std::string ad_account_id;
  std::string audience_id;
  // The audience's name as it may be shown.
  std::string name;
  std::string message;
};

// "AUDIENCE_CREATED"…
const char* AudienceEventName(AudienceEvent::Kind kind);

// Called from the keeper's threads; must not block.
using AudienceObserver = std::function<void(const AudienceEvent&)>;

}  // namespace connector::audiences

#endif  // CONNECTOR_AUDIENCES_AUDIENCE_EVENT_H_
