#ifndef CONNECTOR_MEMBERSHIP_OPERATIONS_H_
#define CONNECTOR_MEMBERSHIP_OPERATIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// What a segment is to be called; nullopt: as it is.
struct SegmentText {
  std::optional<std::string> display_name;
  std::optional<std::string> description;
};

struct MappedSegment {
  SegmentRow row;
  bool created = false;
  bool reactivated = false;
};

// Which list a segment goes over to.
struct Replacement {
  // Empty: one that is made.
  std::string customer_list_id{};
  bool unknown_members = false;
  bool keep_old_members = false;
  // Even though the list that it has is known to have members.
  bool force = false;
  // One that is made: even though the list was replaced a short time ago.
  bool again = false;
};

// A list is not replaced by a new one twice within this time, unless it is said
// to be meant: the answer may have been lost, and Pinterest deletes no list.
inline constexpr absl::Duration kReplacementRest = absl::Hours(1);

// What an audience has to be told.
struct AudienceTask {
  enum class Kind { kRename, kRevive, kRetire, kPointAtList };
  Kind kind = Kind::kRename;
  SegmentRow segment;
  // Of kRetire and kPointAtList.
  uint64_t operation = 0;
};

// The life cycle of segments, and what is done with whole lists. Every change
// is on stable storage when the call returns, if nothing else is said.
// Thread-safe; for one list only one pass at a time may call TakeUp and
// Advance.
//
// Errors: NOT_FOUND SEGMENT_NOT_FOUND, DESTINATION_NOT_FOUND;
// FAILED_PRECONDITION OPERATION_RUNNING while another operation has to end
// first; UNAVAILABLE STORE_FAILED.
class Operations {
 public:
  virtual ~Operations() = default;

  // Called with a list when something is to be done with it, with no lock held.
  // Set before the first operation.
  virtual void SetOperationListener(
      std::function<void(ListNumber)> listener) = 0;

  // --- What is asked for ---

  // Finds or makes the segment and takes its events from now on.
  // RESOURCE_EXHAUSTED TOO_MANY_CUSTOMER_LISTS.
  virtual absl::StatusOr<MappedSegment> MapSegment(
      DestinationNumber destination, absl::string_view segment_namespace,
      absl::string_view segment_id, const SegmentText& text, int max_lists) = 0;
  // A name that is empty: whatever exports call the segment from now on.
  virtual absl::StatusOr<SegmentRow> UpdateSegment(SegmentNumber segment,
                                                   const SegmentText& text) = 0;
  // Events that are committed from now on are excluded. `empty`: additions that
  // wait are superseded and the list is emptied; otherwise what waits is still
  // delivered. Repeats change nothing, but that a list that was kept may be
  // emptied later.
  virtual absl::StatusOr<SegmentRow> UnmapSegment(SegmentNumber segment,
                                                  bool empty) = 0;
  // FAILED_PRECONDITION SEGMENT_UNMAPPED, NO_CUSTOMER_LIST.
  virtual absl::Status RequestResync(SegmentNumber segment) = 0;
  // The same, and FAILED_PRECONDITION CUSTOMER_LIST_IN_USE,
  // SEGMENT_HAS_MEMBERS, LIST_CREATION_UNANSWERED, RECENTLY_REPLACED. Nothing
  // happens if the segment has that list.
  virtual absl::Status RequestReplacement(SegmentNumber segment,
                                          const Replacement& replacement) = 0;
  // The same for a segment that is named, which is made if it is not known: all
  // of it or, with an error, nothing. `replacement` names a list. Also
  // RESOURCE_EXHAUSTED TOO_MANY_CUSTOMER_LISTS.
  virtual absl::StatusOr<SegmentRow> BindSegment(
      DestinationNumber destination, absl::string_view segment_namespace,
      absl::string_view segment_id, const Replacement& replacement,
      int max_lists) = 0;

  // --- What becomes of audiences ---

  virtual std::vector<AudienceTask> AudienceTasks() = 0;
  // It was done, or nothing is to be done. One that is overtaken is no error.
  virtual absl::Status EndAudienceTask(const AudienceTask& task) = 0;

  // --- For delivery ---

  // What is under way with a list.
  virtual std::optional<ListOperation> FindOperation(ListNumber list) = 0;
  // Lists with an operation that needs passes.
  virtual std::vector<ListRow> OperatedLists() = 0;
  // Ids at Pinterest of all lists of the destination but this one.
  virtual std::vector<std::string> OtherCustomerLists(ListNumber list) = 0;
  // Brings a requested operation to where records can be sent: raises the
  // list's epoch, or takes it over to the other list; from then on what is
  // pending for both goes to both. `vanished`: the list is known to be gone, so
  // that nothing need be taken along and a full sync need not be applied first.
  // UNAVAILABLE TOO_MANY_REMOVALS_WAIT if more removals wait than can be taken
  // along, FULL_SYNC_RELEASED while one is to be applied to the list that is,
  // CREATION_UNANSWERED while a list may have been created that is not known
  // yet.
  virtual absl::StatusOr<ListOperation> TakeUp(ListNumber list,
                                               bool vanished) = 0;
  // Goes over at most so many entries of what was confirmed of `list`,
  // ascending, after the encoded record `*position`, which moves on. True if
  // they were the last ones.
  virtual absl::StatusOr<bool> ReadEntries(
      ListNumber list, std::string* position, int64_t at_most,
      absl::FunctionRef<absl::Status(identity_mapping::RecordView,
                                     DeliveredState)>
          take) = 0;
  // All up to `position` is dealt with; `sent` more records were sent. With
  // `ended` all of the list is, and the operation ends or waits for the
  // audience. Not synced unless it ended: what is done again does no harm. An
  // operation that was overtaken is left alone.
  virtual absl::Status Advance(ListNumber list, uint64_t number,
                               absl::string_view position, int64_t sent,
                               bool ended) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_OPERATIONS_H_
