#ifndef CONNECTOR_MEMBERSHIP_FAULT_FILE_SYSTEM_H_
#define CONNECTOR_MEMBERSHIP_FAULT_FILE_SYSTEM_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/random.h"
#include "rocksdb/file_system.h"

namespace connector::membership {

// The kinds of calls that can be counted and made to fail.
enum class FileCall {
  kOpen,           // for reading
  kRead,           //
  kCreate,         // of a file
  kAppend,         // and truncating
  kSync,           // of a file's data
  kDirectoryOpen,  //
  kDirectorySync,  //
  kRename,         //
  kDelete,         //
  kOther,          // existence, size, listing, locks, making directories
};
inline constexpr int kFileCalls = 10;
const char* FileCallName(FileCall call);

// A file system in memory that knows what a power cut may take: data that was
// not synced, and creations, renames and deletions whose directory was not
// synced. For tests of the store.
//
// What a power cut leaves of a file's unsynced tail is one of: nothing, all, a
// prefix, a prefix and zeros, some of its pages with zeros between, a prefix
// and rubbish. Of the unsynced changes of a directory a prefix stays, as a
// journal keeps them in order. Making a directory is durable at once. After a
// failed sync nothing that was unsynced then is ever synced, though later calls
// say so: what Linux may do.
//
// Thread-safe.
class FaultFileSystem final : public rocksdb::FileSystem {
 public:
  FaultFileSystem();
  ~FaultFileSystem() override;

  // From the `calls`-th call from now on (1: the next one) every call fails and
  // changes nothing. `quietly`: appends and syncs say that all is well; who
  // uses that must ask whether the power is off. (A process that loses its
  // power sees no error; one that sees one may be ended by an assertion of
  // RocksDB 7.8.)
  void CutPowerAfter(int64_t calls, bool quietly = false);
  bool power_is_off() const;
  // Decides what the cut left, and lets calls go through again. Whoever used
  // the files must be gone. Without a cut before it, cuts here.
  void RestorePower(Random& random);

  enum class Fault { kInputOutput, kNoSpace };
  // Lets the `calls`-th call from now on fail once; 1 is the next one. With
  // `kind` only calls of that kind count. A failed append leaves half of it.
  void FailCall(int64_t calls, Fault fault,
                std::optional<FileCall> kind = std::nullopt);
  // Lets every call that takes space fail with ENOSPC until told otherwise.
  void SetFull(bool full);
  // Whether the fault has struck, and what it struck.
  std::optional<FileCall> struck() const;
  void ClearFault();

  // Calls since the start.
  int64_t calls() const;
  int64_t calls(FileCall kind) const;

  // Files by path.
  std::map<std::string, size_t> Sizes() const;
  std::string Contents(const std::string& path) const;
  // Replaces what a file holds, on stable storage too.
  void SetContents(const std::string& path, const std::string& contents);
  // Everything as it is now, and back to it.
  std::map<std::string, std::string> Save() const;
  void Load(const std::map<std::string, std::string>& saved);

  const char* Name() const override { return "FaultFileSystem"; }
  rocksdb::IOStatus NewSequentialFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSSequentialFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path,
                                 const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus FileExists(const std::string& path,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& directory,
                                const rocksdb::IOOptions& options,
                                std::vector<std::string>* result,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& path,
                              const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path,
                                       const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteDir(const std::string& path,
                              const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& path,
                                const rocksdb::IOOptions& options,
                                uint64_t* size,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileModificationTime(
      const std::string& path, const rocksdb::IOOptions& options,
      uint64_t* time, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LockFile(const std::string& path,
                             const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetTestDirectory(const rocksdb::IOOptions& options,
                                     std::string* path,
                                     rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewLogger(const std::string& path,
                              const rocksdb::IOOptions& options,
                              std::shared_ptr<rocksdb::Logger>* result,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetAbsolutePath(const std::string& path,
                                    const rocksdb::IOOptions& options,
                                    std::string* output,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus IsDirectory(const std::string& path,
                                const rocksdb::IOOptions& options,
                                bool* is_directory,
                                rocksdb::IODebugContext* debug) override;

 private:
  class SequentialFile;
  class RandomAccessFile;
  class WritableFile;
  class Directory;

  struct File {
    std::string data;
    // What of it is on stable storage: files only grow.
    size_t synced = 0;
    // A sync failed: nothing more becomes stable.
    bool broken = false;
  };
  using FilePtr = std::shared_ptr<File>;
  using Entries = std::map<std::string, FilePtr>;
  // An unsynced change of a directory: `to` now is `file` (nothing if it was
  // deleted), and `from`, if given, is gone.
  struct EntryChange {
    std::string from;
    std::string to;
    FilePtr file;
  };

  // Counts a call; what it fails with.
  rocksdb::IOStatus Call(FileCall kind, absl::string_view path);
  rocksdb::IOStatus CallLocked(FileCall kind, absl::string_view path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  FilePtr Find(const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Change(EntryChange change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Apply(const EntryChange& change, Entries& entries);
  static void CutTail(File& file, Random& random);
  static rocksdb::IOStatus ReadAt(const File& file, uint64_t offset, size_t n,
                                  rocksdb::Slice* result, char* scratch);

  mutable absl::Mutex mutex_;
  std::set<std::string> directories_ ABSL_GUARDED_BY(mutex_);
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  Entries durable_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<EntryChange>> changes_
      ABSL_GUARDED_BY(mutex_);
  std::set<std::string> locks_ ABSL_GUARDED_BY(mutex_);

  std::array<int64_t, kFileCalls> counts_ ABSL_GUARDED_BY(mutex_) = {};
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  // In calls since the start; 0: not set.
  int64_t cut_at_ ABSL_GUARDED_BY(mutex_) = 0;
  bool off_ ABSL_GUARDED_BY(mutex_) = false;
  bool quiet_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t fail_in_ ABSL_GUARDED_BY(mutex_) = 0;
  Fault fault_ ABSL_GUARDED_BY(mutex_) = Fault::kInputOutput;
  std::optional<FileCall> fail_kind_ ABSL_GUARDED_BY(mutex_);
  std::optional<FileCall> struck_ ABSL_GUARDED_BY(mutex_);
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_FAULT_FILE_SYSTEM_H_
