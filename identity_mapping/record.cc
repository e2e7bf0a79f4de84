#include "identity_mapping/record.h"

#include <cstring>

#include "identity_mapping/hex.h"

namespace identity_mapping {

std::optional<RecordView> RecordView::FromEncoded(absl::string_view encoded) {
  if (encoded.empty()) return std::nullopt;
  const size_t payload = encoded.size() - 1;
  bool fits = false;
  switch (static_cast<RecordKind>(encoded[0])) {
    case RecordKind::kSha256:
      fits = payload == 32;
      break;
    case RecordKind::kSha1:
      fits = payload == 20;
      break;
    case RecordKind::kMd5:
      fits = payload == 16;
      break;
    case RecordKind::kOpaque:
      fits = payload >= 1 && payload <= kMaxRecordPayload;
      break;
  }
  if (!fits) return std::nullopt;
  return RecordView(encoded.data(), encoded.size());
}

char* RecordView::WriteWireText(char* out) const {
  const absl::string_view bytes = payload();
  if (kind() == RecordKind::kOpaque) {
    std::memcpy(out, bytes.data(), bytes.size());
    return out + bytes.size();
  }
  return WriteLowerHex(bytes, out);
}

void RecordView::AppendWireText(std::string* out) const {
  const size_t before = out->size();
  out->resize(before + WireSize());
  WriteWireText(out->data() + before);
}

Record Record::FromView(RecordView view) {
  Record record;
  const absl::string_view encoded = view.encoded();
  if (encoded.empty()) return record;
  record.size_ = static_cast<uint8_t>(encoded.size());
  std::memcpy(record.bytes_.data(), encoded.data(), encoded.size());
  return record;
}

}  // namespace identity_mapping
