#include "connector/membership/delivered_cursor.h"

namespace connector::membership {

using identity_mapping::RecordView;

BlockCursor::BlockCursor(Database& database, ListNumber list, uint32_t epoch)
    : list_(list),
      epoch_(epoch),
      scan_(database, Family::kBlocks, PrefixRange(PlainKey(list))) {}

absl::StatusOr<DeliveredEntry> BlockCursor::Find(RecordView record) {
  if (!started_) {
    started_ = true;
    scan_.SeekForPrev(BlockKey(list_, record.encoded()));
    if (!scan_.valid() && scan_.status().ok()) scan_.SeekToFirst();
    Load();
  }
  ++finds_;
  for (bool first_move = true;; first_move = false) {
    if (!scan_.valid()) {
      if (absl::Status s = scan_.status(); !s.ok()) return s;
      return DeliveredEntry();
    }
    if (record.encoded() < BlockLowerBound(scan_.key())) {
      return DeliveredEntry();
    }
    while (have_entry_) {
      const std::strong_ordering order = CompareEntry(entry_, record);
      if (order > 0) return DeliveredEntry();
      if (order == 0) {
        return DeliveredEntry{entry_.state,
                              entry_.unconfirmed || reader_.epoch() < epoch_};
      }
      have_entry_ = reader_.Next(&entry_);
    }
    if (!reader_.status().ok()) return reader_.status();
    Advance(record, first_move && finds_ > 1);
  }
}

void BlockCursor::Advance(RecordView record, bool to_neighbour) {
  if (to_neighbour) {
    scan_.Next();
  } else {
    const std::string before(scan_.key());
    scan_.SeekForPrev(BlockKey(list_, record.encoded()));
    // All of this block is before the record, so nothing has it.
    if (scan_.valid() && scan_.key() == before) scan_.Next();
  }
  finds_ = 0;
  Load();
}

void BlockCursor::Load() {
  have_entry_ = false;
  if (!scan_.valid()) return;
  reader_ = BlockReader(scan_.value());
  have_entry_ = reader_.Next(&entry_);
}

}  // namespace connector::membership
