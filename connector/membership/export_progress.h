#ifndef CONNECTOR_MEMBERSHIP_EXPORT_PROGRESS_H_
#define CONNECTOR_MEMBERSHIP_EXPORT_PROGRESS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "connector/membership/database.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// Moves the delivered positions of exports: a batch is delivered when every
// list it changed is settled through its commit and all batches before it are
// delivered. The position itself is not stored: it is what stands before the
// first batch row that is left. Thread-safe.
class ExportProgress {
 public:
  explicit ExportProgress(Core& core) : core_(core) {}

  // One step of progress. Only one is made at a time: the object holds the
  // others off. The user must hold `use` of the tables.
  class Step {
   public:
    explicit Step(ExportProgress& progress);

    // Puts what follows from settling `list` through `through`, and from the
    // end of these full syncs of it, into the set.
    absl::Status Settle(ListNumber list, CommitNumber through,
                        std::vector<FullSyncNumber> ended, WriteSet& set);
    // The same for exports that wait for no list.
    absl::Status Release(const std::vector<ExportState*>& exports,
                         WriteSet& set);
    bool empty() const { return moved_.empty(); }
    // The set was written: moves the positions and notes the calls of their
    // listeners. With the lock of the tables held.
    void Publish(absl::Time now);

   private:
    absl::Status ReleaseOne(ExportState* state, WriteSet& set);
    bool FindUnsettled(const UndeliveredBatch& batch, ListNumber* list,
                       CommitNumber* commit);
    // The same for what its statements led to.
    bool FindUnknown(const UndeliveredBatch& batch,
                     DestinationNumber destination, ListNumber* list,
                     CommitNumber* commit);
    absl::Status ReadWindow(ExportState* state, int64_t first, int64_t last);

    ExportProgress& progress_;
    absl::MutexLock lock_;
    // The list that is being settled.
    ListNumber list_ = 0;
    CommitNumber through_ = 0;
    std::vector<FullSyncNumber> ended_;
    std::vector<ExportState*> moved_;
  };

  // Moves exports whose next batch changed no list: releases, writes (not
  // synced) and publishes. Takes `use` itself.
  absl::Status Release(const std::vector<ExportName>& exports);

 private:
  Core& core_;
  absl::Mutex mutex_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_EXPORT_PROGRESS_H_
