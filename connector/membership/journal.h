#ifndef CONNECTOR_MEMBERSHIP_JOURNAL_H_
#define CONNECTOR_MEMBERSHIP_JOURNAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/full_sync.h"
#include "connector/membership/intake.h"
#include "connector/membership/ledger.h"
#include "connector/membership/types.h"

namespace connector::membership {

// How one segment stands.
struct SegmentReport {
  SegmentRow segment;
  ListRow list;
  SyncCounts counts;
  // Records there as far as Pinterest's answers tell.
  int64_t members = 0;
  int64_t backlog_bytes = 0;
  // When the oldest unsettled change was committed; nullopt if none waits.
  std::optional<absl::Time> oldest_change_time;
  // The newest one of the segment.
  std::optional<FullSync> full_sync;
  // What is under way with its list, or with the one that was replaced.
  std::optional<ListOperation> operation;
  // Of the list that was replaced and still has members; empty if none.
  std::string former_customer_list_id;
};

// How a destination stands, all under one snapshot.
struct DestinationReport {
  std::vector<SegmentReport> segments;
  IntakeCounts counts_without_segment;
  std::vector<ExportPosition> exports;
};

// What is logged of an identity or membership that a batch's mapping rejected.
struct LoggedIntakeRejection {
  std::string export_id;
  int64_t sequence_number = 0;
  IntakeRejection rejection;
};

// What is logged of a record that Pinterest refused.
struct LoggedRefusal {
  SegmentNumber segment = 0;
  std::string customer_list_id;
  Refusal refusal;
};

// One line of the rejection log.
struct JournalRejection {
  absl::Time time;
  // Exactly one of the two.
  using Intake = LoggedIntakeRejection;
  std::optional<Intake> intake;
  using Refused = LoggedRefusal;
  std::optional<Refused> refused;
};

struct RejectionPage {
  std::vector<JournalRejection> rejections;
  // Empty at the end.
  std::string next_page_token;
};

// Reads what the store counted and logged. Thread-safe.
class Journal {
 public:
  virtual ~Journal() = default;

  virtual absl::StatusOr<DestinationReport> Report(
      DestinationNumber destination) = 0;

  // Newest first. INVALID_ARGUMENT for a token that this never gave.
  virtual absl::StatusOr<RejectionPage> Rejections(
      DestinationNumber destination, int page_size,
      absl::string_view page_token) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_JOURNAL_H_
