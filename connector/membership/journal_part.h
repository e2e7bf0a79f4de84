#ifndef CONNECTOR_MEMBERSHIP_JOURNAL_PART_H_
#define CONNECTOR_MEMBERSHIP_JOURNAL_PART_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/membership/journal.h"
#include "connector/membership/rejection_log.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The journal view.
class JournalPart final : public Journal {
 public:
  JournalPart(Core& core, RejectionLog& rejections)
      : core_(core), rejections_(rejections) {}

  // All of it is in memory, and each change of it gets there in one step.
  absl::StatusOr<DestinationReport> Report(
      DestinationNumber destination) override;
  absl::StatusOr<RejectionPage> Rejections(
      DestinationNumber destination, int page_size,
      absl::string_view page_token) override;

 private:
  Core& core_;
  RejectionLog& rejections_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_JOURNAL_PART_H_
