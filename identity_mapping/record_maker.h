#ifndef IDENTITY_MAPPING_RECORD_MAKER_H_
#define IDENTITY_MAPPING_RECORD_MAKER_H_

#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "identity_mapping/record.h"

namespace identity_mapping {

// The one way to a new Record. Only the normalizers of this folder may see
// this header (Bazel visibility keeps it so).
class RecordMaker {
 public:
  // A record of `kind` whose payload, `size` bytes, the caller fills in through
  // Payload().
  static Record Make(RecordKind kind, size_t size) {
    Record record;
    record.size_ = static_cast<uint8_t>(1 + size);
    record.bytes_[0] = static_cast<char>(kind);
    return record;
  }
  static uint8_t* Payload(Record* record) {
    return reinterpret_cast<uint8_t*>(record->bytes_.data()) + 1;
  }
};

}  // namespace identity_mapping

#endif  // IDENTITY_MAPPING_RECORD_MAKER_H_
