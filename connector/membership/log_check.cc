#include "connector/membership/log_check.h"

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "connector/membership/database.h"
#include "connector/membership/keys.h"

namespace connector::membership {
namespace {

// The number of the newest synced write that a way of reading the log finds.
absl::StatusOr<std::string> NewestSyncedWrite(const std::string& path,
                                              const DatabaseSetup& setup,
                                              rocksdb::WALRecoveryMode mode) {
  rocksdb::DBOptions options = setup.options;
  options.wal_recovery_mode = mode;
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  // Reading alone cannot flush: a budget of its own would stop it.
  options.write_buffer_manager = nullptr;

  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
      options, path, setup.families, &handles, &opened);
  if (!status.ok()) return ReadStatus(status);
  std::unique_ptr<rocksdb::DB> db(opened);
  std::string number;
  status = db->Get(
      rocksdb::ReadOptions(), handles[1 + static_cast<int>(Family::kMeta)],
      rocksdb::Slice(kSyncedWriteKey.data(), kSyncedWriteKey.size()), &number);
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    db->DestroyColumnFamilyHandle(handle);
  }
  if (status.IsNotFound()) return std::string();
  if (!status.ok()) return ReadStatus(status);
  return number;
}

}  // namespace

absl::Status CheckTornLog(const std::string& path, const DatabaseSetup& setup) {
  absl::StatusOr<std::string> stopping = NewestSyncedWrite(
      path, setup, rocksdb::WALRecoveryMode::kPointInTimeRecovery);
  if (!stopping.ok()) return stopping.status();
  absl::StatusOr<std::string> reading_on = NewestSyncedWrite(
      path, setup, rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords);
  if (!reading_on.ok()) return reading_on.status();
  if (*stopping != *reading_on) {
    return absl::DataLossError(
        "the store's log is damaged in the middle: writes that were on stable "
        "storage cannot be read any more; restore the state directory");
  }
  return absl::OkStatus();
}

}  // namespace connector::membership
