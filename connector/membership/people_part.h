#ifndef CONNECTOR_MEMBERSHIP_PEOPLE_PART_H_
#define CONNECTOR_MEMBERSHIP_PEOPLE_PART_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "connector/membership/export_progress.h"
#include "connector/membership/people.h"
#include "connector/membership/people_rows.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The view of people. What is done with statements is in people_statements.cc,
// what is done with the changes of held segments in people_holders.cc.
class PeoplePart final : public People {
 public:
  PeoplePart(Core& core, ExportProgress& progress)
      : core_(core), progress_(progress) {}

  std::vector<WaitingPeople> WaitingForPeople() override;
  absl::Status BringUp(DestinationNumber destination,
                       const BringUpOptions& options) override;
  // In people_purge.cc.
  absl::Status PurgePeople(
      DestinationNumber destination,
      absl::Span<const identity_mapping::Record> records) override;

 private:
  absl::Status RenameBlocks(DestinationNumber destination,
                            SegmentNumber segment,
                            const std::vector<std::string>& records);
  // Whether the holder has the encoded record in the segment.
  absl::StatusOr<bool> HasPair(SegmentNumber segment, const std::string& record,
                               absl::string_view holder);
  absl::Status PurgePersons(DestinationNumber destination,
                            const std::vector<std::string>& records);
  // Writes a piece, if the destination is still there.
  absl::Status WritePiece(DestinationNumber destination, WriteSet& set);
  // Joins the statements of a destination with its people.
  absl::Status TakeStatements(DestinationNumber destination,
                              const BringUpOptions& options);
  absl::Status SortStatements(DestinationNumber destination,
                              CommitNumber through,
                              const BringUpOptions& options,
                              PeopleSorter& sorter);
  // The end of that: lists have their removals, the statements go.
  absl::Status EndStatements(DestinationNumber destination,
                             const PeoplePassRow& pass, WriteSet& set);

  // Brings the changes of a held segment into its holders and its list.
  absl::Status TakeChanges(SegmentNumber segment,
                           const BringUpOptions& options);
  absl::Status SortChanges(const SegmentState& segment, const HeldRow& held,
                           CommitNumber settled, const BringUpOptions& options,
                           PeopleSorter& sorter);
  absl::Status WriteHeld(SegmentNumber segment, const HeldRow& progress,
                         WriteSet& set);
  // The same while the caller holds the locks for it.
  absl::Status WriteProgress(SegmentNumber segment, const HeldRow& progress,
                             WriteSet& set);
  absl::Status EndChanges(SegmentNumber segment, const HeldRow& progress,
                          CommitNumber commit, WriteSet& set,
                          bool* has_removals);
  absl::Status CopyToFormer(ListNumber list, ListNumber former,
                            CommitNumber commit, const HeldRow& progress,
                            PendingRow* row);

  Core& core_;
  ExportProgress& progress_;
  // One at a time.
  absl::Mutex mutex_;
};

// Looks at a stop flag now and then.
class PeopleStop {
 public:
  explicit PeopleStop(const std::atomic<bool>* stop) : stop_(stop) {}
  absl::Status Look() {
    if ((++seen_ & 0xfff) != 0 || stop_ == nullptr || !*stop_) {
      return absl::OkStatus();
    }
    return absl::CancelledError("the connector stops");
  }

 private:
  const std::atomic<bool>* const stop_;
  int seen_ = 0;
};

// The runs that bringing up writes have parts of their own.
inline constexpr uint32_t kPeoplePart = 0x80000000;

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_PEOPLE_PART_H_
