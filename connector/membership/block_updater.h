#ifndef CONNECTOR_MEMBERSHIP_BLOCK_UPDATER_H_
#define CONNECTOR_MEMBERSHIP_BLOCK_UPDATER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "connector/membership/block.h"
#include "connector/membership/database.h"
#include "connector/membership/tables.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// What becomes of one record.
struct BlockUpdate {
  identity_mapping::RecordView record;
  // nullopt: its entry goes.
  std::optional<DeliveredState> state;
  // Unix seconds; for kAbsentSince.
  int64_t absent_since = 0;
};

// Changes the delivered state of one list: one walk over the updates and the
// blocks they touch, in ascending order, each block read once and written once,
// as a whole or, if little of it changes, as a change on top of it.
// Blocks are kept near their target size: split when they grow, joined with the
// neighbour when an update leaves both small, deleted when empty.
//
// For one use, by one thread; nobody else may write the list's blocks
// meanwhile.
class BlockUpdater {
 public:
  BlockUpdater(Database& database, const StoreTuning& tuning, ListNumber list,
               uint32_t epoch, WriteSet& set);

  // Puts the changes into the set. Whenever the set is large, `write_piece` is
  // called: it must write the set and clear it. What is in the set at the end
  // is left to the caller. `updates` ascend, without repeats; as a whole they
  // are held in memory once more.
  absl::Status Apply(absl::Span<const BlockUpdate> updates,
                     const std::function<absl::Status()>& write_piece);

  // By how much the number of entries that are there has changed in what the
  // set holds. Reading it sets it back.
  int64_t TakeMembersDelta();

 private:
  // Finds the block that covers the record, and stands the scan behind it.
  absl::Status Locate(identity_mapping::RecordView record);
  void LoadAndStep();
  // Merges the updates that the current block covers; returns how many.
  absl::StatusOr<size_t> Merge(absl::Span<const BlockUpdate> updates);
  void Emit();
  void FlushHold();
  bool Covers(identity_mapping::RecordView record) const {
    return !scan_.valid() || record.encoded() < BlockLowerBound(scan_.key());
  }

  Database& database_;
  const StoreTuning& tuning_;
  const ListNumber list_;
  const uint32_t epoch_;
  WriteSet& set_;
  Scan scan_;
  bool located_ = false;
  // Neighbouring blocks are touched one after another.
  bool dense_ = true;

  // The current block. One that is not stored covers what no block does, before
  // the first one.
  std::string key_;
  std::string value_;
  bool stored_ = false;
  // Its entries after the updates, and whether they differ.
  EntryBytes entries_;
  bool changed_ = false;
  // What differs.
  EntryBytes changes_;

  // The newest block that is not in the set yet, as the next may join it.
  // Covers up to hold_end_ (a block key; empty at the end of the list).
  bool holding_ = false;
  std::string hold_key_;
  bool hold_stored_ = false;
  EntryBytes hold_;
  std::string hold_end_;

  int64_t members_delta_ = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_BLOCK_UPDATER_H_
