#ifndef CONNECTOR_DELIVERY_PEOPLE_SORTER_H_
#define CONNECTOR_DELIVERY_PEOPLE_SORTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connector/delivery/sort_budget.h"
#include "connector/membership/people.h"

namespace connector::delivery {

// The sort of what is brought into people: in bounded memory, the rest in
// temporary files without a name.
class SpillingPeopleSorter final : public membership::PeopleSorter {
 public:
  // `budget` must outlive the sorter.
  SpillingPeopleSorter(SortBudget* budget, std::string spill_directory);
  ~SpillingPeopleSorter() override;

  absl::Status Add(const Item& item) override;
  absl::Status Finish() override;
  absl::StatusOr<bool> Next(Item* item) override;

  // Without asking the budget.
  static constexpr int64_t kFreeBytes = 512 << 10;
  // The step in which it is asked.
  static constexpr int64_t kStepBytes = 4 << 20;

 private:
  class Chunk;
  struct Entry {
    uint64_t prefix;
    membership::EventOrder order;
    uint32_t offset;
    uint32_t size;
    uint8_t key_size;
  };
  Item At(const Entry& entry) const;
  size_t used() const {
    return bytes_.size() + entries_.size() * sizeof(Entry);
  }
  void Sort();
  absl::Status Spill();
  // Of all chunks one.
  absl::Status MergeChunks();
  absl::Status StartMerge();
  absl::StatusOr<bool> NextMerged(Item* item);

  // Chunks that are merged into one when there are so many.
  static constexpr size_t kMaxChunks = 32;

  SortBudget* const budget_;
  const std::string spill_directory_;
  int64_t taken_ = 0;
  std::string bytes_;
  std::vector<Entry> entries_;
  size_t next_ = 0;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  // Places in chunks_, the smallest item on top.
  std::vector<size_t> heap_;
  bool advance_top_ = false;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_PEOPLE_SORTER_H_
