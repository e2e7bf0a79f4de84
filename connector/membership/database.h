#ifndef CONNECTOR_MEMBERSHIP_DATABASE_H_
#define CONNECTOR_MEMBERSHIP_DATABASE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "connector/membership/keys.h"
#include "connector/membership/log_check.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

// The one place that knows RocksDB: a database in a directory, writes that are
// one step, ordered scans.
namespace connector::membership {

// A group of keys with files of its own.
enum class Family : uint8_t {
  kMeta,
  kExports,
  kRuns,
  kBlocks,
  kDoubts,
  kJournal,
  kCounters,
  kPeople,
};
inline constexpr int kFamilies = 8;

class Database;

// Changes that are written as one. Not thread-safe.
class WriteSet {
 public:
  explicit WriteSet(Database& database) : database_(database) {}
  WriteSet(const WriteSet&) = delete;
  WriteSet& operator=(const WriteSet&) = delete;

  void Put(Family family, absl::string_view key, absl::string_view value);
  // The value is `head` followed by `body`.
  void Put(Family family, absl::string_view key, absl::string_view head,
           absl::string_view body);
  void Delete(Family family, absl::string_view key);
  // Puts a change (block_change.h) on top of a block that is stored.
  void ChangeBlock(absl::string_view key, absl::string_view change);
  void DeleteRange(Family family, const KeyRange& range);
  void Clear() { batch_.Clear(); }

  bool empty() const { return batch_.Count() == 0; }
  size_t bytes() const { return batch_.GetDataSize(); }

 private:
  friend class Database;

  Database& database_;
  rocksdb::WriteBatch batch_;
};

// Goes over the keys of a range in order, as they were when it was made. Not
// thread-safe; pins files, so short-lived.
class Scan {
 public:
  struct Options {
    // Whether what is read should stay in the cache.
    bool fill_cache = true;
    // Read this much ahead; 0 lets the database decide.
    size_t readahead = 0;
  };

  Scan(Database& database, Family family, KeyRange range, Options options);
  Scan(Database& database, Family family, KeyRange range)
      : Scan(database, family, std::move(range), Options()) {}

  // Stands at the first key after SeekToFirst(), nowhere before.
  void SeekToFirst() { iterator_->SeekToFirst(); }
  void SeekToLast() { iterator_->SeekToLast(); }
  // The first key >= `key`, and the last key <= `key`.
  void Seek(absl::string_view key);
  void SeekForPrev(absl::string_view key);
  void Next() { iterator_->Next(); }
  void Prev() { iterator_->Prev(); }
  bool valid() const { return iterator_->Valid(); }
  // Hold until the scan moves.
  absl::string_view key() const;
  absl::string_view value() const;
  // Of the last move.
  absl::Status status() const;

 private:
  Database& database_;
  KeyRange range_;
  // Point into range_.
  rocksdb::Slice begin_;
  rocksdb::Slice end_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

using OpenDb = std::function<rocksdb::Status(
    std::vector<rocksdb::ColumnFamilyHandle*>* handles, rocksdb::DB** db)>;

struct DatabaseOptions {
  // Made if it is not there (0700).
  std::string path;
  int64_t memory_budget = 96 << 20;
  // Called once, from any thread, at the first write that failed, also in the
  // background, or the first file that turned out to be damaged.
  std::function<void(const absl::Status&)> on_failure;
  // Not owned; for tests of failures.
  rocksdb::Env* env = rocksdb::Env::Default();
  // For tests: opens what stands in for RocksDB, with the store's families in
  // their order (database_options.h); `path` is not touched then.
  OpenDb open_db;
  // As in StoreTuning.
  size_t write_buffer_bytes = 0;
  // Tables of up to so many bytes in all are read and verified at the start;
  // more of them as they are used.
  int64_t verify_bytes = int64_t{256} << 20;
  // What CompactWhenStale() leaves alone.
  int64_t stale_bytes = int64_t{64} << 20;
};

// Thread-safe.
class Database {
 public:
  // FAILED_PRECONDITION if another process has it open; DATA_LOSS if it is
  // damaged, UNAVAILABLE STORE_FAILED if the disk does not let it. A log that a
  // power cut tore is no damage (log_check.h).
  static absl::StatusOr<std::unique_ptr<Database>> Open(
      const DatabaseOptions& options);
  ~Database();

  enum class Sync { kNo, kYes };
  // Writes all of the set or nothing. UNAVAILABLE STORE_FAILED or DATA_LOSS
  // from the first failure on.
  absl::Status Write(WriteSet& set, Sync sync);

  absl::StatusOr<std::optional<std::string>> Get(Family family,
                                                 absl::string_view key);

  // Makes a copy of all that was written, at a path that is not there yet.
  absl::Status Copy(const std::string& path);

  // In database_clean.cc. What was deleted or overwritten stays in files until
  // something rewrites them; these see to it that it does not. UNAVAILABLE
  // FILES_IN_USE while somebody still reads or copies such a file.

  // Older values of these keys, and deleted ones, go from the tables.
  absl::Status Clean(Family family, const KeyRange& range);
  // The file that lists the tables names their first and last keys, also of
  // tables that are gone. If it holds any of these bytes it is written anew.
  absl::Status CleanManifest(const std::vector<std::string>& texts);
  // The same as Clean(), and all of the log that was written before goes, with
  // every file that is no longer needed. Last of the three.
  absl::Status CleanLog(Family family, const KeyRange& range);
  // Ranges that were deleted leave the tables of a family only when these are
  // compacted, which the database does not do as long as nothing new comes.
  // Does that in the background if the tables are much larger than what is
  // alive in them, of which the caller has an idea; not again if the last time
  // was in vain. Returns at once.
  void CompactWhenStale(Family family, absl::FunctionRef<int64_t()> live_bytes);
  // What the tables of a family take on the disk.
  int64_t TableBytes(Family family);
  // Lets what is under way of these end with an error, and what is yet to come.
  void CancelCleaning() { cancel_cleaning_ = true; }

  // OK until a write failed or damage was found.
  absl::Status Healthy();

 private:
  friend class WriteSet;
  friend class Scan;

  explicit Database(const DatabaseOptions& options)
      : on_failure_(options.on_failure),
        stale_bytes_(options.stale_bytes),
        on_disk_(!options.open_db) {}

  rocksdb::ColumnFamilyHandle* handle(Family family) {
    return handles_[static_cast<int>(family)];
  }
  class Listener;

  absl::Status OpenDirectory(const DatabaseOptions& options);
  // Takes over what was opened.
  void Adopt(rocksdb::DB* db,
             absl::Span<rocksdb::ColumnFamilyHandle* const> handles);
  absl::Status VerifyTables(int64_t at_most);
  absl::Status CleanStatus(const rocksdb::Status& status);
  // Ends the background compaction of a family, and lets no other begin.
  void StopCompaction(Family family);
  void AllowCompaction(Family family);
  absl::StatusOr<bool> ManifestHolds(const std::vector<std::string>& texts);
  // Of a read, without what a message of the database might quote. Damage is
  // a failure of the whole store.
  absl::Status ReadStatus(const rocksdb::Status& status);
  absl::Status Fail(const rocksdb::Status& status);

  const std::function<void(const absl::Status&)> on_failure_;
  const int64_t stale_bytes_;
  // There are files.
  const bool on_disk_;
  // Held as long as the directory is in use.
  int lock_file_ = -1;
  GapStop gap_stop_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles_ = {};
  std::atomic<bool> cancel_cleaning_{false};
  struct Compaction {
    bool running = false;
    // How many want it to end, and no other one to begin.
    int stopping = 0;
    std::atomic<bool> cancelled{false};
    // Of the newest one: what was alive before, and what the tables took after.
    int64_t live_bytes = 0;
    int64_t table_bytes = 0;
    std::thread thread;
  };
  absl::Mutex compaction_mutex_;
  std::array<Compaction, kFamilies> compactions_
      ABSL_GUARDED_BY(compaction_mutex_);
  // Writes up to this number are on stable storage (see log_check.h).
  std::atomic<uint64_t> stable_{0};
  absl::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

// Whether what was opened is a database, but not the one that it should be.
bool IsOtherDatabase(const rocksdb::Status& status);

// The status of opening, without what a message of the database might quote.
absl::Status OpenStatus(const rocksdb::Status& status);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_DATABASE_H_
