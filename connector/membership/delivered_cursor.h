#ifndef CONNECTOR_MEMBERSHIP_DELIVERED_CURSOR_H_
#define CONNECTOR_MEMBERSHIP_DELIVERED_CURSOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connector/membership/block.h"
#include "connector/membership/database.h"
#include "connector/membership/ledger.h"
#include "connector/membership/types.h"

namespace connector::membership {

// Goes over the blocks of a list alongside records that are asked for in
// ascending order: from block to neighbour while many records fall into each,
// straight to the block when few do.
class BlockCursor final : public DeliveredCursor {
 public:
  BlockCursor(Database& database, ListNumber list, uint32_t epoch);

  absl::StatusOr<DeliveredEntry> Find(
      identity_mapping::RecordView record) override;

 private:
  void Advance(identity_mapping::RecordView record, bool to_neighbour);
  void Load();

  const ListNumber list_;
  const uint32_t epoch_;
  Scan scan_;
  bool started_ = false;
  // Records asked for since the scan moved.
  int finds_ = 0;
  BlockReader reader_;
  BlockEntry entry_;
  bool have_entry_ = false;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_DELIVERED_CURSOR_H_
