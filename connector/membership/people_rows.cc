#include "connector/membership/people_rows.h"

#include <cstring>

#include "connector/membership/statement_run.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

constexpr size_t kHolderBytes = sizeof(Holder);

}  // namespace

std::string EncodeHeld(const HeldRow& row) {
  std::string value(1, row.converting ? 1 : 0);
  AppendVarint(&value, row.since);
  AppendVarint(&value, row.translated);
  AppendVarint(&value, row.clear_through);
  AppendVarint(&value, row.through);
  AppendVarint(&value, row.piece);
  AppendBytes(&value, row.position);
  AppendSigned(&value, row.superseded);
  AppendSigned(&value, row.bytes);
  AppendVarint(&value, row.runs.size());
  for (const auto& [part, change] : row.runs) {
    AppendVarint(&value, uint64_t{part} << 1 | static_cast<uint64_t>(change));
  }
  AppendVarint(&value, row.unmapped.size());
  for (const auto& [from, to] : row.unmapped) {
    AppendVarint(&value, from);
    AppendVarint(&value, to);
  }
  return value;
}

std::optional<HeldRow> DecodeHeld(absl::string_view value) {
  WireReader wire(value);
  HeldRow row;
  row.converting = wire.Bool();
  row.since = wire.Varint();
  row.translated = wire.Varint();
  row.clear_through = wire.Varint();
  row.through = wire.Varint();
  row.piece = static_cast<uint32_t>(wire.Varint());
  row.position = std::string(wire.Bytes());
  row.superseded = wire.Signed();
  row.bytes = wire.Signed();
  const uint64_t runs = wire.Varint();
  for (uint64_t i = 0; i < runs && wire.ok(); ++i) {
    const uint64_t run = wire.Varint();
    row.runs.emplace_back(static_cast<uint32_t>(run >> 1),
                          static_cast<Change>(run & 1));
  }
  const uint64_t unmapped = wire.Varint();
  for (uint64_t i = 0; i < unmapped && wire.ok(); ++i) {
    const EventOrder from = wire.Varint();
    row.unmapped.emplace_back(from, wire.Varint());
  }
  if (!wire.done()) return std::nullopt;
  return row;
}

std::string EncodePeoplePass(const PeoplePassRow& row) {
  std::string value;
  AppendVarint(&value, row.through);
  AppendVarint(&value, row.piece);
  AppendBytes(&value, row.position);
  AppendVarint(&value, row.derived.size());
  for (const auto& [list, bytes] : row.derived) {
    AppendVarint(&value, list);
    AppendSigned(&value, bytes);
  }
  return value;
}

std::optional<PeoplePassRow> DecodePeoplePass(absl::string_view value) {
  WireReader wire(value);
  PeoplePassRow row;
  row.through = wire.Varint();
  row.piece = static_cast<uint32_t>(wire.Varint());
  row.position = std::string(wire.Bytes());
  const uint64_t lists = wire.Varint();
  for (uint64_t i = 0; i < lists && wire.ok(); ++i) {
    const auto list = static_cast<ListNumber>(wire.Varint());
    row.derived[list] = wire.Signed();
  }
  if (!wire.done()) return std::nullopt;
  return row;
}

std::string EncodeStatements(const StatementsRow& row) {
  std::string value;
  AppendMillis(&value, row.commit_time);
  AppendSigned(&value, row.bytes);
  return value;
}

std::optional<StatementsRow> DecodeStatements(absl::string_view value) {
  WireReader wire(value);
  StatementsRow row;
  row.commit_time = wire.Millis();
  row.bytes = wire.Signed();
  if (!wire.done()) return std::nullopt;
  return row;
}

std::string EncodePerson(const Person& person) {
  std::string value;
  AppendVarint(&value, person.records.size());
  for (const std::string& record : person.records) {
    AppendStoredRecord(record, &value);
  }
  SegmentNumber last = 0;
  for (SegmentNumber segment : person.segments) {
    AppendVarint(&value, segment - last);
    last = segment;
  }
  return value;
}

std::optional<Person> DecodePerson(absl::string_view value) {
  Person person;
  WireReader wire(value);
  const uint64_t records = wire.Varint();
  absl::string_view rest = wire.rest();
  std::string record;
  for (uint64_t i = 0; i < records; ++i) {
    if (!ReadStoredRecord(&rest, &record)) return std::nullopt;
    person.records.insert(person.records.end(), record);
  }
  wire = WireReader(rest);
  SegmentNumber last = 0;
  while (wire.ok() && !wire.done()) {
    last += static_cast<SegmentNumber>(wire.Varint());
    person.segments.insert(person.segments.end(), last);
  }
  if (!wire.done()) return std::nullopt;
  return person;
}

std::string EncodeHolders(const std::set<Holder>& holders) {
  const bool keyless = holders.count(kNoKey) > 0;
  std::string value(1, keyless ? 1 : 0);
  for (const Holder& holder : holders) {
    if (holder == kNoKey) continue;
    value.append(reinterpret_cast<const char*>(holder.data()), kHolderBytes);
  }
  return value;
}

std::optional<std::set<Holder>> DecodeHolders(absl::string_view value) {
  if (value.size() % kHolderBytes != 1) return std::nullopt;
  std::set<Holder> holders;
  if (value[0] != 0) holders.insert(kNoKey);
  for (size_t i = 1; i < value.size(); i += kHolderBytes) {
    Holder holder;
    std::memcpy(holder.data(), value.data() + i, kHolderBytes);
    holders.insert(holders.end(), holder);
  }
  return holders;
}

}  // namespace connector::membership
