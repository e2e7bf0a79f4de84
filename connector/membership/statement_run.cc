#include "connector/membership/statement_run.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "connector/membership/damage.h"
#include "connector/membership/record_bytes.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

using identity_mapping::RecordKind;
using identity_mapping::RecordView;

constexpr uint8_t kVersion = 1;

absl::Status DamagedRun() {
  return Damaged("a stored run of statements cannot be read");
}

}  // namespace

void AppendStoredRecord(absl::string_view encoded, std::string* out) {
  out->push_back(encoded[0]);
  encoded.remove_prefix(1);
  if (static_cast<RecordKind>(out->back()) == RecordKind::kOpaque) {
    out->push_back(static_cast<char>(encoded.size()));
  }
  out->append(encoded.data(), encoded.size());
}

bool ReadStoredRecord(absl::string_view* data, std::string* encoded) {
  if (data->empty()) return false;
  const char* payload = nullptr;
  size_t size = 0;
  const char* const end = data->data() + data->size();
  const char* const next = ReadPayload(static_cast<uint8_t>(data->front()),
                                       data->data() + 1, end, &payload, &size);
  if (next == nullptr) return false;
  encoded->assign(1, data->front());
  encoded->append(payload, size);
  *data = absl::string_view(next, end - next);
  return true;
}

void StatementBuilder::Add(
    const Holder& holder, uint64_t place, absl::Span<const RecordView> records,
    absl::Span<const std::pair<SegmentNumber, Change>> memberships) {
  std::vector<RecordView> sorted(records.begin(), records.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::map<SegmentNumber, Change> last;
  for (const auto& [segment, change] : memberships) last[segment] = change;

  body_.append(reinterpret_cast<const char*>(holder.data()), holder.size());
  AppendVarint(&body_, place - place_);
  place_ = place;
  ++count_;
  std::string statement;
  AppendVarint(&statement, sorted.size());
  for (RecordView record : sorted) {
    AppendStoredRecord(record.encoded(), &statement);
  }
  AppendVarint(&statement, last.size());
  for (const auto& [segment, change] : last) {
    AppendVarint(&statement,
                 uint64_t{segment} << 1 | static_cast<uint64_t>(change));
  }
  AppendBytes(&body_, statement);
}

std::string StatementBuilder::Value(EventOrder first_order) const {
  std::string value(1, static_cast<char>(kVersion));
  value.push_back(0);
  AppendVarint(&value, first_order);
  AppendVarint(&value, count_);
  value += body_;
  return value;
}

StatementReader::StatementReader(absl::string_view value) {
  WireReader wire(value);
  const uint8_t version = wire.Byte();
  const uint8_t flags = wire.Byte();
  order_ = wire.Varint();
  left_ = wire.Varint();
  rest_ = wire.rest();
  if (!wire.ok() || version != kVersion || flags != 0) {
    status_ = DamagedRun();
    left_ = 0;
  }
}

bool StatementReader::Next(Holder* holder, EventOrder* order,
                           absl::string_view* body) {
  if (left_ == 0) {
    if (!rest_.empty() && status_.ok()) status_ = DamagedRun();
    return false;
  }
  WireReader wire(rest_);
  const absl::string_view bytes = wire.Raw(holder->size());
  order_ += wire.Varint();
  *body = wire.Bytes();
  if (!wire.ok()) {
    status_ = DamagedRun();
    left_ = 0;
    return false;
  }
  std::memcpy(holder->data(), bytes.data(), holder->size());
  *order = order_;
  rest_ = wire.rest();
  --left_;
  return true;
}

absl::StatusOr<Statement> DecodeStatement(absl::string_view body) {
  Statement statement;
  WireReader wire(body);
  const uint64_t records = wire.Varint();
  absl::string_view rest = wire.rest();
  for (uint64_t i = 0; i < records; ++i) {
    if (!ReadStoredRecord(&rest, &statement.records.emplace_back())) {
      return DamagedRun();
    }
  }
  wire = WireReader(rest);
  const uint64_t memberships = wire.Varint();
  for (uint64_t i = 0; i < memberships && wire.ok(); ++i) {
    const uint64_t number = wire.Varint();
    statement.memberships.emplace_back(static_cast<SegmentNumber>(number >> 1),
                                       static_cast<Change>(number & 1));
  }
  if (!wire.done()) return DamagedRun();
  return statement;
}

}  // namespace connector::membership
