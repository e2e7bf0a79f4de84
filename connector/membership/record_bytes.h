#ifndef CONNECTOR_MEMBERSHIP_RECORD_BYTES_H_
#define CONNECTOR_MEMBERSHIP_RECORD_BYTES_H_

#include <cstddef>
#include <cstdint>

#include "identity_mapping/record.h"

namespace connector::membership {

// How a record's payload stands in runs and blocks: behind a byte whose low
// bits are its kind, and with a length byte before it if the kind has no fixed
// length.

// Bytes of the payload; 0 for a kind that has no fixed length or is unknown.
constexpr size_t FixedPayloadSize(uint8_t kind) {
  switch (static_cast<identity_mapping::RecordKind>(kind)) {
    case identity_mapping::RecordKind::kSha256:
      return 32;
    case identity_mapping::RecordKind::kSha1:
      return 20;
    case identity_mapping::RecordKind::kMd5:
      return 16;
    case identity_mapping::RecordKind::kOpaque:
      return 0;
  }
  return 0;
}

// Reads the payload of a record of `kind` at the start of [data, end). Returns
// the first byte after it, nullptr if the kind is unknown or bytes are missing.
inline const char* ReadPayload(uint8_t kind, const char* data, const char* end,
                               const char** payload, size_t* size) {
  *size = FixedPayloadSize(kind);
  if (*size == 0) {
    if (kind != static_cast<uint8_t>(identity_mapping::RecordKind::kOpaque) ||
        data == end) {
      return nullptr;
    }
    *size = static_cast<uint8_t>(*data++);
    if (*size == 0 || *size > identity_mapping::kMaxRecordPayload) {
      return nullptr;
    }
  }
  if (static_cast<size_t>(end - data) < *size) return nullptr;
  *payload = data;
  return data + *size;
}

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_RECORD_BYTES_H_
