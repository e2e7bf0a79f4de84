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
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/membership/database_options.h"
#include "connector/membership/log_check.h"
#include "connector/membership/rows.h"

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
  if (status.IsCorruption()) return "damaged file";
  return absl::StrCat("code ", static_cast<int>(status.code()));
}

// A new directory entry survives a power cut once its directory is synced.
void SyncDirectory(const std::string& path) {
  const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  fsync(directory);
  close(directory);
}

absl::Status MakeDirectory(const std::string& path) {
  const std::filesystem::path parent =
      std::filesystem::absolute(path).lexically_normal().parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (mkdir(path.c_str(), 0700) == 0) {
    SyncDirectory(parent.string());
    return absl::OkStatus();
  }
  if (errno != EEXIST) {
    return absl::FailedPreconditionError(absl::StrCat(
        "state directory ", path, " cannot be made: ", std::strerror(errno)));
  }
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("state directory ", path, " is not a directory"));
  }
  if ((status.st_mode & 0077) != 0 && chmod(path.c_str(), 0700) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("state directory ", path,
                     " is open to other users: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> LockDirectory(const std::string& path) {
  const std::string file = absl::StrCat(path, "/in_use");
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("state directory ", path,
                     " cannot be written: ", std::strerror(errno)));
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(descriptor);
    return absl::FailedPreconditionError(
        error == EWOULDBLOCK
            ? absl::StrCat("state directory ", path,
                           " is in use by another process")
            : absl::StrCat("state directory ", path,
                           " cannot be locked: ", std::strerror(error)));
  }
  return descriptor;
}

// Locks the directory and opens the RocksDB in it.
absl::Status OpenDirectory(const DatabaseOptions& options, int* lock_file,
                           std::vector<rocksdb::ColumnFamilyHandle*>* handles,
                           rocksdb::DB** db) {
  if (absl::Status s = MakeDirectory(options.path); !s.ok()) return s;
  absl::StatusOr<int> lock = LockDirectory(options.path);
  if (!lock.ok()) return lock.status();
  *lock_file = *lock;

  const std::string path = absl::StrCat(options.path, "/rocksdb");
  DatabaseSetup setup = SetUpDatabase(options.memory_budget, options.env);
  rocksdb::Status status =
      rocksdb::DB::Open(setup.options, path, setup.families, handles, db);
  if (status.IsCorruption()) {
    if (absl::Status s = CheckTornLog(path, setup); !s.ok()) return s;
    setup.options.wal_recovery_mode =
        rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    status =
        rocksdb::DB::Open(setup.options, path, setup.families, handles, db);
  }
  if (status.IsInvalidArgument()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "state directory ", options.path,
        " was written by another version of the connector, or is not one"));
  }
  if (!status.ok()) return ReadStatus(status);
  SyncDirectory(options.path);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) {
    return absl::DataLossError("the store is damaged: a file does not read");
  }
  return MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                   absl::StrCat("the store cannot read: ", Describe(status)));
}

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

void WriteSet::DeleteRange(Family family, const KeyRange& range) {
  batch_.DeleteRange(database_.handle(family), ToSlice(range.begin),
                     ToSlice(range.end));
}

Scan::Scan(Database& database, Family family, KeyRange range, Options options)
    : range_(std::move(range)),
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
absl::Status Scan::status() const { return ReadStatus(iterator_->status()); }

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const DatabaseOptions& options) {
  std::unique_ptr<Database> database(new Database(options));
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  if (options.open_db) {
    rocksdb::Status status = options.open_db(&handles, &db);
    if (!status.ok()) return ReadStatus(status);
  } else if (absl::Status s =
                 OpenDirectory(options, &database->lock_file_, &handles, &db);
             !s.ok()) {
    return s;
  }
  database->db_.reset(db);
  db->DestroyColumnFamilyHandle(handles[0]);
  for (int i = 0; i < kFamilies; ++i) database->handles_[i] = handles[i + 1];

  absl::StatusOr<std::optional<std::string>> synced =
      database->Get(Family::kMeta, kSyncedWriteKey);
  if (!synced.ok()) return synced.status();
  if (synced->has_value()) {
    database->synced_writes_ = DecodeNumber(**synced).value_or(0);
  }
  return database;
}

Database::~Database() {
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
  if (options.sync) {
    set.Put(Family::kMeta, kSyncedWriteKey,
            EncodeNumber(synced_writes_.fetch_add(1) + 1));
  }
  // RocksDB joins the batches of several threads under locks that the thread
  // sanitizer does not see.
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_BEGIN();
  rocksdb::Status status = db_->Write(options, &set.batch_);
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_END();
  return status.ok() ? absl::OkStatus() : Fail(status);
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
    failure_ =
        MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                  absl::StrCat("the store cannot write: ", Describe(status)));
    failure = failure_;
  }
  if (on_failure_) on_failure_(failure);
  return failure;
}

}  // namespace connector::membership
