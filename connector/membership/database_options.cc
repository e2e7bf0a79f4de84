#include "connector/membership/database_options.h"

#include <algorithm>
#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"

namespace connector::membership {
namespace {

// Larger than a block of the delivered state, so that each is read alone.
constexpr size_t kBlockBytes = 4 << 10;
constexpr size_t kRunBlockBytes = 32 << 10;

rocksdb::ColumnFamilyOptions FamilyOptions(
    const std::shared_ptr<rocksdb::Cache>& cache, size_t block_bytes,
    size_t write_buffer_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = block_bytes;
  table.format_version = 5;
  // Indexes count against the cache and are read in pieces, so that memory does
  // not grow with the lists.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Hashes do not compress.
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = write_buffer_bytes;
  options.max_write_buffer_number = 3;
  options.level_compaction_dynamic_level_bytes = true;
  options.target_file_size_base = 32 << 20;
  return options;
}

}  // namespace

DatabaseSetup SetUpDatabase(int64_t memory_budget, size_t write_buffer_bytes,
                            rocksdb::Env* env) {
  const size_t budget =
      static_cast<size_t>(std::max<int64_t>(memory_budget, int64_t{8} << 20));
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(budget);

  DatabaseSetup setup;
  rocksdb::DBOptions& options = setup.options;
  options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // Unflushed writes are charged to the cache: one bound for both.
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(budget * 5 / 12, cache);
  options.max_total_wal_size = budget;
  options.max_open_files = 256;
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1 << 20;
  options.max_subcompactions = 1;
  // Whether what is torn off may be lost is looked into first (log_check.h).
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // A MANIFEST that lost its end would otherwise be taken for an older one, and
  // what the logs held that are gone since would be missed silently.
  options.track_and_verify_wals_in_manifest = true;
  // Written anew more often than it need be, so that Database::CleanManifest()
  // can make that happen.
  options.max_manifest_file_size = kMaxManifestBytes;
  // A failure stops the process; nothing is tried behind its back.
  options.max_bgerror_resume_count = 0;
  // RocksDB's own log is for people who look into trouble; it holds no keys.
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;

  const size_t large = budget / 6;
  const size_t small = std::max<size_t>(budget / 48, 256 << 10);
  setup.families = {
      {rocksdb::kDefaultColumnFamilyName,
       FamilyOptions(cache, kBlockBytes, small)},
      {"meta", FamilyOptions(cache, kBlockBytes, small)},
      {"exports", FamilyOptions(cache, kBlockBytes, small)},
      {"runs", FamilyOptions(cache, kRunBlockBytes, large)},
      {"blocks", FamilyOptions(cache, kBlockBytes, large)},
      {"doubts", FamilyOptions(cache, kBlockBytes, small)},
      {"journal", FamilyOptions(cache, kBlockBytes, small)},
      {"counters", FamilyOptions(cache, kBlockBytes, small)},
      {"people", FamilyOptions(cache, kBlockBytes, large)},
  };
  if (write_buffer_bytes > 0) {
    options.max_total_wal_size = 4 * write_buffer_bytes;
    for (rocksdb::ColumnFamilyDescriptor& family : setup.families) {
      family.options.write_buffer_size = write_buffer_bytes;
      family.options.target_file_size_base = 2 * write_buffer_bytes;
      family.options.max_bytes_for_level_base = 4 * write_buffer_bytes;
    }
  }
  return setup;
}

}  // namespace connector::membership
