#ifndef CONNECTOR_MEMBERSHIP_SORTED_BLOCKS_H_
#define CONNECTOR_MEMBERSHIP_SORTED_BLOCKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/membership/database.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// Entries (key, value) in ascending order, a few kilobytes of them in one value
// of the family "people". A block covers the keys from its lower bound, which
// ends its own key, to the next block's.
//
// Stored form: byte version (1); varint entries; then for each, bytes key and
// bytes value.
class SortedBlockReader {
 public:
  SortedBlockReader() = default;
  // `value` must outlive it. DATA_LOSS shows in status().
  explicit SortedBlockReader(absl::string_view value);
  bool Next(absl::string_view* key, absl::string_view* value);
  const absl::Status& status() const { return status_; }

 private:
  absl::string_view rest_;
  uint64_t left_ = 0;
  absl::Status status_;
};

// One walk over the blocks of one prefix, in ascending order: looks entries up
// and changes them; each block is read once and written once. For one use;
// nobody else may write these blocks meanwhile, and after the set was written
// another walk has to begin.
class SortedBlocks {
 public:
  SortedBlocks(Database& database, const StoreTuning& tuning,
               std::string prefix, WriteSet& set);

  // The value of a key, nullptr if it has none; valid until the next call. Keys
  // must ascend.
  absl::StatusOr<const absl::string_view*> Find(absl::string_view key);
  // Change the entry of the key that was looked up last. At most one of them.
  void Put(absl::string_view value);
  void Erase();
  // Puts what is left into the set.
  absl::Status Finish();

 private:
  absl::Status Locate(absl::string_view key);
  void Load();
  bool Covers(absl::string_view key) const;
  void ReadEntry();
  void Append(absl::string_view key, absl::string_view value);
  absl::Status FinishBlock();
  // Puts out what is complete: all of it, or but the last piece.
  void Emit(bool all);

  Database& database_;
  const StoreTuning& tuning_;
  const std::string prefix_;
  WriteSet& set_;
  Scan scan_;
  bool located_ = false;
  bool changed_ = false;
  // The block at hand; one that is not stored covers what no block does.
  bool open_ = false;
  bool stored_ = false;
  std::string block_key_;
  std::string value_;
  SortedBlockReader reader_;
  bool have_entry_ = false;
  absl::string_view entry_key_;
  absl::string_view entry_value_;
  // The key that was looked up.
  std::string key_;
  bool found_ = false;
  // What the block will hold: entries in their stored form, and where each
  // begins.
  std::string out_;
  std::vector<uint32_t> begins_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_SORTED_BLOCKS_H_
