#include "connector/membership/rows.h"

#include <algorithm>

#include "connector/membership/row_wire.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;

void AppendDigest(std::string* out, const Digest& digest) {
  out->append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

Digest ReadDigest(WireReader& wire) {
  Digest digest = {};
  absl::string_view bytes = wire.Raw(digest.size());
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

void AppendRecord(std::string* out, RecordView record) {
  AppendBytes(out, record.encoded());
}

Record ReadRecord(WireReader& wire) {
  std::optional<RecordView> view = RecordView::FromEncoded(wire.Bytes());
  if (!view.has_value()) {
    wire.Fail();
    return Record();
  }
  return Record::FromView(*view);
}

Change ReadChange(WireReader& wire) {
  const uint8_t change = wire.Byte();
  if (change > static_cast<uint8_t>(Change::kAdd)) wire.Fail();
  return static_cast<Change>(change);
}

}  // namespace

std::string EncodeNumber(uint64_t number) {
  std::string value;
  AppendVarint(&value, number);
  return value;
}

std::optional<uint64_t> DecodeNumber(absl::string_view value) {
  WireReader wire(value);
  const uint64_t number = wire.Varint();
  return IfDone(wire, number);
}

std::string EncodeNextNumbers(const NextNumbers& next) {
  std::string value;
  AppendVarint(&value, next.destination);
  AppendVarint(&value, next.segment);
  AppendVarint(&value, next.list);
  return value;
}

std::optional<NextNumbers> DecodeNextNumbers(absl::string_view value) {
  WireReader wire(value);
  NextNumbers next;
  next.destination = static_cast<uint32_t>(wire.Varint());
  next.segment = static_cast<uint32_t>(wire.Varint());
  next.list = static_cast<uint32_t>(wire.Varint());
  return IfDone(wire, next);
}

std::string EncodeNewestCommit(const NewestCommit& newest) {
  std::string value;
  AppendVarint(&value, newest.commit);
  AppendVarint(&value, newest.next_order);
  return value;
}

std::optional<NewestCommit> DecodeNewestCommit(absl::string_view value) {
  WireReader wire(value);
  NewestCommit newest;
  newest.commit = wire.Varint();
  newest.next_order = wire.Varint();
  return IfDone(wire, newest);
}

std::string EncodeDestination(const DestinationRow& row) {
  std::string value;
  AppendBytes(&value, row.ad_account_id);
  AppendBytes(&value, row.history_id);
  AppendBytes(&value, row.config);
  AppendBool(&value, row.paused);
  return value;
}

std::optional<DestinationRow> DecodeDestination(absl::string_view value) {
  WireReader wire(value);
  DestinationRow row;
  row.ad_account_id = ReadString(wire);
  row.history_id = ReadString(wire);
  row.config = ReadString(wire);
  row.paused = wire.Bool();
  return IfDone(wire, std::move(row));
}

std::string EncodeSegment(const SegmentRow& row) {
  std::string value;
  AppendVarint(&value, row.destination);
  AppendBytes(&value, row.segment_namespace);
  AppendBytes(&value, row.segment_id);
  AppendBytes(&value, row.display_name);
  AppendBool(&value, row.paused);
  AppendVarint(&value, row.list);
  AppendVarint(&value, static_cast<uint64_t>(row.mapping));
  AppendBytes(&value, row.description);
  AppendBool(&value, row.name_set);
  AppendVarint(&value, row.former_list);
  AppendVarint(&value, row.audience_steps);
  AppendMicros(&value, row.replace_time);
  return value;
}

std::optional<SegmentRow> DecodeSegment(absl::string_view value) {
  WireReader wire(value);
  SegmentRow row;
  row.destination = static_cast<uint32_t>(wire.Varint());
  row.segment_namespace = ReadString(wire);
  row.segment_id = ReadString(wire);
  row.display_name = ReadString(wire);
  row.paused = wire.Bool();
  row.list = static_cast<uint32_t>(wire.Varint());
  // Rows of earlier builds end here.
  if (!wire.rest().empty()) {
    const uint64_t mapping = wire.Varint();
    if (mapping > static_cast<uint64_t>(MappingState::kEmptied)) wire.Fail();
    row.mapping = static_cast<MappingState>(mapping);
    row.description = ReadString(wire);
    row.name_set = wire.Bool();
    row.former_list = static_cast<uint32_t>(wire.Varint());
    row.audience_steps = static_cast<uint8_t>(wire.Varint());
  }
  if (!wire.rest().empty()) row.replace_time = wire.Micros();
  return IfDone(wire, std::move(row));
}

std::string EncodeOperation(const ListOperation& operation) {
  std::string value;
  value.push_back(static_cast<char>(operation.kind));
  value.push_back(static_cast<char>(operation.phase));
  AppendVarint(&value, operation.number);
  AppendMicros(&value, operation.request_time);
  AppendVarint(&value, operation.through);
  AppendBytes(&value, operation.position);
  AppendBytes(&value, operation.customer_list_id);
  AppendBool(&value, operation.unknown_members);
  AppendBool(&value, operation.keep_old_members);
  AppendBool(&value, operation.then_empty);
  AppendVarint(&value, operation.source);
  AppendSigned(&value, operation.sent);
  AppendSigned(&value, operation.members);
  return value;
}

std::optional<ListOperation> DecodeOperation(absl::string_view value) {
  WireReader wire(value);
  ListOperation operation;
  const uint8_t kind = wire.Byte();
  const uint8_t phase = wire.Byte();
  if (kind < 1 || kind > 4 || phase < 1 || phase > 3) wire.Fail();
  operation.kind = static_cast<ListOperation::Kind>(kind);
  operation.phase = static_cast<ListOperation::Phase>(phase);
  operation.number = wire.Varint();
  operation.request_time = wire.Micros();
  operation.through = wire.Varint();
  operation.position = ReadString(wire);
  operation.customer_list_id = ReadString(wire);
  operation.unknown_members = wire.Bool();
  operation.keep_old_members = wire.Bool();
  operation.then_empty = wire.Bool();
  operation.source = static_cast<uint32_t>(wire.Varint());
  operation.sent = wire.Signed();
  operation.members = wire.Signed();
  return IfDone(wire, std::move(operation));
}

std::string EncodeList(const ListRow& row) {
  std::string value;
  AppendVarint(&value, row.destination);
  AppendVarint(&value, row.segment);
  AppendBytes(&value, row.customer_list_id);
  AppendVarint(&value, row.epoch);
  AppendBool(&value, row.unknown_members);
  AppendMicros(&value, row.creation_attempt_time);
  AppendSigned(&value, row.learnt_max_records);
  AppendVarint(&value, row.settled);
  AppendMicros(&value, row.last_delivery_time);
  AppendBytes(&value, row.ignored_through);
  AppendBytes(&value, row.serving_list_id);
  value.push_back(row.look_for_newer ? 1 : 0);
  return value;
}

std::optional<ListRow> DecodeList(absl::string_view value) {
  WireReader wire(value);
  ListRow row;
  row.destination = static_cast<uint32_t>(wire.Varint());
  row.segment = static_cast<uint32_t>(wire.Varint());
  row.customer_list_id = ReadString(wire);
  row.epoch = static_cast<uint32_t>(wire.Varint());
  row.unknown_members = wire.Bool();
  row.creation_attempt_time = wire.Micros();
  row.learnt_max_records = wire.Signed();
  row.settled = wire.Varint();
  row.last_delivery_time = wire.Micros();
  // Rows of earlier builds end here.
  if (!wire.rest().empty()) {
    row.ignored_through = ReadString(wire);
    row.serving_list_id = ReadString(wire);
  }
  if (!wire.rest().empty()) row.look_for_newer = wire.Bool();
  return IfDone(wire, std::move(row));
}

std::string EncodeIntakeCounts(const IntakeCounts& counts) {
  std::string value;
  AppendSigned(&value, counts.received);
  AppendSigned(&value, counts.excluded);
  AppendSigned(&value, counts.rejected);
  AppendSigned(&value, counts.replayed);
  return value;
}

std::optional<IntakeCounts> DecodeIntakeCounts(absl::string_view value) {
  WireReader wire(value);
  IntakeCounts counts;
  counts.received = wire.Signed();
  counts.excluded = wire.Signed();
  counts.rejected = wire.Signed();
  counts.replayed = wire.Signed();
  return IfDone(wire, counts);
}

std::string EncodePassCounts(const PassCounts& counts) {
  std::string value;
  AppendSigned(&value, counts.delivered);
  AppendSigned(&value, counts.already_there);
  AppendSigned(&value, counts.netted_out);
  AppendSigned(&value, counts.superseded);
  AppendSigned(&value, counts.refused);
  return value;
}

std::optional<PassCounts> DecodePassCounts(absl::string_view value) {
  WireReader wire(value);
  PassCounts counts;
  counts.delivered = wire.Signed();
  counts.already_there = wire.Signed();
  counts.netted_out = wire.Signed();
  counts.superseded = wire.Signed();
  counts.refused = wire.Signed();
  return IfDone(wire, counts);
}

std::string EncodeExport(const ExportRow& row) {
  std::string value;
  AppendSigned(&value, row.durable);
  AppendBool(&value, row.ended);
  AppendDigest(&value, row.digest);
  AppendMicros(&value, row.last_commit_time);
  return value;
}

std::optional<ExportRow> DecodeExport(absl::string_view value) {
  WireReader wire(value);
  ExportRow row;
  row.durable = wire.Signed();
  row.ended = wire.Bool();
  row.digest = ReadDigest(wire);
  row.last_commit_time = wire.Micros();
  return IfDone(wire, row);
}

std::string EncodeBatch(const BatchRow& row) {
  std::string value;
  AppendVarint(&value, row.commit);
  AppendDigest(&value, row.digest);
  AppendVarint(&value, row.lists.size());
  for (ListNumber list : row.lists) AppendVarint(&value, list);
  if (row.full_syncs.empty()) return value;
  AppendVarint(&value, row.full_syncs.size());
  for (const auto& [list, number] : row.full_syncs) {
    AppendVarint(&value, list);
    AppendVarint(&value, number);
  }
  return value;
}

std::optional<BatchRow> DecodeBatch(absl::string_view value) {
  WireReader wire(value);
  BatchRow row;
  row.commit = wire.Varint();
  row.digest = ReadDigest(wire);
  const uint64_t lists = wire.Varint();
  for (uint64_t i = 0; i < lists && wire.ok(); ++i) {
    row.lists.push_back(static_cast<ListNumber>(wire.Varint()));
  }
  const uint64_t full_syncs = wire.done() ? 0 : wire.Varint();
  for (uint64_t i = 0; i < full_syncs && wire.ok(); ++i) {
    const auto list = static_cast<ListNumber>(wire.Varint());
    row.full_syncs.emplace_back(list, wire.Varint());
  }
  return IfDone(wire, std::move(row));
}

bool HasRemovals(const PendingRow& row) {
  return row.runs.empty() ||
         std::any_of(row.runs.begin(), row.runs.end(), [](const auto& run) {
           return run.second == Change::kRemove;
         });
}

std::string EncodePending(const PendingRow& row) {
  std::string value;
  AppendMillis(&value, row.commit_time);
  AppendSigned(&value, row.bytes);
  AppendVarint(&value, row.runs.size());
  for (const auto& [part, change] : row.runs) {
    AppendVarint(&value, uint64_t{part} << 1 | static_cast<uint64_t>(change));
  }
  if (row.newest_event != absl::InfiniteFuture()) {
    AppendMicros(&value, row.newest_event);
  }
  return value;
}

std::optional<PendingRow> DecodePending(absl::string_view value) {
  WireReader wire(value);
  PendingRow row;
  row.commit_time = wire.Millis();
  row.bytes = wire.Signed();
  const uint64_t runs = wire.Varint();
  for (uint64_t i = 0; i < runs && wire.ok(); ++i) {
    const uint64_t run = wire.Varint();
    row.runs.emplace_back(static_cast<uint32_t>(run >> 1),
                          static_cast<Change>(run & 1));
  }
  if (!wire.rest().empty()) row.newest_event = wire.Micros();
  return IfDone(wire, std::move(row));
}

std::string EncodeFullSync(const FullSync& row) {
  std::string value(1, static_cast<char>(row.state));
  AppendBool(&value, row.cleaned);
  AppendBytes(&value, row.export_id);
  AppendSigned(&value, row.begin_sequence_number);
  AppendVarint(&value, row.begin_commit);
  AppendVarint(&value, row.release_commit);
  AppendSigned(&value, row.declared);
  AppendSigned(&value, row.bytes);
  AppendSigned(&value, row.members);
  AppendSigned(&value, row.removals);
  for (absl::Time time : {row.begin_time, row.expire_time, row.commit_time,
                          row.decision_time, row.apply_time}) {
    AppendMicros(&value, time);
  }
  return value;
}

std::optional<FullSync> DecodeFullSync(absl::string_view value) {
  WireReader wire(value);
  FullSync row;
  const uint8_t state = wire.Byte();
  if (state < static_cast<uint8_t>(FullSyncState::kOpen) ||
      state > static_cast<uint8_t>(FullSyncState::kExpired)) {
    wire.Fail();
  }
  row.state = static_cast<FullSyncState>(state);
  row.cleaned = wire.Bool();
  row.export_id = ReadString(wire);
  row.begin_sequence_number = wire.Signed();
  row.begin_commit = wire.Varint();
  row.release_commit = wire.Varint();
  row.declared = wire.Signed();
  row.bytes = wire.Signed();
  row.members = wire.Signed();
  row.removals = wire.Signed();
  for (absl::Time* time : {&row.begin_time, &row.expire_time, &row.commit_time,
                           &row.decision_time, &row.apply_time}) {
    *time = wire.Micros();
  }
  return IfDone(wire, std::move(row));
}

std::string EncodeDoubt(const Doubt& doubt) {
  std::string value(1, static_cast<char>(doubt.change));
  AppendRecord(&value, doubt.first);
  AppendRecord(&value, doubt.last);
  return value;
}

std::optional<Doubt> DecodeDoubt(absl::string_view value) {
  WireReader wire(value);
  Doubt doubt;
  doubt.change = ReadChange(wire);
  doubt.first = ReadRecord(wire);
  doubt.last = ReadRecord(wire);
  return IfDone(wire, doubt);
}

std::string EncodeEcho(absl::Time time, absl::Span<const RecordView> records) {
  std::string value;
  AppendMicros(&value, time);
  AppendVarint(&value, records.size());
  for (RecordView record : records) AppendRecord(&value, record);
  return value;
}

std::optional<absl::Time> DecodeEchoTime(absl::string_view value) {
  WireReader wire(value);
  const absl::Time time = wire.Micros();
  if (!wire.ok()) return std::nullopt;
  return time;
}

std::optional<Echo> DecodeEcho(absl::string_view value) {
  WireReader wire(value);
  Echo echo;
  echo.time = wire.Micros();
  const uint64_t records = wire.Varint();
  for (uint64_t i = 0; i < records && wire.ok(); ++i) {
    echo.records.push_back(ReadRecord(wire));
  }
  return IfDone(wire, std::move(echo));
}

std::string EncodeRejection(const JournalRejection& rejection) {
  std::string value(1, rejection.refused.has_value() ? 1 : 0);
  AppendMicros(&value, rejection.time);
  if (rejection.refused.has_value()) {
    const auto& [segment, customer_list_id, refusal] = *rejection.refused;
    AppendVarint(&value, segment);
    AppendBytes(&value, customer_list_id);
    AppendRecord(&value, refusal.record);
    value.push_back(static_cast<char>(refusal.change));
    AppendSigned(&value, refusal.http_status);
    AppendBytes(&value, refusal.message);
    AppendBytes(&value, refusal.request_id);
    return value;
  }
  const JournalRejection::Intake intake =
      rejection.intake.value_or(JournalRejection::Intake());
  AppendBytes(&value, intake.export_id);
  AppendSigned(&value, intake.sequence_number);
  AppendSigned(&value, intake.rejection.profile_index);
  AppendSigned(&value, intake.rejection.identity_index);
  AppendSigned(&value, intake.rejection.membership_index);
  AppendSigned(&value, intake.rejection.reason);
  return value;
}

std::optional<JournalRejection> DecodeRejection(absl::string_view value) {
  WireReader wire(value);
  JournalRejection rejection;
  const uint8_t kind = wire.Byte();
  rejection.time = wire.Micros();
  if (kind == 1) {
    JournalRejection::Refused& refused = rejection.refused.emplace();
    refused.segment = static_cast<uint32_t>(wire.Varint());
    refused.customer_list_id = ReadString(wire);
    refused.refusal.record = ReadRecord(wire);
    refused.refusal.change = ReadChange(wire);
    refused.refusal.http_status = static_cast<int>(wire.Signed());
    refused.refusal.message = ReadString(wire);
    refused.refusal.request_id = ReadString(wire);
  } else if (kind == 0) {
    JournalRejection::Intake& intake = rejection.intake.emplace();
    intake.export_id = ReadString(wire);
    intake.sequence_number = wire.Signed();
    intake.rejection.profile_index = static_cast<int32_t>(wire.Signed());
    intake.rejection.identity_index = static_cast<int32_t>(wire.Signed());
    intake.rejection.membership_index = static_cast<int32_t>(wire.Signed());
    intake.rejection.reason = static_cast<int32_t>(wire.Signed());
  } else {
    wire.Fail();
  }
  return IfDone(wire, std::move(rejection));
}

}  // namespace connector::membership
