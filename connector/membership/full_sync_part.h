#ifndef CONNECTOR_MEMBERSHIP_FULL_SYNC_PART_H_
#define CONNECTOR_MEMBERSHIP_FULL_SYNC_PART_H_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "connector/membership/export_progress.h"
#include "connector/membership/full_sync.h"
#include "connector/membership/ledger.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// Runs that a pass settled while a full sync of their list was not over. Their
// rows in the counters move from 'p' to 'q', and they go with the full sync.
struct KeptRuns {
  int64_t added_bytes = 0;
  int64_t dropped_bytes = 0;
};

// Adds to the set the settling of the commits up to `through`: their rows are
// deleted, and their runs, but for those of commits from `kept_from` on; runs
// that were kept from before that go, too.
absl::StatusOr<KeptRuns> SettleKeptRuns(Core& core, ListNumber list,
                                        CommitNumber through,
                                        std::optional<CommitNumber> kept_from,
                                        WriteSet& set);

// Full syncs that are over and of no use to anybody: all but the newest.
std::vector<FullSyncNumber> ForgottenFullSyncs(const ListState& list);

// The view of full syncs, and their end.
class FullSyncPart final : public FullSyncs {
 public:
  FullSyncPart(Core& core, ExportProgress& progress)
      : core_(core), progress_(progress) {}

  void SetFullSyncListener(std::function<void()> listener) override;
  std::vector<FullSync> FindFullSyncs(ListNumber list) override;
  std::vector<FullSync> UndecidedFullSyncs() override;
  absl::StatusOr<std::unique_ptr<RunCursor>> ReadDeclared(
      ListNumber list, FullSyncNumber number) override;
  absl::StatusOr<std::unique_ptr<DeliveredScan>> ScanDelivered(
      ListNumber list) override;

  // Deletes what full syncs that ended without being applied have left, and
  // lets the exports go on that waited for their end. Not synced: what a crash
  // takes back is done again at the start.
  absl::Status Clean(const std::vector<ListNumber>& lists);
  // The same for all lists, at the start.
  absl::Status CleanAll();

 private:
  absl::Status CleanList(ListNumber list);

  Core& core_;
  ExportProgress& progress_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_FULL_SYNC_PART_H_
