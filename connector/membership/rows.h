#ifndef CONNECTOR_MEMBERSHIP_ROWS_H_
#define CONNECTOR_MEMBERSHIP_ROWS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/journal.h"
#include "connector/membership/ledger.h"
#include "connector/membership/types.h"

// The stored form of everything but runs and blocks. FORMAT.md lists the
// fields. Numbers that stand in the key are not repeated in the value.
// Decode*() give nullopt for what Encode*() never made.
namespace connector::membership {

using Digest = std::array<uint8_t, 16>;

// The numbers to be given next.
struct NextNumbers {
  DestinationNumber destination = 1;
  SegmentNumber segment = 1;
  ListNumber list = 1;
};

// What the committer gave last.
struct NewestCommit {
  CommitNumber commit = 0;
  EventOrder next_order = kFirstEventOrder;
};

// An export, without what follows from its batch rows: everything below the
// first one that is left is delivered.
struct ExportRow {
  int64_t durable = 0;
  bool ended = false;
  // Of the batch `durable`.
  Digest digest = {};
  absl::Time last_commit_time;
};

// A batch that is not delivered.
struct BatchRow {
  CommitNumber commit = 0;
  Digest digest = {};
  // Those that got changes.
  std::vector<ListNumber> lists;
  // The full syncs that it belongs to: (list, number).
  std::vector<std::pair<ListNumber, FullSyncNumber>> full_syncs;
};

// What one commit brought to one list.
struct PendingRow {
  absl::Time commit_time;
  // Of keys and values of the runs.
  int64_t bytes = 0;
  // Which runs: (part, change). None: the commit released a full sync.
  std::vector<std::pair<uint32_t, Change>> runs;
  // Of remembered exits: when the last of them happened, where that is known.
  absl::Time newest_event = absl::InfiniteFuture();
};

std::string EncodeNumber(uint64_t number);
std::optional<uint64_t> DecodeNumber(absl::string_view value);

std::string EncodeNextNumbers(const NextNumbers& next);
std::optional<NextNumbers> DecodeNextNumbers(absl::string_view value);

std::string EncodeNewestCommit(const NewestCommit& newest);
std::optional<NewestCommit> DecodeNewestCommit(absl::string_view value);

std::string EncodeDestination(const DestinationRow& row);
std::optional<DestinationRow> DecodeDestination(absl::string_view value);

std::string EncodeSegment(const SegmentRow& row);
std::optional<SegmentRow> DecodeSegment(absl::string_view value);

std::string EncodeOperation(const ListOperation& operation);
std::optional<ListOperation> DecodeOperation(absl::string_view value);

std::string EncodeList(const ListRow& row);
std::optional<ListRow> DecodeList(absl::string_view value);

std::string EncodeIntakeCounts(const IntakeCounts& counts);
std::optional<IntakeCounts> DecodeIntakeCounts(absl::string_view value);

std::string EncodePassCounts(const PassCounts& counts);
std::optional<PassCounts> DecodePassCounts(absl::string_view value);

std::string EncodeExport(const ExportRow& row);
std::optional<ExportRow> DecodeExport(absl::string_view value);

std::string EncodeBatch(const BatchRow& row);
std::optional<BatchRow> DecodeBatch(absl::string_view value);

// A release may remove whoever is there.
bool HasRemovals(const PendingRow& row);
std::string EncodePending(const PendingRow& row);
std::optional<PendingRow> DecodePending(absl::string_view value);

// Without list and number.
std::string EncodeFullSync(const FullSync& row);
std::optional<FullSync> DecodeFullSync(absl::string_view value);

std::string EncodeDoubt(const Doubt& doubt);
std::optional<Doubt> DecodeDoubt(absl::string_view value);

std::string EncodeEcho(absl::Time time,
                       absl::Span<const identity_mapping::RecordView> records);
std::optional<Echo> DecodeEcho(absl::string_view value);
// Without its records.
std::optional<absl::Time> DecodeEchoTime(absl::string_view value);

std::string EncodeRejection(const JournalRejection& rejection);
std::optional<JournalRejection> DecodeRejection(absl::string_view value);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_ROWS_H_
