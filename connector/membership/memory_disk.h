#ifndef CONNECTOR_MEMBERSHIP_MEMORY_DISK_H_
#define CONNECTOR_MEMBERSHIP_MEMORY_DISK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace connector::membership {

// Stands in for RocksDB and the disk below it, so that a test opens the whole
// store, all of its own code, thousands of times a second: give the store
// `tuning.open_db = disk.Opener()`. Keeps what was written, knows what was
// synced, and can lose the rest. Outlives the stores on it; one at a time.
// Thread-safe.
class MemoryDisk {
 public:
  MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  // For StoreTuning.open_db.
  std::function<rocksdb::Status(std::vector<rocksdb::ColumnFamilyHandle*>*,
                                rocksdb::DB**)>
  Opener();

  // Where these bytes stand: family and key in hex, as "5:0000…".
  std::vector<std::string> PlacesOf(const std::string& bytes);

  // Writes since the last one that was synced.
  size_t unsynced_writes();
  // What a power cut does: of those, only the first `kept` are left. (After a
  // kill of the process alone all of them are.) The store must be closed.
  void LoseUnsynced(size_t kept);

  // The `nth` write from now (from 1) and all after it fail, as if the process
  // had died there; with `after`, that one is still carried out. Undone by the
  // next opening.
  void DieAtWrite(int nth, bool after);
  // Whether that happened.
  bool dead();
  // Whether the write at which it died was carried out.
  bool died_after_write();

 private:
  friend class MemoryDatabase;
  friend class MemoryIterator;
  using Table = std::map<std::string, std::string>;
  struct Undo {
    uint32_t family;
    std::string key;
    std::optional<std::string> value;
  };
  class Applier;

  rocksdb::Status Write(bool sync, const rocksdb::WriteBatch& batch);
  // To be changed: a copy if a reader holds it.
  Table& Writable(uint32_t family) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  // By number of the family. Readers hold a table as it was.
  std::vector<std::shared_ptr<Table>> tables_ ABSL_GUARDED_BY(mutex_);
  // For each unsynced write, what it changed, in its order.
  std::vector<std::vector<Undo>> unsynced_ ABSL_GUARDED_BY(mutex_);
  // All that were ever made.
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  int writes_to_live_ ABSL_GUARDED_BY(mutex_) = -1;  // negative: no end
  bool carry_out_last_ ABSL_GUARDED_BY(mutex_) = false;
  bool dead_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_MEMORY_DISK_H_
