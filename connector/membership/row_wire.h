#ifndef CONNECTOR_MEMBERSHIP_ROW_WIRE_H_
#define CONNECTOR_MEMBERSHIP_ROW_WIRE_H_

#include <optional>
#include <string>

#include "connector/membership/wire.h"

// What the stored forms of rows share.
namespace connector::membership {

inline void AppendBool(std::string* out, bool value) {
  out->push_back(value ? 1 : 0);
}

inline std::string ReadString(WireReader& wire) {
  return std::string(wire.Bytes());
}

// The row if all of it was there and nothing stands behind it.
template <typename Row>
std::optional<Row> IfDone(const WireReader& wire, Row row) {
  if (!wire.done()) return std::nullopt;
  return row;
}

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_ROW_WIRE_H_
