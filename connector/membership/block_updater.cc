#include "connector/membership/block_updater.h"

#include <algorithm>
#include <utility>

namespace connector::membership {

using identity_mapping::RecordView;

BlockUpdater::BlockUpdater(Database& database, const StoreTuning& tuning,
                           ListNumber list, uint32_t epoch, WriteSet& set)
    : database_(database),
      tuning_(tuning),
      list_(list),
      epoch_(epoch),
      set_(set),
      scan_(database, Family::kBlocks, PrefixRange(PlainKey(list))) {}

int64_t BlockUpdater::TakeMembersDelta() {
  return std::exchange(members_delta_, 0);
}

absl::Status BlockUpdater::Apply(
    absl::Span<const BlockUpdate> updates,
    const std::function<absl::Status()>& write_piece) {
  while (!updates.empty()) {
    if (absl::Status s = Locate(updates.front().record); !s.ok()) return s;
    absl::StatusOr<size_t> used = Merge(updates);
    if (!used.ok()) return used.status();
    updates.remove_prefix(*used);
    Emit();
    if (set_.bytes() >= tuning_.confirm_piece_bytes && !updates.empty()) {
      // A block and what was split off it must not fall into two writes.
      FlushHold();
      if (absl::Status s = write_piece(); !s.ok()) return s;
    }
  }
  FlushHold();
  return scan_.status();
}

void BlockUpdater::LoadAndStep() {
  absl::string_view key = scan_.key();
  absl::string_view value = scan_.value();
  key_.assign(key.data(), key.size());
  value_.assign(value.data(), value.size());
  stored_ = true;
  scan_.Next();
}

absl::Status BlockUpdater::Locate(RecordView record) {
  const std::string wanted = BlockKey(list_, record.encoded());
  if (located_ && dense_ && scan_.valid()) {
    // The record is not below the block the scan stands at.
    LoadAndStep();
    if (Covers(record)) return scan_.status();
    dense_ = false;
  }
  // Far away, or the first one. Whether it is worth trying the neighbour next
  // time shows in whether this would have found it.
  const std::string neighbour =
      located_ && scan_.valid() ? std::string(scan_.key()) : std::string();
  located_ = true;
  scan_.SeekForPrev(wanted);
  if (scan_.valid()) {
    dense_ = dense_ || scan_.key() == neighbour;
    LoadAndStep();
    return scan_.status();
  }
  if (absl::Status s = scan_.status(); !s.ok()) return s;
  key_ = BlockKey(list_, "");
  value_.clear();
  stored_ = false;
  scan_.SeekToFirst();
  return scan_.status();
}

absl::StatusOr<size_t> BlockUpdater::Merge(
    absl::Span<const BlockUpdate> updates) {
  entries_.Clear();
  changes_.Clear();
  changed_ = false;
  BlockReader reader = stored_ ? BlockReader(value_) : BlockReader();
  const bool older = stored_ && reader.epoch() < epoch_;
  BlockEntry entry;
  bool have_entry = reader.Next(&entry);
  size_t used = 0;
  const auto keep = [&] {
    if (older && !entry.unconfirmed) {
      entries_.AppendUnconfirmed(entry);
    } else {
      entries_.AppendStored(entry);
    }
    have_entry = reader.Next(&entry);
  };
  for (; used < updates.size() && Covers(updates[used].record); ++used) {
    const BlockUpdate& update = updates[used];
    std::strong_ordering order = std::strong_ordering::greater;
    while (have_entry && (order = CompareEntry(entry, update.record)) < 0) {
      keep();
    }
    const bool had = have_entry && order == 0;
    const bool was_there = had && entry.state == DeliveredState::kThere;
    const bool is_there = update.state == DeliveredState::kThere;
    members_delta_ += static_cast<int>(is_there) - static_cast<int>(was_there);
    if (update.state.has_value()) {
      entries_.Append(update.record, *update.state, update.absent_since);
      if (!had || older || entry.unconfirmed || entry.state != *update.state ||
          entry.absent_since != update.absent_since) {
        changed_ = true;
        changes_.Append(update.record, *update.state, update.absent_since);
      }
    } else if (had) {
      changed_ = true;
      changes_.AppendGone(update.record);
    }
    if (had) have_entry = reader.Next(&entry);
  }
  while (have_entry) keep();
  if (!reader.status().ok()) return reader.status();
  return used;
}

void BlockUpdater::Emit() {
  const std::string end = scan_.valid() ? std::string(scan_.key()) : "";
  const bool beside_hold = holding_ && hold_end_ == key_;
  if (!changed_) {
    FlushHold();
    return;
  }
  if (entries_.empty()) {
    if (stored_) set_.Delete(Family::kBlocks, key_);
    // What is before it now covers its range.
    if (beside_hold) hold_end_ = end;
    return;
  }
  if (stored_ && entries_.bytes() >= tuning_.block_small_bytes &&
      entries_.bytes() <= tuning_.block_max_bytes &&
      changes_.bytes() * tuning_.block_change_share <= entries_.bytes()) {
    FlushHold();
    set_.ChangeBlock(key_, changes_.Change(epoch_));
    return;
  }
  std::string key = key_;
  bool stored = stored_;
  if (beside_hold && hold_.bytes() < tuning_.block_small_bytes &&
      entries_.bytes() < tuning_.block_small_bytes) {
    if (stored_) set_.Delete(Family::kBlocks, key_);
    hold_.AppendAll(entries_);
    std::swap(hold_, entries_);
    key = hold_key_;
    stored = hold_stored_;
    holding_ = false;
  }
  FlushHold();

  // Pieces of the same size, or full ones at the end of the list, where what is
  // loaded in order goes on.
  const size_t total = entries_.bytes();
  const size_t target = tuning_.block_target_bytes;
  size_t first = 0;
  size_t left = total;
  size_t pieces = 1;
  if (total > tuning_.block_max_bytes) {
    pieces = std::max<size_t>(2, (total + target / 2) / target);
  }
  while (end.empty() ? left > tuning_.block_max_bytes : pieces > 1) {
    const size_t bytes = end.empty() ? target : left / pieces;
    const size_t next = entries_.EndOfPiece(first, bytes);
    if (next >= entries_.entries()) break;
    set_.Put(Family::kBlocks, key, entries_.Block(epoch_, first, next));
    left -= entries_.BytesOf(first, next);
    first = next;
    key = BlockKey(list_, entries_.EncodedRecord(first));
    stored = false;
    --pieces;
  }
  holding_ = true;
  hold_key_ = std::move(key);
  hold_stored_ = stored;
  hold_ = first == 0 ? std::move(entries_)
                     : entries_.Slice(first, entries_.entries());
  hold_end_ = end;
}

void BlockUpdater::FlushHold() {
  if (!holding_) return;
  set_.Put(Family::kBlocks, hold_key_, hold_.Block(epoch_, 0, hold_.entries()));
  holding_ = false;
}

}  // namespace connector::membership
