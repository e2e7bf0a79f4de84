#include "connector/membership/sorted_blocks.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/membership/damage.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

constexpr uint8_t kVersion = 1;

// From so many bytes on, what is complete of a block that grows is put out.
constexpr size_t kLargeBlock = 64 << 10;

}  // namespace

SortedBlockReader::SortedBlockReader(absl::string_view value) {
  WireReader wire(value);
  const uint8_t version = wire.Byte();
  left_ = wire.Varint();
  rest_ = wire.rest();
  if (!wire.ok() || version != kVersion) {
    status_ = Damaged("a stored block of people is damaged");
    left_ = 0;
  }
}

bool SortedBlockReader::Next(absl::string_view* key, absl::string_view* value) {
  if (left_ == 0) {
    if (!rest_.empty() && status_.ok()) {
      status_ = Damaged("a stored block of people is damaged");
    }
    return false;
  }
  WireReader wire(rest_);
  *key = wire.Bytes();
  *value = wire.Bytes();
  if (!wire.ok()) {
    status_ = Damaged("a stored block of people is damaged");
    left_ = 0;
    return false;
  }
  rest_ = wire.rest();
  --left_;
  return true;
}

SortedBlocks::SortedBlocks(Database& database, const StoreTuning& tuning,
                           std::string prefix, WriteSet& set)
    : database_(database),
      tuning_(tuning),
      prefix_(std::move(prefix)),
      set_(set),
      scan_(database, Family::kPeople, PrefixRange(prefix_)) {}

bool SortedBlocks::Covers(absl::string_view key) const {
  return !scan_.valid() || key < scan_.key().substr(prefix_.size());
}

void SortedBlocks::Load() {
  const absl::string_view key = scan_.key();
  const absl::string_view value = scan_.value();
  block_key_.assign(key.data(), key.size());
  value_.assign(value.data(), value.size());
  stored_ = true;
  scan_.Next();
}

absl::Status SortedBlocks::Locate(absl::string_view key) {
  bool found = false;
  if (located_ && scan_.valid()) {
    // The key is not below the block that the scan stands at.
    Load();
    found = Covers(key);
  }
  located_ = true;
  if (!found) {
    scan_.SeekForPrev(absl::StrCat(prefix_, key));
    if (scan_.valid()) {
      Load();
    } else {
      if (absl::Status s = scan_.status(); !s.ok()) return s;
      block_key_ = prefix_;
      value_.clear();
      stored_ = false;
      scan_.SeekToFirst();
    }
  }
  if (absl::Status s = scan_.status(); !s.ok()) return s;
  reader_ = stored_ ? SortedBlockReader(value_) : SortedBlockReader();
  open_ = true;
  changed_ = false;
  ReadEntry();
  return absl::OkStatus();
}

void SortedBlocks::ReadEntry() {
  have_entry_ = reader_.Next(&entry_key_, &entry_value_);
}

void SortedBlocks::Append(absl::string_view key, absl::string_view value) {
  begins_.push_back(static_cast<uint32_t>(out_.size()));
  AppendBytes(&out_, key);
  AppendBytes(&out_, value);
}

absl::StatusOr<const absl::string_view*> SortedBlocks::Find(
    absl::string_view key) {
  if (open_ && !Covers(key)) {
    if (absl::Status s = FinishBlock(); !s.ok()) return s;
  }
  if (!open_) {
    if (absl::Status s = Locate(key); !s.ok()) return s;
  }
  while (have_entry_ && entry_key_ < key) {
    Append(entry_key_, entry_value_);
    ReadEntry();
  }
  if (!reader_.status().ok()) return reader_.status();
  if (out_.size() >= kLargeBlock && changed_) Emit(/*all=*/false);
  key_.assign(key.data(), key.size());
  found_ = have_entry_ && entry_key_ == key;
  return found_ ? &entry_value_ : nullptr;
}

void SortedBlocks::Put(absl::string_view value) {
  if (found_ && entry_value_ == value) return;
  changed_ = true;
  Append(key_, value);
  if (found_) ReadEntry();
  found_ = false;
}

void SortedBlocks::Erase() {
  if (!found_) return;
  changed_ = true;
  ReadEntry();
  found_ = false;
}

absl::Status SortedBlocks::FinishBlock() {
  while (have_entry_) {
    Append(entry_key_, entry_value_);
    ReadEntry();
  }
  if (!reader_.status().ok()) return reader_.status();
  open_ = false;
  if (changed_) {
    if (begins_.empty()) {
      if (stored_) set_.Delete(Family::kPeople, block_key_);
    } else {
      Emit(/*all=*/true);
    }
  }
  out_.clear();
  begins_.clear();
  return absl::OkStatus();
}

void SortedBlocks::Emit(bool all) {
  size_t first = 0;
  size_t entry = 0;
  const auto begin = [&](size_t i) {
    return i < begins_.size() ? size_t{begins_[i]} : out_.size();
  };
  while (first < begins_.size()) {
    const size_t left = out_.size() - begin(first);
    size_t bytes = left;
    if (left > tuning_.block_max_bytes) {
      // Pieces of the same size, or full ones while more comes.
      const size_t pieces =
          (left + tuning_.block_target_bytes / 2) / tuning_.block_target_bytes;
      bytes = all && pieces > 1 ? left / pieces : tuning_.block_target_bytes;
    } else if (!all) {
      break;
    }
    entry = first;
    const size_t end = begins_.size() - (all ? 0 : 1);
    while (entry < end && begin(entry) - begin(first) < bytes) ++entry;
    if (entry == first) break;
    std::string value(1, static_cast<char>(kVersion));
    AppendVarint(&value, entry - first);
    value.append(out_, begin(first), begin(entry) - begin(first));
    set_.Put(Family::kPeople, block_key_, value);
    stored_ = false;
    first = entry;
    if (first < begins_.size()) {
      WireReader wire(absl::string_view(out_).substr(begin(first)));
      block_key_ = absl::StrCat(prefix_, wire.Bytes());
    }
  }
  if (all) return;
  const size_t cut = begin(first);
  out_.erase(0, cut);
  begins_.erase(begins_.begin(), begins_.begin() + first);
  for (uint32_t& each : begins_) each -= static_cast<uint32_t>(cut);
}

absl::Status SortedBlocks::Finish() {
  if (!open_) return absl::OkStatus();
  return FinishBlock();
}

}  // namespace connector::membership
