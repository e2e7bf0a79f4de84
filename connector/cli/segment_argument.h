#ifndef CONNECTOR_CLI_SEGMENT_ARGUMENT_H_
#define CONNECTOR_CLI_SEGMENT_ARGUMENT_H_

#include <string>

#include "audience_sync/v1/destination_service.pb.h"

namespace connector::cli {

inline constexpr char kSegmentNameRule[] =
    "a segment is named NAMESPACE/SEGMENT_ID";

// Reads NAMESPACE/SEGMENT_ID; false if it is none. A namespace has no slash, an
// id may.
inline bool ParseSegmentName(const std::string& text,
                             audience_sync::v1::SegmentName* name) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) {
    return false;
  }
  name->set_segment_namespace(text.substr(0, slash));
  name->set_segment_id(text.substr(slash + 1));
  return true;
}

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_SEGMENT_ARGUMENT_H_
