#ifndef CONNECTOR_MEMBERSHIP_DATABASE_OPTIONS_H_
#define CONNECTOR_MEMBERSHIP_DATABASE_OPTIONS_H_

#include <cstdint>
#include <vector>

#include "rocksdb/db.h"
#include "rocksdb/options.h"

namespace connector::membership {

// The file that lists the tables is written anew when it is larger: room for
// the changes of 20,000 tables.
inline constexpr uint64_t kMaxManifestBytes = 4 << 20;

// How the database is set up: everything that is a number to be tuned.
struct DatabaseSetup {
  rocksdb::DBOptions options;
  // RocksDB's own default family first (not used), then in the order of Family.
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
};
// `write_buffer_bytes`: of a family; 0: as the budget says.
DatabaseSetup SetUpDatabase(int64_t memory_budget, size_t write_buffer_bytes,
                            rocksdb::Env* env);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_DATABASE_OPTIONS_H_
