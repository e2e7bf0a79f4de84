#ifndef CONNECTOR_MEMBERSHIP_LEDGER_PART_H_
#define CONNECTOR_MEMBERSHIP_LEDGER_PART_H_

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "connector/membership/block_updater.h"
#include "connector/membership/export_progress.h"
#include "connector/membership/ledger.h"
#include "connector/membership/rejection_log.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The ledger view.
class LedgerPart final : public Ledger {
 public:
  LedgerPart(Core& core, ExportProgress& progress, RejectionLog& rejections)
      : core_(core), progress_(progress), rejections_(rejections) {}

  void SetCommitListener(
      std::function<void(ListNumber, bool)> listener) override;
  CommitNumber SyncedCommit() override;
  std::vector<PendingList> PendingLists() override;
  std::optional<PendingList> FindPendingList(ListNumber list) override;
  absl::StatusOr<ListRow> GetList(ListNumber list) override;
  absl::StatusOr<SegmentRow> GetSegment(SegmentNumber segment) override;
  absl::StatusOr<std::unique_ptr<RunCursor>> ReadRuns(
      ListNumber list, Change change, CommitNumber after,
      CommitNumber through) override;
  absl::StatusOr<std::unique_ptr<RunCursor>> ReadRememberedExits(
      ListNumber list, CommitNumber through, const ExitFilter& filter) override;
  absl::Status ForgetExits(DestinationNumber destination,
                           absl::Duration window) override;
  absl::StatusOr<std::unique_ptr<DeliveredCursor>> ReadDelivered(
      ListNumber list) override;
  absl::Status DropOvertaken(
      ListNumber list, CommitNumber through,
      absl::FunctionRef<absl::StatusOr<bool>(EventOrder)> stands) override;
  absl::Status UpdateList(const ListRow& row) override;
  absl::StatusOr<DoubtNumber> BeginRequest(
      ListNumber list, Change change, identity_mapping::RecordView first,
      identity_mapping::RecordView last) override;
  absl::Status CancelRequest(ListNumber list, DoubtNumber doubt) override;
  absl::StatusOr<std::vector<Doubt>> Doubts(ListNumber list) override;
  absl::Status Confirm(ListNumber list, Change change,
                       absl::Span<const identity_mapping::RecordView> records,
                       DoubtNumber doubt,
                       absl::Span<const identity_mapping::RecordView> echoes,
                       absl::Time echo_time) override;
  absl::StatusOr<std::vector<Echo>> Echoes(ListNumber list, absl::Time due,
                                           size_t at_most) override;
  std::vector<std::pair<ListNumber, absl::Time>> EchoTimes() override;
  absl::Status EndEcho(ListNumber list, uint64_t number) override;
  std::string CallHistory(absl::string_view credential_id) override;
  absl::Status PutCallHistory(absl::string_view credential_id,
                              absl::string_view history) override;
  absl::StatusOr<std::vector<RefusedRecord>> RefusedRecords(
      ListNumber list, const std::optional<identity_mapping::Record>& after,
      size_t at_most) override;
  absl::Status Refuse(ListNumber list,
                      absl::Span<const Refusal> refusals) override;
  absl::Status Settle(ListNumber list, CommitNumber through,
                      DoubtNumber last_doubt, const PassCounts& counts,
                      absl::Time now) override;

  // Writes updates of blocks in pieces. `last_piece` adds to the set what goes
  // with the last one. The caller holds `use` of the tables.
  absl::Status UpdateBlocks(const ListRow& row,
                            absl::Span<const BlockUpdate> updates,
                            Database::Sync sync,
                            absl::FunctionRef<void(WriteSet&)> last_piece);

 private:
  // The list's row; NOT_FOUND once its destination is deleted.
  absl::StatusOr<ListRow> FindRow(ListNumber list);
  // Adds the deletion of the runs up to `through`.
  absl::Status DeleteRuns(ListNumber list, CommitNumber through, WriteSet& set);
  // Forgets the exits of a list that were committed before `before`.
  absl::Status ForgetExitsOf(ListNumber list, absl::Time before);
  absl::Status DeleteDoubts(ListNumber list, DoubtNumber last, WriteSet& set);
  // What commits in (through, last] still hold.
  absl::StatusOr<PendingSpan> ReadPending(ListNumber list, CommitNumber through,
                                          CommitNumber last);

  Core& core_;
  ExportProgress& progress_;
  RejectionLog& rejections_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_LEDGER_PART_H_
