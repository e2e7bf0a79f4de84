#include "connector/membership/audience_rows.h"

#include <algorithm>
#include <utility>

#include "connector/membership/keys.h"
#include "connector/membership/row_wire.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

constexpr char kSegmentPart = 's';
constexpr char kDeclaredPart = 'd';
constexpr char kCounterPart = 'c';

void AppendOptional(std::string* out, const std::optional<std::string>& text) {
  AppendBool(out, text.has_value());
  if (text.has_value()) AppendBytes(out, *text);
}

std::optional<std::string> ReadOptional(WireReader& wire) {
  if (!wire.Bool()) return std::nullopt;
  return ReadString(wire);
}

void AppendCounters(std::string* out, const ListCounters& counters) {
  AppendSigned(out, counters.uploaded);
  AppendSigned(out, counters.removed);
  AppendSigned(out, counters.batches);
}

ListCounters ReadCounters(WireReader& wire) {
  ListCounters counters;
  counters.uploaded = wire.Signed();
  counters.removed = wire.Signed();
  counters.batches = wire.Signed();
  return counters;
}

}  // namespace

std::string AudienceKeyBytes(const AudienceKey& key) {
  std::string bytes = NumberKey(kAudienceKey, key.destination);
  if (key.segment != 0) {
    bytes.push_back(kSegmentPart);
    AppendFixed32(&bytes, key.segment);
  } else {
    bytes.push_back(kDeclaredPart);
    AppendBytes(&bytes, key.type);
    AppendBytes(&bytes, key.name);
  }
  return bytes;
}

std::string CounterKeyBytes(DestinationNumber destination, ListNumber list) {
  std::string bytes = NumberKey(kAudienceKey, destination);
  bytes.push_back(kCounterPart);
  AppendFixed32(&bytes, list);
  return bytes;
}

std::optional<AudienceKeyParts> ParseAudienceKey(absl::string_view key) {
  WireReader wire(key);
  if (wire.Byte() != kAudienceKey) return std::nullopt;
  AudienceKeyParts parts;
  parts.destination = wire.Fixed32();
  const char kind = static_cast<char>(wire.Byte());
  if (kind == kCounterPart) {
    parts.list = wire.Fixed32();
  } else {
    AudienceKey& audience = parts.audience.emplace();
    audience.destination = parts.destination;
    if (kind == kSegmentPart) {
      audience.segment = wire.Fixed32();
    } else if (kind == kDeclaredPart) {
      audience.type = ReadString(wire);
      audience.name = ReadString(wire);
    } else {
      return std::nullopt;
    }
  }
  return IfDone(wire, std::move(parts));
}

std::string EncodeAudience(const AudienceRow& row) {
  std::string value;
  AppendBytes(&value, row.audience_id);
  AppendBytes(&value, row.rule);
  AppendBytes(&value, row.name);
  AppendBytes(&value, row.description);
  AppendMicros(&value, row.creation_attempt_time);
  AppendBytes(&value, row.attempted_rule);
  AppendBytes(&value, row.status);
  AppendSigned(&value, row.size.value_or(-1));
  AppendMicros(&value, row.first_seen_time);
  AppendMicros(&value, row.status_time);
  AppendMicros(&value, row.last_poll_time);
  AppendBytes(&value, row.last_error);
  AppendVarint(&value, static_cast<uint64_t>(std::max(0, row.twins)));
  AppendOptional(&value, row.wanted_name);
  AppendOptional(&value, row.wanted_description);
  AppendBool(&value, row.retired);
  AppendBool(&value, row.retirement_confirmed);
  AppendVarint(&value, row.abandoned_ids.size());
  for (const std::string& id : row.abandoned_ids) AppendBytes(&value, id);
  AppendBool(&value, row.replace_if_ended);
  AppendMicros(&value, row.revive_time);
  return value;
}

std::optional<AudienceRow> DecodeAudience(absl::string_view value) {
  WireReader wire(value);
  AudienceRow row;
  row.audience_id = ReadString(wire);
  row.rule = ReadString(wire);
  row.name = ReadString(wire);
  row.description = ReadString(wire);
  row.creation_attempt_time = wire.Micros();
  row.attempted_rule = ReadString(wire);
  row.status = ReadString(wire);
  if (const int64_t size = wire.Signed(); size >= 0) row.size = size;
  row.first_seen_time = wire.Micros();
  row.status_time = wire.Micros();
  row.last_poll_time = wire.Micros();
  row.last_error = ReadString(wire);
  row.twins = static_cast<int32_t>(wire.Varint());
  row.wanted_name = ReadOptional(wire);
  row.wanted_description = ReadOptional(wire);
  row.retired = wire.Bool();
  row.retirement_confirmed = wire.Bool();
  const uint64_t abandoned = wire.Varint();
  for (uint64_t i = 0; i < abandoned && wire.ok(); ++i) {
    row.abandoned_ids.push_back(ReadString(wire));
  }
  row.replace_if_ended = wire.Bool();
  // Rows of earlier builds end here.
  if (!wire.rest().empty()) row.revive_time = wire.Micros();
  return IfDone(wire, std::move(row));
}

std::string EncodeListCounters(const ListCounterRow& row) {
  std::string value;
  AppendVarint(&value, row.epoch);
  AppendBytes(&value, row.customer_list_id);
  AppendBool(&value, row.has_base);
  AppendCounters(&value, row.base);
  AppendMicros(&value, row.base_time);
  AppendBool(&value, row.base_settles);
  AppendCounters(&value, row.sent);
  AppendCounters(&value, row.open);
  AppendMicros(&value, row.last_open_time);
  AppendBool(&value, row.has_told);
  AppendCounters(&value, row.told);
  AppendMicros(&value, row.told_time);
  AppendBytes(&value, row.list_status);
  AppendCounters(&value, row.foreign);
  AppendMicros(&value, row.foreign_time);
  return value;
}

std::optional<ListCounterRow> DecodeListCounters(absl::string_view value) {
  WireReader wire(value);
  ListCounterRow row;
  row.epoch = static_cast<uint32_t>(wire.Varint());
  row.customer_list_id = ReadString(wire);
  row.has_base = wire.Bool();
  row.base = ReadCounters(wire);
  row.base_time = wire.Micros();
  row.base_settles = wire.Bool();
  row.sent = ReadCounters(wire);
  row.open = ReadCounters(wire);
  row.last_open_time = wire.Micros();
  row.has_told = wire.Bool();
  row.told = ReadCounters(wire);
  row.told_time = wire.Micros();
  row.list_status = ReadString(wire);
  row.foreign = ReadCounters(wire);
  row.foreign_time = wire.Micros();
  return IfDone(wire, std::move(row));
}

}  // namespace connector::membership
