#ifndef CONNECTOR_CONFIG_ETAG_H_
#define CONNECTOR_CONFIG_ETAG_H_

#include <string>

#include "google/protobuf/message.h"

namespace connector::config {

// The message's bytes, the same for equal messages of this build.
std::string SerializeStably(const google::protobuf::Message& message);

// Tells whether a configuration changed: 16 hex digits made of all its fields.
// The field "etag" itself must be empty.
std::string EtagOf(const google::protobuf::Message& message);

}  // namespace connector::config

#endif  // CONNECTOR_CONFIG_ETAG_H_
