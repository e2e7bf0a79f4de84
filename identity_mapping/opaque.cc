#include "identity_mapping/opaque.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "identity_mapping/device_id.h"
#include "identity_mapping/record_maker.h"

namespace identity_mapping {
namespace {

bool IsGoodCharacter(char c) {
  return c > ' ' && c <= '~' && c != '"' && c != '\\';
}

bool LooksRaw(absl::string_view text) {
  // "%40" is an '@' as URLs spell it.
  if (absl::StrContains(text, '@') || absl::StrContains(text, "%40")) {
    return true;
  }
  if (DeviceId::Parse(text).has_value()) return true;
  for (size_t i = 0; i + DeviceId::kTextSize <= text.size(); ++i) {
    if (DeviceId::Parse(text.substr(i, DeviceId::kTextSize)).has_value()) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool ReadOpaque(absl::string_view text, Record* record,
                RejectionReason* reason) {
  if (text.size() > kMaxRecordPayload) {
    *reason = RejectionReason::kTooLong;
    return false;
  }
  if (LooksRaw(text)) {
    *reason = RejectionReason::kOpaqueLooksRaw;
    return false;
  }
  if (!std::all_of(text.begin(), text.end(), IsGoodCharacter)) {
    *reason = RejectionReason::kOpaqueMalformed;
    return false;
  }
  *record = RecordMaker::Make(RecordKind::kOpaque, text.size());
  std::memcpy(RecordMaker::Payload(record), text.data(), text.size());
  return true;
}

}  // namespace identity_mapping
