#ifndef CONNECTOR_MEMBERSHIP_ROCKSDB_STORE_H_
#define CONNECTOR_MEMBERSHIP_ROCKSDB_STORE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "connector/membership/store.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// OpenStore() with other numbers than the usual ones.
absl::StatusOr<std::unique_ptr<MembershipStore>> OpenRocksdbStore(
    const StoreOptions& options, const StoreTuning& tuning);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_ROCKSDB_STORE_H_
