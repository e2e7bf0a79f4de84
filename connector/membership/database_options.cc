#include "connector/membership/database_options.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "connector/membership/block_change.h"
#include "rocksdb/cache.h"
#include "rocksdb/merge_operator.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"

namespace connector::membership {
namespace {

constexpr size_t kBlockBytes = 4 << 10;
// Four blocks of the delivered state: a pass over a large part of a list reads
// neighbours, and a change of a single record reads no more than it must write.
constexpr size_t kStateBlockBytes = 16 << 10;
constexpr size_t kRunBlockBytes = 32 << 10;

// Puts blocks and what changes them together (block_change.h).
class BlockMerge final : public rocksdb::MergeOperator {
 public:
  bool FullMergeV2(const MergeOperationInput& in,
                   MergeOperationOutput* out) const override {
    // Only what is stored is changed.
    if (in.existing_value == nullptr) return false;
    return Take(
        ApplyBlockChanges(ToView(*in.existing_value), ToViews(in.operand_list)),
        &out->new_value);
  }
  bool PartialMergeMulti(const rocksdb::Slice& /*key*/,
                         const std::deque<rocksdb::Slice>& operands,
                         std::string* joined,
                         rocksdb::Logger* /*logger*/) const override {
    return Take(JoinBlockChanges(ToViews(operands)), joined);
  }
  const char* Name() const override { return "audience_connector.Blocks"; }

 private:
  static absl::string_view ToView(const rocksdb::Slice& slice) {
    return absl::string_view(slice.data(), slice.size());
  }
  template <typename Slices>
  static std::vector<absl::string_view> ToViews(const Slices& slices) {
    std::vector<absl::string_view> views;
    views.reserve(slices.size());
    for (const rocksdb::Slice& slice : slices) views.push_back(ToView(slice));
    return views;
  }
  static bool Take(std::optional<std::string> from, std::string* to) {
    if (!from.has_value()) return false;
    *to = *std::move(from);
    return true;
  }
};

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

  rocksdb::ColumnFamilyOptions blocks =
      FamilyOptions(cache, kStateBlockBytes, budget / 6);
  blocks.merge_operator = std::make_shared<BlockMerge>();
  // Not written to tables for days, perhaps, but read with every pass.
  blocks.max_successive_merges = 32;

  const size_t large = budget / 6;
  const size_t small = std::max<size_t>(budget / 48, 256 << 10);
  setup.families = {
      {rocksdb::kDefaultColumnFamilyName,
       FamilyOptions(cache, kBlockBytes, small)},
      {"meta", FamilyOptions(cache, kBlockBytes, small)},
      {"exports", FamilyOptions(cache, kBlockBytes, small)},
      {"runs", FamilyOptions(cache, kRunBlockBytes, large)},
      {"blocks", blocks},
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
