#ifndef CONNECTOR_MEMBERSHIP_FORGET_H_
#define CONNECTOR_MEMBERSHIP_FORGET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// A request to forget one identity, from its commit to its receipt.
//
// Its commit brings a removal of every form (not counted) to every list of the
// destination, so it has its place among all events: what waits from before
// gives way to it, what comes later is a new decision. Besides, the first pass
// over each list that includes the commit sends the forms in a request of their
// own, whatever is known of them (ForcedRemovals). When no list is left that
// could have one, what the store holds of them from before is deleted.
//
// The records are stored until then and are nowhere in this struct: it is what
// may be shown.
using ForgetNumber = EventOrder;

enum class ForgetPhase : uint8_t {
  // The removal goes to the lists.
  kRemoving = 1,
  // No list has it any more: rows and files are purged.
  kPurging = 2,
  // The records are not in the row any more; the files of it are cleaned.
  kErasing = 3,
  kDone = 4,
};

// One list and what became of the identity on it.
struct ForgetList {
  enum class Outcome : uint8_t {
    kWaiting = 0,
    // A pass that includes the removal has settled.
    kRemoved = 1,
    // The same, and there was no list at Pinterest.
    kNoList = 2,
    // Pinterest knows the list no more.
    kGone = 3,
    // Pinterest refused the removal of a form for good.
    kRefused = 4,
  };
  ListNumber list = 0;
  SegmentNumber segment = 0;
  Outcome outcome = Outcome::kWaiting;
  absl::Time outcome_time = absl::InfinitePast();
  // As of then.
  std::string customer_list_id;
  // Something that came later was there when the list was purged.
  bool later_event = false;
};

struct Forget {
  DestinationNumber destination = 0;
  // Its place in the order of events.
  ForgetNumber number = 0;
  CommitNumber commit = 0;
  ForgetPhase phase = ForgetPhase::kRemoving;
  std::string receipt_id;
  std::string request_id;
  int64_t forms = 0;
  absl::Time request_time = absl::InfinitePast();
  absl::Time confirm_time = absl::InfinitePast();
  absl::Time purge_time = absl::InfinitePast();
  absl::Time done_time = absl::InfinitePast();
  std::vector<ForgetList> lists;

  bool done() const { return phase == ForgetPhase::kDone; }
};

// What a batch (intake.h) may bring instead of everything else.
struct ForgetRequest {
  // Ascending, no repeats.
  std::vector<identity_mapping::Record> forms;
  std::string request_id;
  // To be used for a new one.
  std::string receipt_id;
};

// Forgetting, step by step. Each step is durable, may be repeated after a crash
// and is made by one thread (delivery/forget_runner.h).
//
// Errors as the ledger's; UNAVAILABLE FILES_IN_USE while a file that should go
// is still read or copied.
class Forgets {
 public:
  virtual ~Forgets() = default;

  // All of the destination, newest first.
  virtual std::vector<Forget> FindForgets(DestinationNumber destination) = 0;
  // Those of all destinations that are not done, oldest first.
  virtual std::vector<Forget> UnfinishedForgets() = 0;

  // For passes: records that a pass over the list through `through` removes in
  // any case; ascending. The list is settled through `settled`. Of the
  // destination's requests that are committed in between.
  virtual std::vector<identity_mapping::Record> ForcedRemovals(
      ListNumber list, CommitNumber settled, CommitNumber through) = 0;
  // Pinterest knows the list no more: who waits for it waits no longer. Synced.
  virtual absl::Status NoteListGone(ListNumber list) = 0;

  // Notes which lists have settled since. Where none is left, and no removal of
  // a form has to be repeated later (echoes), the purge begins (synced). True
  // if anything changed.
  virtual absl::StatusOr<bool> NoteProgress() = 0;

  // All lists of a destination, as they are now.
  virtual std::vector<ListNumber> ListsOf(DestinationNumber destination) = 0;
  // Deletes from everything that is stored of the list what the destination's
  // requests in kPurging forget: of runs, remembered exits and declarations
  // what was committed up to the request; of the delivered state what no later
  // event brought; the ends of doubts and the place of an operation are moved.
  // While no pass over the list is under way, not even between two steps.
  virtual absl::Status PurgeList(ListNumber list) = 0;
  // To be called when all lists are purged: the same of the rejection log, then
  // of the files; then the rows lose the records (synced), and the requests
  // `numbers` are in kErasing.
  virtual absl::Status EndPurge(DestinationNumber destination,
                                const std::vector<ForgetNumber>& numbers) = 0;
  // For those in kErasing: what the rows held goes from the files, too. Then
  // they are done.
  virtual absl::Status EraseRows(DestinationNumber destination) = 0;
  // The process stops: the two above end early, with an error.
  virtual void CancelPurge() = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_FORGET_H_
