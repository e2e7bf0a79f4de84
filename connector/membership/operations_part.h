#ifndef CONNECTOR_MEMBERSHIP_OPERATIONS_PART_H_
#define CONNECTOR_MEMBERSHIP_OPERATIONS_PART_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "connector/membership/catalog_part.h"
#include "connector/membership/operations.h"
#include "connector/membership/rejection_log.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The operations view. Changes of a segment are made one after another with
// those of the catalog; changes of a list's row only by its pass.
class OperationsPart final : public Operations {
 public:
  OperationsPart(Core& core, CatalogPart& catalog, RejectionLog& rejections)
      : core_(core), catalog_(catalog), rejections_(rejections) {}

  void SetOperationListener(std::function<void(ListNumber)> listener) override;
  absl::StatusOr<MappedSegment> MapSegment(DestinationNumber destination,
                                           absl::string_view segment_namespace,
                                           absl::string_view segment_id,
                                           const SegmentText& text,
                                           int max_lists) override;
  absl::StatusOr<SegmentRow> UpdateSegment(SegmentNumber segment,
                                           const SegmentText& text) override;
  absl::StatusOr<SegmentRow> UnmapSegment(SegmentNumber segment,
                                          bool empty) override;
  absl::Status RequestResync(SegmentNumber segment) override;
  absl::Status RequestReplacement(SegmentNumber segment,
                                  const Replacement& replacement) override;
  absl::StatusOr<SegmentRow> BindSegment(DestinationNumber destination,
                                         absl::string_view segment_namespace,
                                         absl::string_view segment_id,
                                         const Replacement& replacement,
                                         int max_lists) override;
  std::vector<AudienceTask> AudienceTasks() override;
  absl::Status EndAudienceTask(const AudienceTask& task) override;
  std::optional<ListOperation> FindOperation(ListNumber list) override;
  std::vector<ListRow> OperatedLists() override;
  std::vector<std::string> OtherCustomerLists(ListNumber list) override;
  absl::StatusOr<ListOperation> TakeUp(ListNumber list, bool vanished) override;
  absl::StatusOr<bool> ReadEntries(
      ListNumber list, std::string* position, int64_t at_most,
      absl::FunctionRef<absl::Status(identity_mapping::RecordView,
                                     DeliveredState)>
          take) override;
  absl::Status Advance(ListNumber list, uint64_t number,
                       absl::string_view position, int64_t sent,
                       bool ended) override;

 private:
  // Everything about one segment, as it is.
  struct View {
    SegmentRow segment;
    ListRow list;
    std::optional<ListOperation> operation;
    // Of the list that was replaced.
    std::optional<ListOperation> former_operation;
    CommitNumber newest = 0;
    int64_t members = 0;
  };
  // A change of rows in one synced write, then in the tables.
  struct Change {
    std::optional<SegmentRow> segment;
    std::optional<ListRow> list;
    // nullopt within: the operation is over.
    std::vector<std::pair<ListNumber, std::optional<ListOperation>>> operations;
    // Of the segment's list: what they declared counts as rejected.
    std::vector<FullSync> full_syncs;
  };

  absl::StatusOr<View> Look(SegmentNumber segment);
  // FAILED_PRECONDITION CUSTOMER_LIST_IN_USE if a list of the destination has
  // the id, or will; `segment` says who asks.
  absl::Status CheckUnused(DestinationNumber destination, SegmentNumber segment,
                           const std::string& customer_list_id);
  // A new operation of the list.
  ListOperation Begin(const View& view, ListOperation::Kind kind);
  absl::Status Write(const Change& change);
  void Tell(const Change& change);
  absl::StatusOr<ListOperation> TakeUpReplacement(const View& view,
                                                  bool vanished);
  // Takes the removals that wait along to the list that was replaced: adds
  // their copies to the set, and what waits there to `pending`. Their bytes.
  absl::StatusOr<int64_t> CopyRemovals(ListNumber from, ListNumber to,
                                       CommitNumber through, WriteSet& set,
                                       PendingQueue& pending);
  absl::Status EndPasses(const View& view, ListNumber list,
                         ListOperation operation);

  Core& core_;
  CatalogPart& catalog_;
  RejectionLog& rejections_;
  absl::Mutex listener_mutex_;
  std::function<void(ListNumber)> listener_ ABSL_GUARDED_BY(listener_mutex_);
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_OPERATIONS_PART_H_
