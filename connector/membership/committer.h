#ifndef CONNECTOR_MEMBERSHIP_COMMITTER_H_
#define CONNECTOR_MEMBERSHIP_COMMITTER_H_

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "connector/membership/commit_group.h"
#include "connector/membership/export_progress.h"
#include "connector/membership/full_sync_part.h"
#include "connector/membership/intake.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The intake view: a queue of batches and one thread that commits what has come
// together while the last group was written.
class Committer final : public Intake {
 public:
  Committer(Core& core, ExportProgress& progress, RejectionLog& rejections,
            FullSyncPart& full_syncs);
  // Commits what is queued, then stops.
  ~Committer() override;

  absl::StatusOr<OpenedExport> OpenExport(
      DestinationNumber destination, absl::string_view export_id,
      std::weak_ptr<ExportListener> listener) override;
  void Commit(Batch batch, CommitGroup::Done done) override;
  std::vector<ExportPosition> Exports(DestinationNumber destination) override;
  absl::Status Healthy() override;

 private:
  struct Queued {
    Batch batch;
    CommitGroup::Done done;
  };

  void Run();
  // Waits for batches; empty when it is time to stop.
  std::vector<Queued> NextGroup();

  Core& core_;
  ExportProgress& progress_;
  RejectionLog& rejections_;
  FullSyncPart& full_syncs_;
  absl::Mutex mutex_;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_COMMITTER_H_
