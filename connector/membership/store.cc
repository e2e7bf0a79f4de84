#include "connector/membership/store.h"

#include "connector/membership/rocksdb_store.h"

namespace connector::membership {

absl::StatusOr<std::unique_ptr<MembershipStore>> OpenStore(
    const StoreOptions& options) {
  return OpenRocksdbStore(options, StoreTuning());
}

}  // namespace connector::membership
