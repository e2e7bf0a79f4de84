#include "connector/audiences/audience_event.h"

namespace connector::audiences {

const char* AudienceEventName(AudienceEvent::Kind kind) {
  switch (kind) {
    case AudienceEvent::Kind::kCreated:
      return "AUDIENCE_CREATED";
    case AudienceEvent::Kind::kFound:
      return "AUDIENCE_FOUND";
    case AudienceEvent::Kind::kTwinFound:
      return "TWIN_AUDIENCE_FOUND";
    case AudienceEvent::Kind::kStatusChanged:
      return "AUDIENCE_STATUS_CHANGED";
    case AudienceEvent::Kind::kUnknownStatus:
      return "AUDIENCE_STATUS_UNKNOWN";
    case AudienceEvent::Kind::kChanged:
      return "AUDIENCE_CHANGED";
    case AudienceEvent::Kind::kRetired:
      return "AUDIENCE_RETIRED";
    case AudienceEvent::Kind::kRequestFailed:
      return "AUDIENCE_REQUEST_FAILED";
    case AudienceEvent::Kind::kForeignWrites:
      return "FOREIGN_WRITES";
    case AudienceEvent::Kind::kInternalError:
      return "AUDIENCE_INTERNAL_ERROR";
  }
  return "UNKNOWN";
}

}  // namespace connector::audiences
