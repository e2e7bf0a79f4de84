#ifndef CONNECTOR_MEMBERSHIP_BLOCK_H_
#define CONNECTOR_MEMBERSHIP_BLOCK_H_

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// A block: a few kilobytes of the delivered state of one list, in ascending
// order of record. It covers everything from its lower bound (in its key) to
// the lower bound of the next block.
//
// Stored form:
//   byte version (1); byte flags (0);
//   epoch, number of entries (varints);
//   entries: byte (kind, bits 0-2 | state, bits 3-5 | unconfirmed, bit 7),
//   payload (with a length byte before it if the kind has no fixed length),
//   and for kAbsentSince a varint of Unix seconds.
//
// Changes that are stored on top of a block have nearly the same form
// (block_change.h).

// One entry as it stands in a block. Views point into the block's value.
struct BlockEntry {
  uint8_t kind = 0;
  absl::string_view payload;
  DeliveredState state = DeliveredState::kThere;
  // By its own mark; an entry of a block of an older epoch is not believed
  // whatever its mark says.
  bool unconfirmed = false;
  // Unix seconds; of kAbsentSince only.
  int64_t absent_since = 0;
  // In a change only: the record has no entry any more.
  bool gone = false;
  // All of it as stored.
  absl::string_view stored;
};

// The order of records, without putting the entry's encoded form together.
std::strong_ordering CompareEntry(const BlockEntry& entry,
                                  identity_mapping::RecordView record);

// Reads one stored block. `value` must outlive the reader.
class BlockReader {
 public:
  enum class Form : uint8_t { kBlock = 0, kChange = 1 };

  BlockReader() = default;
  // DATA_LOSS shows in status(), and then there is no entry.
  explicit BlockReader(absl::string_view value, Form form = Form::kBlock);

  uint32_t epoch() const { return epoch_; }
  // Entries that Next() has not given yet.
  uint64_t left() const { return left_; }
  bool Next(BlockEntry* entry);
  const absl::Status& status() const { return status_; }

 private:
  void Damaged();

  const char* data_ = nullptr;
  const char* end_ = nullptr;
  uint64_t left_ = 0;
  uint32_t epoch_ = 0;
  Form form_ = Form::kBlock;
  absl::Status status_;
};

// Entries in their stored form, one behind the other.
class EntryBytes {
 public:
  // Appends an entry that was just confirmed.
  void Append(identity_mapping::RecordView record, DeliveredState state,
              int64_t absent_since);
  // Appends that the record has no entry; of a change only.
  void AppendGone(identity_mapping::RecordView record);
  // Appends an entry as it is.
  void AppendStored(const BlockEntry& entry) { AppendBytes(entry.stored); }
  // Appends an entry and marks it as not believed.
  void AppendUnconfirmed(const BlockEntry& entry);
  void AppendAll(const EntryBytes& other);
  void Clear();

  bool empty() const { return ends_.empty(); }
  size_t entries() const { return ends_.size(); }
  size_t bytes() const { return bytes_.size(); }
  // One past the entry with which the entries from `first` on reach `bytes`;
  // all entries if they do not.
  size_t EndOfPiece(size_t first, size_t bytes) const;
  size_t BytesOf(size_t first, size_t end) const {
    return begin(end) - begin(first);
  }
  // The value of a block of the entries [first, end).
  std::string Block(uint32_t epoch, size_t first, size_t end) const;
  // The value of a change of all entries.
  std::string Change(uint32_t epoch) const;
  // The encoded form of the record of one entry.
  std::string EncodedRecord(size_t index) const;
  // A copy of [first, end).
  EntryBytes Slice(size_t first, size_t end) const;

 private:
  void AppendBytes(absl::string_view stored);
  void AppendRecord(uint8_t head, identity_mapping::RecordView record);
  std::string Value(uint8_t flags, uint32_t epoch, size_t first,
                    size_t end) const;
  size_t begin(size_t index) const { return index == 0 ? 0 : ends_[index - 1]; }

  std::string bytes_;
  std::vector<uint32_t> ends_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_BLOCK_H_
