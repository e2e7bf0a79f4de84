// Bytes in the place of what the store keeps: damage must be seen or read as
// something that the store could have written. An input is a byte for the
// format and the value.

#include <optional>
#include <string>

#include "connector/membership/audience_rows.h"
#include "connector/membership/block.h"
#include "connector/membership/block_change.h"
#include "connector/membership/forget_rows.h"
#include "connector/membership/keys.h"
#include "connector/membership/rows.h"
#include "connector/membership/run.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace connector::membership;  // NOLINT
using identity_mapping::RecordView;

constexpr uint8_t kFirstFormats = 16;
constexpr uint8_t kFirstLater = 240;

// What is read is written again in one form only.
template <typename T, typename Encode, typename Decode>
void CheckRow(absl::string_view value, Decode decode, Encode encode) {
  const std::optional<T> read = decode(value);
  if (!read.has_value()) return;
  const std::string written = encode(*read);
  const std::optional<T> again = decode(written);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(encode(*again) == written);
}

void CheckBlock(absl::string_view value) {
  BlockReader reader(value);
  BlockEntry entry;
  EntryBytes copy;
  size_t entries = 0;
  while (reader.Next(&entry)) {
    FUZZ_CHECK(++entries <= value.size());
    copy.AppendStored(entry);
    FUZZ_CHECK(
        RecordView::FromEncoded(copy.EncodedRecord(entries - 1)).has_value());
  }
  if (!reader.status().ok()) {
    FUZZ_CHECK(absl::IsDataLoss(reader.status()));
    return;
  }
  FUZZ_CHECK(reader.left() == 0);
  // The entries make a block that reads the same.
  const std::string written = copy.Block(reader.epoch(), 0, entries);
  BlockReader again(written);
  size_t read = 0;
  while (again.Next(&entry)) ++read;
  FUZZ_CHECK(again.status().ok());
  FUZZ_CHECK(read == entries);
}

// A byte for the length of a change; then that, another one, and a block in
// one.
void CheckBlockChange(absl::string_view value) {
  if (value.empty()) return;
  const size_t size = static_cast<uint8_t>(value.front());
  value.remove_prefix(1);
  const absl::string_view first = value.substr(0, size);
  const absl::string_view rest = value.substr(first.size());
  const auto joined = JoinBlockChanges({first, rest});
  if (joined.has_value()) {
    FUZZ_CHECK(joined->size() <= value.size() + 32);
    FUZZ_CHECK(JoinBlockChanges({*joined}).has_value());
  }
  // What lies on top of a block is no block itself.
  FUZZ_CHECK(!joined.has_value() || !ApplyBlockChanges(rest, {first}));
  if (const auto block = ApplyBlockChanges(rest, {first})) {
    BlockReader reader(*block);
    BlockEntry entry;
    while (reader.Next(&entry)) FUZZ_CHECK(!entry.gone);
    FUZZ_CHECK(reader.status().ok());
  }
}

void CheckAudienceKey(absl::string_view key) {
  const std::optional<AudienceKeyParts> parts = ParseAudienceKey(key);
  if (!parts.has_value()) return;
  FUZZ_CHECK(parts->audience.has_value() != parts->list.has_value());
  // That of a segment of number 0 is written as a declared one's.
  const std::string written =
      parts->list.has_value()
          ? CounterKeyBytes(parts->destination, *parts->list)
          : AudienceKeyBytes(*parts->audience);
  const auto again = ParseAudienceKey(written);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->destination == parts->destination);
}

void CheckRun(absl::string_view value) {
  auto reader = RunReader::Open(value);
  if (!reader.ok()) {
    FUZZ_CHECK(absl::IsDataLoss(reader.status()));
    return;
  }
  RunEntry entry;
  size_t entries = 0;
  while (reader->Next(&entry)) {
    FUZZ_CHECK(++entries <= value.size());
    FUZZ_CHECK(RecordView::FromEncoded(entry.record.encoded()).has_value());
  }
  if (reader->status().ok()) FUZZ_CHECK(entries == reader->count());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const uint8_t format = input.Byte();
  const absl::string_view value = input.Rest();
  // The first ones have many numbers, so that inputs that are kept stay what
  // they are.
  switch (format < kFirstLater ? format % kFirstFormats : format) {
    case 0:
      CheckRow<uint64_t>(value, DecodeNumber, EncodeNumber);
      break;
    case 1:
      CheckRow<NextNumbers>(value, DecodeNextNumbers, EncodeNextNumbers);
      break;
    case 2:
      CheckRow<NewestCommit>(value, DecodeNewestCommit, EncodeNewestCommit);
      break;
    case 3:
      CheckRow<DestinationRow>(value, DecodeDestination, EncodeDestination);
      break;
    case 4:
      CheckRow<SegmentRow>(value, DecodeSegment, EncodeSegment);
      break;
    case 5:
      CheckRow<ListRow>(value, DecodeList, EncodeList);
      break;
    case 6:
      CheckRow<IntakeCounts>(value, DecodeIntakeCounts, EncodeIntakeCounts);
      break;
    case 7:
      CheckRow<PassCounts>(value, DecodePassCounts, EncodePassCounts);
      break;
    case 8:
      CheckRow<ExportRow>(value, DecodeExport, EncodeExport);
      break;
    case 9:
      CheckRow<BatchRow>(value, DecodeBatch, EncodeBatch);
      break;
    case 10:
      CheckRow<PendingRow>(value, DecodePending, EncodePending);
      break;
    case 11:
      CheckRow<Doubt>(value, DecodeDoubt, EncodeDoubt);
      break;
    case 12:
      DecodeEcho(value);
      DecodeEchoTime(value);
      ParseExportKey(value);
      ParseNumberKey(value);
      ParsePlainKey(value);
      break;
    case 13:
      CheckRow<JournalRejection>(value, DecodeRejection, EncodeRejection);
      break;
    case 14:
      CheckBlock(value);
      break;
    case 15:
      CheckRun(value);
      break;
    case kFirstLater:
      CheckRow<AudienceRow>(value, DecodeAudience, EncodeAudience);
      break;
    case kFirstLater + 1:
      CheckRow<ListCounterRow>(value, DecodeListCounters, EncodeListCounters);
      break;
    case kFirstLater + 2:
      CheckAudienceKey(value);
      break;
    case kFirstLater + 3:
      CheckRow<ListOperation>(value, DecodeOperation, EncodeOperation);
      break;
    case kFirstLater + 4:
      CheckRow<FullSync>(value, DecodeFullSync, EncodeFullSync);
      break;
    case kFirstLater + 5:
      CheckRow<ForgetRow>(value, DecodeForget, EncodeForget);
      break;
    case kFirstLater + 6:
      CheckBlockChange(value);
      break;
    default:
      break;
  }
  return 0;
}
