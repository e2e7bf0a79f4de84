#ifndef CONNECTOR_MEMBERSHIP_FORGET_PART_H_
#define CONNECTOR_MEMBERSHIP_FORGET_PART_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "connector/membership/forget.h"
#include "connector/membership/full_sync.h"
#include "connector/membership/ledger_part.h"
#include "connector/membership/people.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// A record that is purged, and what of it.
struct ForgottenForm {
  identity_mapping::Record record;
  // What was committed later stays.
  CommitNumber through = 0;
  // The list is gone: nothing of what is known of it stays.
  bool gone = false;
};

// Ascending by record.
class ForgottenForms {
 public:
  explicit ForgottenForms(std::vector<ForgottenForm> forms);
  // nullptr: the record is none of them.
  const ForgottenForm* Find(identity_mapping::RecordView record) const;
  // A run of this commit has to lose the record.
  bool Drops(CommitNumber commit, identity_mapping::RecordView record) const {
    const ForgottenForm* form = Find(record);
    return form != nullptr && commit <= form->through;
  }
  const std::vector<ForgottenForm>& all() const { return forms_; }
  bool empty() const { return forms_.empty(); }
  CommitNumber newest_commit() const { return newest_commit_; }

 private:
  std::vector<ForgottenForm> forms_;
  CommitNumber newest_commit_ = 0;
};

// The view of requests to forget. The committer makes their rows
// (commit_group_forget.cc); from then on they are changed here alone.
class ForgetPart final : public Forgets {
 public:
  ForgetPart(Core& core, LedgerPart& ledger, People& people)
      : core_(core), ledger_(ledger), people_(people) {}

  std::vector<Forget> FindForgets(DestinationNumber destination) override;
  std::vector<Forget> UnfinishedForgets() override;
  std::vector<identity_mapping::Record> ForcedRemovals(
      ListNumber list, CommitNumber settled, CommitNumber through) override;
  absl::Status NoteListGone(ListNumber list) override;
  absl::StatusOr<bool> NoteProgress() override;
  std::vector<ListNumber> ListsOf(DestinationNumber destination) override;
  absl::Status PurgeList(ListNumber list) override;
  absl::Status EndPurge(DestinationNumber destination,
                        const std::vector<ForgetNumber>& numbers) override;
  absl::Status EraseRows(DestinationNumber destination) override;
  void CancelPurge() override { core_.database.CancelCleaning(); }

 private:
  using Key = std::pair<DestinationNumber, ForgetNumber>;

  // Stores rows and brings them into the tables; those of a destination that
  // was deleted are left out.
  absl::Status Store(const std::vector<std::pair<Key, ForgetRow>>& rows,
                     Database::Sync sync) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::pair<Key, ForgetRow>> RowsIn(ForgetPhase phase,
                                                DestinationNumber destination);
  // When the first of the echoes with one of the records is due;
  // absl::InfiniteFuture() if there is none.
  absl::StatusOr<absl::Time> FirstEchoOf(
      DestinationNumber destination,
      const std::vector<identity_mapping::Record>& records);

  // In forget_purge.cc.

  // What the destination's requests in kPurging forget, as it is for `list`.
  ForgottenForms FormsFor(DestinationNumber destination, ListNumber list);
  absl::Status PurgeRuns(ListNumber list, const KeyRange& range,
                         FullSyncNumber full_sync, const ForgottenForms& forms);
  absl::Status PurgeRun(ListNumber list, const std::string& key,
                        FullSyncNumber full_sync, const ForgottenForms& forms);
  // What is known of the forms on the list.
  struct KnownForms {
    // Whose removal was refused.
    std::vector<identity_mapping::Record> refused;
    // Who came later.
    std::vector<identity_mapping::Record> later;
    // Whose entries go.
    std::vector<identity_mapping::Record> dropped;
  };
  absl::StatusOr<KnownForms> LookAtBlocks(const ListRow& row,
                                          const ForgottenForms& forms);
  absl::Status PurgeBlocks(const ListRow& row, const ForgottenForms& forms,
                           const KnownForms& known);
  absl::Status PurgeDoubts(ListNumber list, const ForgottenForms& forms);
  absl::Status PurgePosition(ListNumber list, const ForgottenForms& forms);
  // What holds records and belongs to no list. A new family of that kind
  // deletes its rows here and names its keys in RangesToClean.
  absl::Status PurgeOutsideLists(DestinationNumber destination,
                                 const ForgottenForms& forms);
  // Its segments that have holders.
  std::vector<SegmentNumber> HeldSegmentsOf(DestinationNumber destination);
  // Keys of which older values have to go from the files.
  std::vector<std::pair<Family, KeyRange>> RangesToClean(
      DestinationNumber destination);

  Core& core_;
  LedgerPart& ledger_;
  People& people_;
  // Held over each change of a row.
  absl::Mutex mutex_;
  // When echoes are looked at again.
  std::map<Key, absl::Time> echo_times_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_FORGET_PART_H_
