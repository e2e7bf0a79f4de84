#ifndef CONNECTOR_INGEST_FAKE_INTAKE_H_
#define CONNECTOR_INGEST_FAKE_INTAKE_H_

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "connector/base/error.h"
#include "connector/ingest/read_changes.h"
#include "connector/membership/intake.h"

namespace connector::ingest {

// An Intake in memory, for tests: one thread commits and tells listeners, in
// order, as the store's does. Thread-safe.
class FakeIntake : public membership::Intake {
 public:
  FakeIntake() : worker_([this] { Work(); }) {}
  ~FakeIntake() override {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      held_ = false;
    }
    worker_.join();
  }

  absl::StatusOr<membership::OpenedExport> OpenExport(
      membership::DestinationNumber destination, absl::string_view export_id,
      std::weak_ptr<membership::ExportListener> listener) override {
    absl::MutexLock lock(&mutex_);
    Export& open = exports_[Key(destination, export_id)];
    if (open.position.ended) return Ended();
    if (open.fence != 0) {
      tasks_.push_back([old = open.listener] {
        if (auto alive = old.lock()) alive->OnFenced();
      });
    }
    open.position.export_id = std::string(export_id);
    open.fence = ++last_fence_;
    open.listener = std::move(listener);
    return membership::OpenedExport{open.position, open.fence};
  }

  void Commit(membership::Batch batch,
              std::function<void(absl::StatusOr<membership::CommitOutcome>)>
                  done) override {
    absl::MutexLock lock(&mutex_);
    ++waiting_;
    auto shared = std::make_shared<membership::Batch>(std::move(batch));
    commits_.push_back([this, shared, done = std::move(done)] {
      absl::StatusOr<membership::CommitOutcome> outcome = Take(*shared);
      done(std::move(outcome));
    });
  }

  std::vector<membership::ExportPosition> Exports(
      membership::DestinationNumber) override {
    absl::MutexLock lock(&mutex_);
    std::vector<membership::ExportPosition> all;
    for (const auto& [key, open] : exports_) all.push_back(open.position);
    return all;
  }

  absl::Status Healthy() override { return absl::OkStatus(); }

  // While held, nothing becomes durable; listeners are still told.
  void Hold() {
    absl::MutexLock lock(&mutex_);
    held_ = true;
  }
  void Release() {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }
  // The next commit fails with this.
  void FailNext(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    next_failure_ = std::move(status);
  }
  // Everything of the export up to a batch is settled.
  void Deliver(membership::DestinationNumber destination,
               absl::string_view export_id, int64_t sequence_number) {
    absl::MutexLock lock(&mutex_);
    Export& open = exports_[Key(destination, export_id)];
    open.position.delivered = sequence_number;
    tasks_.push_back([listener = open.listener, sequence_number] {
      if (auto alive = listener.lock()) alive->OnDelivered(sequence_number);
    });
  }
  // Waits until that many commits wait to become durable.
  void AwaitWaiting(int count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return waiting_ >= count;
    };
    mutex_.Await(absl::Condition(&enough));
  }
  int waiting() {
    absl::MutexLock lock(&mutex_);
    return waiting_;
  }
  int committed() {
    absl::MutexLock lock(&mutex_);
    return committed_;
  }
  // The last event of every record on every list.
  std::map<std::pair<membership::SegmentNumber, std::string>,
           membership::Change>
  last_events() {
    absl::MutexLock lock(&mutex_);
    return last_events_;
  }

 private:
  struct Export {
    membership::ExportPosition position;
    uint64_t fence = 0;
    std::weak_ptr<membership::ExportListener> listener;
    std::array<uint8_t, 16> last_digest = {};
  };

  static std::string Key(membership::DestinationNumber destination,
                         absl::string_view export_id) {
    return absl::StrCat(destination, "/", export_id);
  }
  static absl::Status Ended() {
    return MakeError(absl::StatusCode::kFailedPrecondition, "EXPORT_ENDED",
                     "the export has ended");
  }

  absl::StatusOr<membership::CommitOutcome> Take(
      const membership::Batch& batch) {
    absl::MutexLock lock(&mutex_);
    --waiting_;
    if (!next_failure_.ok()) return std::exchange(next_failure_, {});
    membership::CommitOutcome outcome;
    if (!batch.export_id.empty()) {
      Export& open = exports_[Key(batch.destination, batch.export_id)];
      membership::ExportPosition& position = open.position;
      position.export_id = batch.export_id;
      if (batch.fence != 0 && batch.fence != open.fence) {
        return MakeError(absl::StatusCode::kAborted, "STREAM_FENCED", "fenced");
      }
      if (position.ended) return Ended();
      if (batch.end_of_export) {
        if (batch.sequence_number != position.durable) return Gap(position);
        position.ended = true;
        outcome.position = position;
        return outcome;
      }
      if (batch.sequence_number > position.durable + 1) return Gap(position);
      if (batch.sequence_number <= position.durable) {
        if (batch.sequence_number == position.durable &&
            batch.digest != open.last_digest) {
          return MakeError(absl::StatusCode::kInvalidArgument,
                           "SEQUENCE_REUSED", "other content");
        }
        outcome.repeat = true;
        outcome.position = position;
        return outcome;
      }
      position.durable = batch.sequence_number;
      open.last_digest = batch.digest;
      outcome.position = position;
    }
    for (const membership::SegmentChanges& changes : batch.segments) {
      for (const ReadChange& change : ReadChanges(changes)) {
        last_events_[{changes.segment, change.record}] = change.change;
      }
    }
    ++committed_;
    return outcome;
  }

  static absl::Status Gap(const membership::ExportPosition& position) {
    ErrorDetail detail;
    detail.reason = "SEQUENCE_GAP";
    detail.metadata["expected"] = absl::StrCat(position.durable + 1);
    return MakeError(absl::StatusCode::kOutOfRange, "gap", detail);
  }

  void Work() {
    for (;;) {
      std::function<void()> task;
      {
        absl::MutexLock lock(&mutex_);
        const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          return stopping_ || !tasks_.empty() || (!held_ && !commits_.empty());
        };
        mutex_.Await(absl::Condition(&ready));
        std::deque<std::function<void()>>& queue =
            tasks_.empty() ? commits_ : tasks_;
        if (queue.empty()) return;
        task = std::move(queue.front());
        queue.pop_front();
      }
      task();
    }
  }

  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> commits_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  int committed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_fence_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status next_failure_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Export> exports_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<membership::SegmentNumber, std::string>,
           membership::Change>
      last_events_ ABSL_GUARDED_BY(mutex_);
  std::thread worker_;
};

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_FAKE_INTAKE_H_
