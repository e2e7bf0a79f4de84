#ifndef CONNECTOR_DELIVERY_CHANGE_SORTER_H_
#define CONNECTOR_DELIVERY_CHANGE_SORTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "connector/delivery/netting.h"
#include "connector/delivery/sort_budget.h"
#include "connector/delivery/sorted_change.h"
#include "connector/delivery/spill_file.h"

namespace connector::delivery {

// Changes of one kind, ascending by record, each record once. In memory if they
// fitted, otherwise in a temporary file. Immutable.
class SortedChanges {
 public:
  SortedChanges() = default;
  SortedChanges(SortedChanges&&) = default;
  SortedChanges& operator=(SortedChanges&&) = default;

  int64_t count() const { return count_; }

  // Reads from the front; the changes must outlive it.
  class Reader {
   public:
    explicit Reader(const SortedChanges& changes);
    // False at the end. The view in `change` is valid until the next call.
    absl::StatusOr<bool> Next(SortedChange* change);

   private:
    const SortedChanges* changes_;
    size_t next_ = 0;
    std::unique_ptr<SpillFile::Reader> file_;
  };

  // Makes changes that come in ascending order, once each.
  class Writer {
   public:
    explicit Writer(std::string spill_directory)
        : spill_directory_(std::move(spill_directory)) {}

    absl::Status Append(const SortedChange& change);
    absl::StatusOr<SortedChanges> Finish();

   private:
    const std::string spill_directory_;
    int64_t count_ = 0;
    std::unique_ptr<SpillFile> file_;
  };

 private:
  friend class ChangeSorter;
  struct Memory;

  int64_t count_ = 0;
  std::shared_ptr<const Memory> memory_;
  std::vector<uint32_t> indices_;
  std::unique_ptr<SpillFile> file_;
};

// The last event of each record among the changes of a pass.
struct NettedChanges {
  SortedChanges removals;
  SortedChanges additions;
  // Counted changes that a later one of the same record overtook or that were
  // held back, and replays of which the same is true.
  int64_t superseded = 0;
  int64_t overtaken_replays = 0;
};

// Sorts changes by record in bounded memory and keeps of each the event that
// stands (netting.h). Use: Add in any order, then Finish once. Not thread-safe.
class ChangeSorter {
 public:
  // `budget` must outlive the sorter and what it made.
  ChangeSorter(SortBudget* budget, std::string spill_directory,
               absl::Duration late_addition_window = absl::ZeroDuration());
  ~ChangeSorter();

  absl::Status Add(const SortedChange& change);
  absl::StatusOr<NettedChanges> Finish();

  // Without asking the budget: what a pass may always use.
  static constexpr int64_t kFreeBytes = 512 << 10;
  // The step in which it is asked.
  static constexpr int64_t kStepBytes = 4 << 20;

 private:
  struct Chunk {
    std::unique_ptr<SpillFile> file;
    // How often its changes were joined.
    int level;
  };

  absl::Status Spill();
  // Keeps chunks few, as a merge has all of its files open.
  absl::Status JoinChunks();
  // Merges the chunks from the first on: everything, or of each record the
  // event that stands.
  absl::Status Merge(
      size_t first, bool net,
      absl::FunctionRef<absl::Status(const SortedChange&)> write);

  // Chunks of one level that are joined when there are so many: each change is
  // written again once for each power of this.
  static constexpr size_t kJoinedChunks = 16;

  SortBudget* const budget_;
  const std::string spill_directory_;
  std::shared_ptr<SortedChanges::Memory> memory_;
  // The highest level first.
  std::vector<Chunk> chunks_;
  Netting netting_;
  // A change with a time was added.
  bool timed_ = false;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_CHANGE_SORTER_H_
