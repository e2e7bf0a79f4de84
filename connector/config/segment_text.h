#ifndef CONNECTOR_CONFIG_SEGMENT_TEXT_H_
#define CONNECTOR_CONFIG_SEGMENT_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace connector::config {

// A segment's namespace, id or name as it is stored and shown. Segment ids are
// opaque, but one with '@' in it may be somebody's address: it becomes
// "sha256:" and the first 32 hex digits of its SHA-256. Other text stays as it
// is. Every way into the store and every look-up by name goes through here.
std::string StoredSegmentText(absl::string_view text);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_SEGMENT_TEXT_H_
