#include "connector/membership/database.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/base/dynamic_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/membership/damage.h"
#include "connector/membership/database_options.h"
#include "connector/membership/log_check.h"
#include "connector/membership/manifest_check.h"
#include "connector/membership/rows.h"
#include "rocksdb/listener.h"
#include "rocksdb/utilities/checkpoint.h"

namespace connector::membership {
namespace {

rocksdb::Slice ToSlice(absl::string_view text) {
  return rocksdb::Slice(text.data(), text.size());
}

absl::string_view ToView(const rocksdb::Slice& slice) {
  return absl::string_view(slice.data(), slice.size());
}

// What went wrong, in words that hold no key: RocksDB names files in its
// messages of the file system, and may quote keys in the others.
std::string Describe(const rocksdb::Status& status) {
  if (status.IsIOError() || status.IsNoSpace()) return status.ToString();
  return absl::StrCat("code ", static_cast<int>(status.code()));
}

// A damaged file; RocksDB also calls it that when a file could not be read just
// now.
bool IsDamage(const rocksdb::Status& status) {
  return status.IsCorruption() &&
         !absl::StrContains(status.ToString(), "IO error");
}

absl::Status DamagedFile(const rocksdb::Status& status) {
  const std::string file = FileNamedIn(status.ToString());
  return Damaged(file.empty() ? std::string("one of its files does not read")
                              : absl::StrCat("file ", file, " does not read"));
}

// A new directory entry survives a power cut once its directory is synced.
absl::Status SyncDirectory(const std::string& path, rocksdb::Env* env) {
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status status = env->NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  return status.ok() ? absl::OkStatus() : OpenStatus(status);
}

// A database whose CURRENT is gone would be taken for one that is yet to be
// made, and what is left of it deleted.
absl::Status CheckCurrent(const std::string& path, rocksdb::Env* env,
                          bool* exists) {
  const rocksdb::Status current = env->FileExists(path + "/CURRENT");
  *exists = current.ok();
  if (current.ok()) return absl::OkStatus();
  if (!current.IsNotFound()) return OpenStatus(current);
  std::vector<std::string> children;
  const rocksdb::Status status = env->GetChildren(path, &children);
  if (status.IsNotFound() || status.IsPathNotFound()) return absl::OkStatus();
  if (!status.ok()) return OpenStatus(status);
  for (const std::string& child : children) {
    if (absl::EndsWith(child, ".sst") || absl::EndsWith(child, ".log")) {
      return Damaged("file CURRENT is missing");
    }
  }
  return absl::OkStatus();
}

absl::Status MakeDirectory(const std::string& path) {
  const std::filesystem::path parent =
      std::filesystem::absolute(path).lexically_normal().parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (mkdir(path.c_str(), 0700) == 0) {
    return SyncDirectory(parent.string(), rocksdb::Env::Default());
  }
  if (errno != EEXIST) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot be made: ", std::strerror(errno)));
  }
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError("is not a directory");
  }
  if ((status.st_mode & 0077) != 0 && chmod(path.c_str(), 0700) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("is open to other users: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> LockDirectory(const std::string& path) {
  const std::string file = absl::StrCat(path, "/in_use");
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot be written: ", std::strerror(errno)));
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(descriptor);
    return absl::FailedPreconditionError(
        error == EWOULDBLOCK
            ? std::string("is in use by another process")
            : absl::StrCat("cannot be locked: ", std::strerror(error)));
  }
  return descriptor;
}

}  // namespace

bool IsOtherDatabase(const rocksdb::Status& status) {
  // RocksDB also says that files could not be opened just now this way, as if
  // an option were to blame.
  const std::string text = status.ToString();
  return status.IsInvalidArgument() &&
         !absl::StrContains(text, "Direct I/O is not supported") &&
         !absl::StrContains(text, "incompatible with filesystem");
}

absl::Status OpenStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (IsDamage(status)) return DamagedFile(status);
  if (status.IsPathNotFound() || status.IsNotFound()) {
    const std::string file = FileNamedIn(status.ToString());
    return Damaged(file.empty() ? std::string("one of its files is missing")
                                : absl::StrCat("file ", file, " is missing"));
  }
  return MakeError(
      absl::StatusCode::kUnavailable, "STORE_FAILED",
      absl::StrCat("the store cannot be opened: ",
                   status.IsCorruption() ? std::string("a file cannot be read")
                                         : Describe(status)));
}

// Tells the database of what went wrong in the background.
class Database::Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(Database* database) : database_(database) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* error) override {
    database_->Fail(*error).IgnoreError();
  }

 private:
  Database* const database_;
};

void WriteSet::Put(Family family, absl::string_view key,
                   absl::string_view value) {
  batch_.Put(database_.handle(family), ToSlice(key), ToSlice(value));
}

void WriteSet::Put(Family family, absl::string_view key, absl::string_view head,
                   absl::string_view body) {
  const rocksdb::Slice key_part = ToSlice(key);
  const rocksdb::Slice value_parts[] = {ToSlice(head), ToSlice(body)};
  batch_.Put(database_.handle(family), rocksdb::SliceParts(&key_part, 1),
             rocksdb::SliceParts(value_parts, 2));
}

void WriteSet::Delete(Family family, absl::string_view key) {
  batch_.Delete(database_.handle(family), ToSlice(key));
}

void WriteSet::ChangeBlock(absl::string_view key, absl::string_view change) {
  batch_.Merge(database_.handle(Family::kBlocks), ToSlice(key),
               ToSlice(change));
}

void WriteSet::DeleteRange(Family family, const KeyRange& range) {
  batch_.DeleteRange(database_.handle(family), ToSlice(range.begin),
                     ToSlice(range.end));
}

Scan::Scan(Database& database, Family family, KeyRange range, Options options)
    : database_(database),
      range_(std::move(range)),
      begin_(ToSlice(range_.begin)),
      end_(ToSlice(range_.end)) {
  rocksdb::ReadOptions read;
  read.iterate_lower_bound = &begin_;
  read.iterate_upper_bound = &end_;
  read.fill_cache = options.fill_cache;
  read.readahead_size = options.readahead;
  iterator_.reset(database.db_->NewIterator(read, database.handle(family)));
}

void Scan::Seek(absl::string_view key) { iterator_->Seek(ToSlice(key)); }
void Scan::SeekForPrev(absl::string_view key) {
  iterator_->SeekForPrev(ToSlice(key));
}
absl::string_view Scan::key() const { return ToView(iterator_->key()); }
absl::string_view Scan::value() const { return ToView(iterator_->value()); }
absl::Status Scan::status() const {
  return database_.ReadStatus(iterator_->status());
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const DatabaseOptions& options) {
  std::unique_ptr<Database> database(new Database(options));
  if (options.open_db) {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    rocksdb::Status status = options.open_db(&handles, &db);
    if (!status.ok()) return OpenStatus(status);
    database->Adopt(db, handles);
  } else if (absl::Status s = database->OpenDirectory(options); !s.ok()) {
    return s;
  }
  return database;
}

void Database::Adopt(rocksdb::DB* db,
                     absl::Span<rocksdb::ColumnFamilyHandle* const> handles) {
  db_.reset(db);
  db->DestroyColumnFamilyHandle(handles[0]);
  for (int i = 0; i < kFamilies; ++i) handles_[i] = handles[i + 1];
  // What the log brought is in synced tables now.
  stable_ = db->GetLatestSequenceNumber();
}

absl::Status Database::OpenDirectory(const DatabaseOptions& options) {
  if (absl::Status s = MakeDirectory(options.path); !s.ok()) return s;
  absl::StatusOr<int> lock = LockDirectory(options.path);
  if (!lock.ok()) return lock.status();
  lock_file_ = *lock;

  const std::string path = absl::StrCat(options.path, "/rocksdb");
  DatabaseSetup setup = SetUpDatabase(options.memory_budget,
                                      options.write_buffer_bytes, options.env);
  setup.options.wal_filter = &gap_stop_;
  setup.options.listeners.push_back(std::make_shared<Listener>(this));
  bool exists = false;
  LogClaim claim;
  if (absl::Status s = CheckCurrent(path, options.env, &exists); !s.ok()) {
    return s;
  }
  if (exists) {
    if (absl::Status s = CheckManifest(path, options.env); !s.ok()) return s;
    if (absl::Status s = CheckLog(path, setup, &claim); !s.ok()) return s;
    if (claim.flushed.has_value()) gap_stop_.SetFlushed(*claim.flushed);
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::Status status =
      rocksdb::DB::Open(setup.options, path, setup.families, &handles, &db);
  if (IsOtherDatabase(status)) {
    return absl::FailedPreconditionError(
        "was written by another version of the connector, or is not one");
  }
  if (!status.ok()) return OpenStatus(status);
  Adopt(db, handles);
  if (absl::Status s = SyncDirectory(options.path, options.env); !s.ok()) {
    return s;
  }
  if (claim.stable > stable_) {
    return Damaged("its log ends before what was on stable storage");
  }
  return VerifyTables(options.verify_bytes);
}

absl::Status Database::VerifyTables(int64_t at_most) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  int64_t bytes = 0;
  for (const auto& file : files) bytes += static_cast<int64_t>(file.size);
  if (bytes > at_most) return absl::OkStatus();
  return OpenStatus(db_->VerifyChecksum(rocksdb::ReadOptions()));
}

Database::~Database() {
  for (int i = 0; i < kFamilies; ++i) StopCompaction(static_cast<Family>(i));
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
  }
  if (db_ != nullptr) db_->Close();
  db_.reset();
  if (lock_file_ >= 0) close(lock_file_);
}

absl::Status Database::Write(WriteSet& set, Sync sync) {
  if (absl::Status s = Healthy(); !s.ok()) return s;
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  uint64_t before = 0;
  if (options.sync) {
    before = db_->GetLatestSequenceNumber();
    set.Put(Family::kMeta, kSyncedWriteKey, EncodeNumber(stable_));
  }
  // RocksDB joins the batches of several threads under locks that the thread
  // sanitizer does not see.
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_BEGIN();
  rocksdb::Status status = db_->Write(options, &set.batch_);
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_END();
  if (!status.ok()) return Fail(status);
  if (options.sync) {
    // The write came after `before`, and all that comes before its end in the
    // log was synced with it.
    const uint64_t synced = before + set.batch_.Count();
    uint64_t known = stable_;
    while (known < synced && !stable_.compare_exchange_weak(known, synced)) {
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> Database::Get(
    Family family, absl::string_view key) {
  std::string value;
  rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), handle(family), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return ReadStatus(status);
  return value;
}

absl::Status Database::Copy(const std::string& path) {
  if (absl::Status s = Healthy(); !s.ok()) return s;
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(path);
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(Describe(status));
}

absl::Status Database::ReadStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (IsDamage(status)) return Fail(status);
  return MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                   absl::StrCat("the store cannot read: ", Describe(status)));
}

absl::Status Database::Healthy() {
  absl::ReaderMutexLock lock(&mutex_);
  return failure_;
}

absl::Status Database::Fail(const rocksdb::Status& status) {
  absl::Status failure;
  {
    absl::MutexLock lock(&mutex_);
    // What was written after a failed sync may or may not be there: nothing is
    // promised any more until the store is opened anew.
    if (!failure_.ok()) return failure_;
    failure_ = IsDamage(status)
                   ? DamagedFile(status)
                   : MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                               absl::StrCat("the store cannot write: ",
                                            Describe(status)));
    failure = failure_;
  }
  if (on_failure_) on_failure_(failure);
  return failure;
}

}  // namespace connector::membership
