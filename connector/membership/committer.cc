#include "connector/membership/committer.h"

#include "connector/base/crash_point.h"
#include "connector/base/error.h"

namespace connector::membership {

Committer::Committer(Core& core, ExportProgress& progress,
                     RejectionLog& rejections, FullSyncPart& full_syncs)
    : core_(core),
      progress_(progress),
      rejections_(rejections),
      full_syncs_(full_syncs),
      thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Committer::Commit(Batch batch, CommitGroup::Done done) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back({std::move(batch), std::move(done)});
}

std::vector<Committer::Queued> Committer::NextGroup() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](Committer* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mutex_) {
        return self->stopping_ || !self->queue_.empty();
      },
      this));
  std::vector<Queued> group;
  size_t bytes = 0;
  while (!queue_.empty() && bytes < core_.tuning.group_bytes &&
         group.size() < core_.tuning.group_batches) {
    for (const SegmentChanges& changes : queue_.front().batch.segments) {
      bytes += changes.run.bytes();
    }
    bytes += queue_.front().batch.statements.bytes();
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void Committer::Run() {
  for (;;) {
    std::vector<Queued> queued = NextGroup();
    if (queued.empty()) return;
    CommitGroup group(core_, rejections_);
    for (Queued& each : queued) {
      group.Take(std::move(each.batch), std::move(each.done));
    }
    queued.clear();
    group.Commit();
    group.Answer();
    ReachCrashPoint(CrashPoint::kCommitAcknowledged);
    if (!group.ended_full_syncs().empty()) {
      full_syncs_.Clean(group.ended_full_syncs()).IgnoreError();
    }
    if (!group.released().empty()) {
      // A failure is the store's and has been told.
      progress_.Release(group.released()).IgnoreError();
    }
    core_.notifier.Deliver();
  }
}

absl::StatusOr<OpenedExport> Committer::OpenExport(
    DestinationNumber destination, absl::string_view export_id,
    std::weak_ptr<ExportListener> listener) {
  if (export_id.empty()) return FieldError("export_id", "must not be empty");
  Tables& tables = core_.tables;
  const absl::Time now = core_.clock.Now();
  OpenedExport opened;
  {
    absl::MutexLock lock(&tables.mutex);
    if (tables.FindDestination(destination) == nullptr) {
      return DestinationNotFound();
    }
    ExportState* state = tables.exports.Find(destination, export_id);
    if (state != nullptr && state->Forgettable(now, core_.export_expiry)) {
      state->StartAnew();
    }
    if (state != nullptr && state->ended) {
      ErrorDetail detail;
      detail.reason = "EXPORT_ENDED";
      detail.metadata["lastSequenceNumber"] = std::to_string(state->durable);
      detail.metadata["deliveredSequenceNumber"] =
          std::to_string(state->delivered);
      return MakeError(absl::StatusCode::kFailedPrecondition,
                       "the export has ended", detail);
    }
    if (state == nullptr) {
      core_.tables.mutex.AssertHeld();
      absl::StatusOr<ExportState*> made =
          MakeExport(core_, destination, export_id, now);
      if (!made.ok()) return made.status();
      state = *made;
    }
    state->last_activity = now;
    state->fence = opened.fence = tables.next_fence++;
    core_.notifier.Note([old = std::move(state->listener)] {
      if (std::shared_ptr<ExportListener> fenced = old.lock()) {
        fenced->OnFenced();
      }
    });
    state->listener = std::move(listener);
    ReachCrashPoint(CrashPoint::kExportFenced);
    // What an older stream has on its way is stored or refused before the
    // position is told, so that it cannot come as a surprise behind it.
    tables.WaitForGroup();
    if (tables.FindDestination(destination) == nullptr) {
      return DestinationNotFound();
    }
    state = tables.exports.Find(destination, export_id);
    // Whether it is fenced meanwhile shows at its first commit.
    if (state == nullptr) return absl::AbortedError("the export is gone");
    opened.position = state->position();
    ReachCrashPoint(CrashPoint::kExportOpened);
  }
  core_.notifier.Deliver();
  return opened;
}

std::vector<ExportPosition> Committer::Exports(DestinationNumber destination) {
  const absl::Time now = core_.clock.Now();
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<ExportPosition> positions;
  if (core_.tables.FindDestination(destination) == nullptr) return positions;
  for (const ExportState* state :
       core_.tables.exports.OfDestination(destination)) {
    if (!state->Forgettable(now, core_.export_expiry)) {
      positions.push_back(state->position());
    }
  }
  return positions;
}

absl::Status Committer::Healthy() {
  if (absl::Status s = core_.database.Healthy(); !s.ok()) return s;
  return core_.CheckDisk(core_.clock.Now());
}

}  // namespace connector::membership
