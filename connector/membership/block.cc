#include "connector/membership/block.h"

#include <algorithm>

#include "connector/membership/damage.h"
#include "connector/membership/record_bytes.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

using identity_mapping::RecordKind;
using identity_mapping::RecordView;

constexpr uint8_t kVersion = 1;
constexpr uint8_t kKindMask = 0x07;
constexpr int kStateShift = 3;
constexpr uint8_t kStateMask = 0x07;
constexpr uint8_t kReserved = 0x40;
constexpr uint8_t kUnconfirmed = 0x80;

}  // namespace

std::strong_ordering CompareEntry(const BlockEntry& entry, RecordView record) {
  const uint8_t kind = static_cast<uint8_t>(record.kind());
  if (entry.kind != kind) return entry.kind <=> kind;
  return entry.payload.compare(record.payload()) <=> 0;
}

BlockReader::BlockReader(absl::string_view value, Form form) : form_(form) {
  WireReader wire(value);
  const uint8_t version = wire.Byte();
  const uint8_t flags = wire.Byte();
  const uint64_t epoch = wire.Varint();
  left_ = wire.Varint();
  data_ = wire.rest().data();
  end_ = data_ + wire.rest().size();
  epoch_ = static_cast<uint32_t>(epoch);
  if (!wire.ok() || version != kVersion ||
      flags != static_cast<uint8_t>(form) || epoch != epoch_ ||
      left_ > wire.rest().size()) {
    Damaged();
  }
}

void BlockReader::Damaged() {
  status_ = membership::Damaged("a stored block cannot be read");
  left_ = 0;
}

bool BlockReader::Next(BlockEntry* entry) {
  if (left_ == 0) {
    if (data_ != end_ && status_.ok()) Damaged();
    return false;
  }
  if (data_ == end_) {
    Damaged();
    return false;
  }
  const char* const begin = data_;
  const uint8_t head = static_cast<uint8_t>(*begin);
  const uint8_t state = (head >> kStateShift) & kStateMask;
  entry->kind = head & kKindMask;
  entry->unconfirmed = (head & kUnconfirmed) != 0;
  const char* payload = nullptr;
  size_t size = 0;
  const char* next = ReadPayload(entry->kind, begin + 1, end_, &payload, &size);
  entry->gone = state == 0 && form_ == Form::kChange;
  if (next == nullptr || (head & kReserved) != 0 ||
      (state < static_cast<uint8_t>(DeliveredState::kThere) && !entry->gone) ||
      state > static_cast<uint8_t>(DeliveredState::kAbsentSince)) {
    Damaged();
    return false;
  }
  entry->state = static_cast<DeliveredState>(state);
  entry->payload = absl::string_view(payload, size);
  entry->absent_since = 0;
  if (entry->state == DeliveredState::kAbsentSince) {
    WireReader wire(absl::string_view(next, end_ - next));
    entry->absent_since = static_cast<int64_t>(wire.Varint());
    if (!wire.ok()) {
      Damaged();
      return false;
    }
    next = wire.rest().data();
  }
  entry->stored = absl::string_view(begin, next - begin);
  data_ = next;
  --left_;
  return true;
}

void EntryBytes::AppendBytes(absl::string_view stored) {
  bytes_.append(stored.data(), stored.size());
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
}

void EntryBytes::AppendRecord(uint8_t head, RecordView record) {
  bytes_.push_back(static_cast<char>(head));
  absl::string_view payload = record.payload();
  if (record.kind() == RecordKind::kOpaque) {
    bytes_.push_back(static_cast<char>(payload.size()));
  }
  bytes_.append(payload.data(), payload.size());
}

void EntryBytes::AppendGone(RecordView record) {
  AppendRecord(static_cast<uint8_t>(record.kind()), record);
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
}

void EntryBytes::Append(RecordView record, DeliveredState state,
                        int64_t absent_since) {
  AppendRecord(static_cast<uint8_t>(static_cast<uint8_t>(record.kind()) |
                                    static_cast<uint8_t>(state) << kStateShift),
               record);
  if (state == DeliveredState::kAbsentSince) {
    AppendVarint(&bytes_,
                 static_cast<uint64_t>(std::max(absent_since, int64_t{0})));
  }
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
}

void EntryBytes::AppendUnconfirmed(const BlockEntry& entry) {
  const size_t begin = bytes_.size();
  AppendBytes(entry.stored);
  bytes_[begin] =
      static_cast<char>(static_cast<uint8_t>(bytes_[begin]) | kUnconfirmed);
}

void EntryBytes::AppendAll(const EntryBytes& other) {
  const uint32_t base = static_cast<uint32_t>(bytes_.size());
  bytes_ += other.bytes_;
  ends_.reserve(ends_.size() + other.ends_.size());
  for (uint32_t end : other.ends_) ends_.push_back(base + end);
}

void EntryBytes::Clear() {
  bytes_.clear();
  ends_.clear();
}

size_t EntryBytes::EndOfPiece(size_t first, size_t bytes) const {
  const size_t target = begin(first) + bytes;
  const auto end = std::lower_bound(ends_.begin() + first, ends_.end(), target);
  if (end == ends_.end()) return ends_.size();
  return static_cast<size_t>(end - ends_.begin()) + 1;
}

std::string EntryBytes::Block(uint32_t epoch, size_t first, size_t end) const {
  return Value(static_cast<uint8_t>(BlockReader::Form::kBlock), epoch, first,
               end);
}

std::string EntryBytes::Change(uint32_t epoch) const {
  return Value(static_cast<uint8_t>(BlockReader::Form::kChange), epoch, 0,
               entries());
}

std::string EntryBytes::Value(uint8_t flags, uint32_t epoch, size_t first,
                              size_t end) const {
  const size_t from = begin(first);
  const size_t size = begin(end) - from;
  std::string block;
  block.reserve(size + 16);
  block.push_back(static_cast<char>(kVersion));
  block.push_back(static_cast<char>(flags));
  AppendVarint(&block, epoch);
  AppendVarint(&block, end - first);
  block.append(bytes_, from, size);
  return block;
}

std::string EntryBytes::EncodedRecord(size_t index) const {
  const size_t from = begin(index);
  const char* payload = nullptr;
  size_t size = 0;
  const uint8_t kind = static_cast<uint8_t>(bytes_[from]) & kKindMask;
  ReadPayload(kind, bytes_.data() + from + 1, bytes_.data() + bytes_.size(),
              &payload, &size);
  std::string encoded(1, static_cast<char>(kind));
  encoded.append(payload, size);
  return encoded;
}

EntryBytes EntryBytes::Slice(size_t first, size_t end) const {
  EntryBytes slice;
  const uint32_t from = static_cast<uint32_t>(begin(first));
  slice.bytes_ = bytes_.substr(from, begin(end) - from);
  slice.ends_.reserve(end - first);
  for (size_t i = first; i < end; ++i) slice.ends_.push_back(ends_[i] - from);
  return slice;
}

}  // namespace connector::membership
