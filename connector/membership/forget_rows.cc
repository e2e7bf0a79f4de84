#include "connector/membership/forget_rows.h"

#include "connector/membership/wire.h"

namespace connector::membership {

using identity_mapping::Record;
using identity_mapping::RecordView;

std::string EncodeForget(const ForgetRow& row) {
  const Forget& forget = row.forget;
  std::string value;
  value.push_back(static_cast<char>(forget.phase));
  AppendVarint(&value, forget.commit);
  AppendBytes(&value, forget.receipt_id);
  AppendBytes(&value, forget.request_id);
  AppendSigned(&value, forget.forms);
  for (absl::Time time : {forget.request_time, forget.confirm_time,
                          forget.purge_time, forget.done_time}) {
    AppendMicros(&value, time);
  }
  AppendVarint(&value, forget.lists.size());
  for (const ForgetList& list : forget.lists) {
    AppendVarint(&value, list.list);
    AppendVarint(&value, list.segment);
    value.push_back(static_cast<char>(list.outcome));
    AppendMicros(&value, list.outcome_time);
    AppendBytes(&value, list.customer_list_id);
    value.push_back(list.later_event ? 1 : 0);
  }
  AppendVarint(&value, row.records.size());
  for (const Record& record : row.records) {
    AppendBytes(&value, record.encoded());
  }
  return value;
}

std::optional<ForgetRow> DecodeForget(absl::string_view value) {
  WireReader wire(value);
  ForgetRow row;
  Forget& forget = row.forget;
  const uint8_t phase = wire.Byte();
  forget.phase = static_cast<ForgetPhase>(phase);
  forget.commit = wire.Varint();
  forget.receipt_id = std::string(wire.Bytes());
  forget.request_id = std::string(wire.Bytes());
  forget.forms = wire.Signed();
  for (absl::Time* time : {&forget.request_time, &forget.confirm_time,
                           &forget.purge_time, &forget.done_time}) {
    *time = wire.Micros();
  }
  const uint64_t lists = wire.Varint();
  for (uint64_t i = 0; i < lists && wire.ok(); ++i) {
    ForgetList& list = forget.lists.emplace_back();
    list.list = static_cast<ListNumber>(wire.Varint());
    list.segment = static_cast<SegmentNumber>(wire.Varint());
    const uint8_t outcome = wire.Byte();
    if (outcome > static_cast<uint8_t>(ForgetList::Outcome::kRefused)) {
      return std::nullopt;
    }
    list.outcome = static_cast<ForgetList::Outcome>(outcome);
    list.outcome_time = wire.Micros();
    list.customer_list_id = std::string(wire.Bytes());
    list.later_event = wire.Bool();
  }
  const uint64_t records = wire.Varint();
  for (uint64_t i = 0; i < records && wire.ok(); ++i) {
    const auto record = RecordView::FromEncoded(wire.Bytes());
    if (!record.has_value()) return std::nullopt;
    row.records.push_back(Record::FromView(*record));
  }
  if (!wire.done() || phase < static_cast<uint8_t>(ForgetPhase::kRemoving) ||
      phase > static_cast<uint8_t>(ForgetPhase::kDone)) {
    return std::nullopt;
  }
  return row;
}

}  // namespace connector::membership
