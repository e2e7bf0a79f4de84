#include "connector/membership/fault_file_system.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace connector::membership {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr size_t kPage = 4096;

std::string ParentOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string Trimmed(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

size_t Below(Random& random, size_t bound) {
  return bound == 0 ? 0 : random.Next() % bound;
}

class NoLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
  size_t GetLogFileSize() const override { return 0; }
};

class Lock : public rocksdb::FileLock {
 public:
  explicit Lock(std::string path) : path(std::move(path)) {}
  const std::string path;
};

}  // namespace

const char* FileCallName(FileCall call) {
  constexpr const char* kNames[kFileCalls] = {
      "open",           "read",           "create", "append", "sync",
      "directory open", "directory sync", "rename", "delete", "other"};
  return kNames[static_cast<int>(call)];
}

class FaultFileSystem::SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(FaultFileSystem* system, FilePtr file, std::string path)
      : system_(system), file_(std::move(file)), path_(std::move(path)) {}

  IOStatus Read(size_t n, const IOOptions& /*options*/, Slice* result,
                char* scratch, IODebugContext* /*debug*/) override {
    absl::MutexLock lock(&system_->mutex_);
    IOStatus s = system_->CallLocked(FileCall::kRead, path_);
    if (s.ok()) s = ReadAt(*file_, offset_, n, result, scratch);
    if (s.ok()) offset_ += result->size();
    return s;
  }
  IOStatus Skip(uint64_t n) override {
    offset_ += n;
    return IOStatus::OK();
  }

 private:
  FaultFileSystem* const system_;
  const FilePtr file_;
  const std::string path_;
  uint64_t offset_ = 0;
};

class FaultFileSystem::RandomAccessFile final
    : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(FaultFileSystem* system, FilePtr file, std::string path)
      : system_(system), file_(std::move(file)), path_(std::move(path)) {}

  IOStatus Read(uint64_t offset, size_t n, const IOOptions& /*options*/,
                Slice* result, char* scratch,
                IODebugContext* /*debug*/) const override {
    absl::MutexLock lock(&system_->mutex_);
    IOStatus s = system_->CallLocked(FileCall::kRead, path_);
    if (!s.ok()) return s;
    return ReadAt(*file_, offset, n, result, scratch);
  }

 private:
  FaultFileSystem* const system_;
  const FilePtr file_;
  const std::string path_;
};

class FaultFileSystem::WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(FaultFileSystem* system, FilePtr file, std::string path,
               const FileOptions& options)
      : FSWritableFile(options),
        system_(system),
        file_(std::move(file)),
        path_(std::move(path)) {}

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*debug*/) override {
    absl::MutexLock lock(&system_->mutex_);
    IOStatus s = system_->CallLocked(FileCall::kAppend, path_);
    if (system_->off_ && system_->quiet_) return IOStatus::OK();
    const size_t size = s.ok() ? data.size() : data.size() / 2;
    if (!system_->off_) file_->data.append(data.data(), size);
    return s;
  }
  IOStatus Truncate(uint64_t size, const IOOptions& /*options*/,
                    IODebugContext* /*debug*/) override {
    absl::MutexLock lock(&system_->mutex_);
    IOStatus s = system_->CallLocked(FileCall::kAppend, path_);
    if (!s.ok()) return s;
    file_->data.resize(size);
    file_->synced = std::min<size_t>(file_->synced, size);
    return s;
  }
  IOStatus Close(const IOOptions& /*options*/,
                 IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions& /*options*/,
                 IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/,
                IODebugContext* /*debug*/) override {
    absl::MutexLock lock(&system_->mutex_);
    IOStatus s = system_->CallLocked(FileCall::kSync, path_);
    if (system_->off_ && system_->quiet_) return IOStatus::OK();
    if (!s.ok()) {
      file_->broken = true;
    } else if (!file_->broken) {
      file_->synced = file_->data.size();
    }
    return s;
  }
  IOStatus RangeSync(uint64_t /*offset*/, uint64_t /*bytes*/,
                     const IOOptions& /*options*/,
                     IODebugContext* /*debug*/) override {
    // Starts the writing and promises nothing.
    return IOStatus::OK();
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions& /*options*/,
                       IODebugContext* /*debug*/) override {
    absl::MutexLock lock(&system_->mutex_);
    return file_->data.size();
  }

 private:
  FaultFileSystem* const system_;
  const FilePtr file_;
  const std::string path_;
};

class FaultFileSystem::Directory final : public rocksdb::FSDirectory {
 public:
  Directory(FaultFileSystem* system, std::string path)
      : system_(system), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& /*options*/,
                 IODebugContext* /*debug*/) override {
    absl::MutexLock lock(&system_->mutex_);
    IOStatus s = system_->CallLocked(FileCall::kDirectorySync, path_);
    if (!s.ok()) return s;
    for (const EntryChange& change : system_->changes_[path_]) {
      Apply(change, system_->durable_);
    }
    system_->changes_.erase(path_);
    return s;
  }
  IOStatus Close(const IOOptions& /*options*/,
                 IODebugContext* /*debug*/) override {
    return IOStatus::OK();
  }

 private:
  FaultFileSystem* const system_;
  const std::string path_;
};

FaultFileSystem::FaultFileSystem() = default;
FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::CutPowerAfter(int64_t calls, bool quietly) {
  absl::MutexLock lock(&mutex_);
  quiet_ = quietly;
  cut_at_ = calls_ + calls;
}

bool FaultFileSystem::power_is_off() const {
  absl::MutexLock lock(&mutex_);
  return off_;
}

void FaultFileSystem::RestorePower(Random& random) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [directory, changes] : changes_) {
    size_t stays = changes.size();
    switch (Below(random, 4)) {
      case 0:
        stays = 0;
        break;
      case 1:
        break;
      default:
        stays = Below(random, changes.size() + 1);
    }
    for (size_t i = 0; i < stays; ++i) Apply(changes[i], durable_);
  }
  changes_.clear();
  entries_ = durable_;
  std::set<File*> cut;
  for (const auto& [path, file] : entries_) {
    if (cut.insert(file.get()).second) CutTail(*file, random);
  }
  locks_.clear();
  off_ = false;
  quiet_ = false;
  cut_at_ = 0;
  fail_in_ = 0;
}

void FaultFileSystem::CutTail(File& file, Random& random) {
  const size_t tail = file.data.size() - file.synced;
  const auto cut = [&](size_t stays) { file.data.resize(file.synced + stays); };
  if (tail > 0) {
    switch (Below(random, 6)) {
      case 0:
        cut(0);
        break;
      case 1:
        break;
      case 2:
        cut(Below(random, tail + 1));
        break;
      case 3: {
        const size_t size = Below(random, tail + 1);
        cut(Below(random, size + 1));
        file.data.resize(file.synced + size, '\0');
        break;
      }
      case 4: {
        // The page that holds the end of the synced part keeps that part.
        for (size_t at = file.synced; at < file.data.size();) {
          const size_t end =
              std::min(file.data.size(), (at / kPage + 1) * kPage);
          if (Below(random, 2) == 0) {
            std::fill(file.data.begin() + at, file.data.begin() + end, '\0');
          }
          at = end;
        }
        break;
      }
      default: {
        const size_t size = Below(random, tail + 1);
        cut(Below(random, size + 1));
        while (file.data.size() < file.synced + size) {
          file.data.push_back(static_cast<char>(random.Next()));
        }
      }
    }
  }
  file.synced = file.data.size();
  file.broken = false;
}

void FaultFileSystem::FailCall(int64_t calls, Fault fault,
                               std::optional<FileCall> kind) {
  absl::MutexLock lock(&mutex_);
  fail_in_ = calls;
  fault_ = fault;
  fail_kind_ = kind;
  struck_.reset();
}

void FaultFileSystem::SetFull(bool full) {
  absl::MutexLock lock(&mutex_);
  full_ = full;
}

std::optional<FileCall> FaultFileSystem::struck() const {
  absl::MutexLock lock(&mutex_);
  return struck_;
}

void FaultFileSystem::ClearFault() {
  absl::MutexLock lock(&mutex_);
  fail_in_ = 0;
  full_ = false;
  struck_.reset();
}

int64_t FaultFileSystem::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

int64_t FaultFileSystem::calls(FileCall kind) const {
  absl::MutexLock lock(&mutex_);
  return counts_[static_cast<int>(kind)];
}

std::map<std::string, size_t> FaultFileSystem::Sizes() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, size_t> sizes;
  for (const auto& [path, file] : entries_) sizes[path] = file->data.size();
  return sizes;
}

std::string FaultFileSystem::Contents(const std::string& path) const {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(path);
  return found == entries_.end() ? "" : found->second->data;
}

void FaultFileSystem::SetContents(const std::string& path,
                                  const std::string& contents) {
  absl::MutexLock lock(&mutex_);
  auto file = std::make_shared<File>();
  file->data = contents;
  file->synced = contents.size();
  entries_[path] = file;
  durable_[path] = file;
}

std::map<std::string, std::string> FaultFileSystem::Save() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, std::string> saved;
  for (const auto& [path, file] : entries_) saved[path] = file->data;
  return saved;
}

void FaultFileSystem::Load(const std::map<std::string, std::string>& saved) {
  absl::MutexLock lock(&mutex_);
  entries_.clear();
  changes_.clear();
  locks_.clear();
  for (const auto& [path, contents] : saved) {
    auto file = std::make_shared<File>();
    file->data = contents;
    file->synced = contents.size();
    entries_[path] = std::move(file);
    directories_.insert(ParentOf(path));
  }
  durable_ = entries_;
  off_ = false;
  cut_at_ = 0;
  fail_in_ = 0;
}

IOStatus FaultFileSystem::Call(FileCall kind, absl::string_view path) {
  absl::MutexLock lock(&mutex_);
  return CallLocked(kind, path);
}

IOStatus FaultFileSystem::CallLocked(FileCall kind, absl::string_view path) {
  ++calls_;
  ++counts_[static_cast<int>(kind)];
  if (cut_at_ != 0 && calls_ >= cut_at_) off_ = true;
  const std::string name(path);
  if (off_) return IOStatus::IOError("the power is off", name);
  if (full_ && (kind == FileCall::kAppend || kind == FileCall::kCreate)) {
    return IOStatus::NoSpace("the disk is full", name);
  }
  if (fail_in_ == 0 || (fail_kind_.has_value() && *fail_kind_ != kind)) {
    return IOStatus::OK();
  }
  if (--fail_in_ > 0) return IOStatus::OK();
  struck_ = kind;
  return fault_ == Fault::kNoSpace ? IOStatus::NoSpace("injected ENOSPC", name)
                                   : IOStatus::IOError("injected EIO", name);
}

FaultFileSystem::FilePtr FaultFileSystem::Find(const std::string& path) {
  const auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : found->second;
}

void FaultFileSystem::Change(EntryChange change) {
  Apply(change, entries_);
  changes_[ParentOf(change.to)].push_back(std::move(change));
}

void FaultFileSystem::Apply(const EntryChange& change, Entries& entries) {
  if (!change.from.empty()) entries.erase(change.from);
  if (change.file == nullptr) {
    entries.erase(change.to);
  } else {
    entries[change.to] = change.file;
  }
}

IOStatus FaultFileSystem::ReadAt(const File& file, uint64_t offset, size_t n,
                                 Slice* result, char* scratch) {
  const size_t size = file.data.size();
  const size_t from = std::min<size_t>(offset, size);
  const size_t got = std::min(n, size - from);
  std::memcpy(scratch, file.data.data() + from, got);
  *result = Slice(scratch, got);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewSequentialFile(
    const std::string& path, const FileOptions& /*options*/,
    std::unique_ptr<rocksdb::FSSequentialFile>* result,
    IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOpen, path);
  if (!s.ok()) return s;
  FilePtr file = Find(path);
  if (file == nullptr) return IOStatus::PathNotFound("no such file", path);
  *result = std::make_unique<SequentialFile>(this, std::move(file), path);
  return s;
}

IOStatus FaultFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions& /*options*/,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
    IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOpen, path);
  if (!s.ok()) return s;
  FilePtr file = Find(path);
  if (file == nullptr) return IOStatus::PathNotFound("no such file", path);
  *result = std::make_unique<RandomAccessFile>(this, std::move(file), path);
  return s;
}

IOStatus FaultFileSystem::NewWritableFile(
    const std::string& path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kCreate, path);
  if (!s.ok()) return s;
  auto file = std::make_shared<File>();
  Change({"", path, file});
  *result =
      std::make_unique<WritableFile>(this, std::move(file), path, options);
  return s;
}

IOStatus FaultFileSystem::ReopenWritableFile(
    const std::string& path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kCreate, path);
  if (!s.ok()) return s;
  FilePtr file = Find(path);
  if (file == nullptr) {
    file = std::make_shared<File>();
    Change({"", path, file});
  }
  *result =
      std::make_unique<WritableFile>(this, std::move(file), path, options);
  return s;
}

IOStatus FaultFileSystem::NewDirectory(
    const std::string& path, const IOOptions& /*options*/,
    std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* /*debug*/) {
  IOStatus s = Call(FileCall::kDirectoryOpen, path);
  if (s.ok()) *result = std::make_unique<Directory>(this, Trimmed(path));
  return s;
}

IOStatus FaultFileSystem::FileExists(const std::string& path,
                                     const IOOptions& /*options*/,
                                     IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOther, path);
  if (!s.ok()) return s;
  return Find(path) != nullptr || directories_.count(Trimmed(path)) > 0
             ? IOStatus::OK()
             : IOStatus::NotFound();
}

IOStatus FaultFileSystem::GetChildren(const std::string& directory,
                                      const IOOptions& /*options*/,
                                      std::vector<std::string>* result,
                                      IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  result->clear();
  IOStatus s = CallLocked(FileCall::kOther, directory);
  if (!s.ok()) return s;
  const std::string name = Trimmed(directory);
  if (directories_.count(name) == 0) {
    return IOStatus::NotFound("no such directory", directory);
  }
  for (const auto& [path, file] : entries_) {
    if (ParentOf(path) == name) result->push_back(path.substr(name.size() + 1));
  }
  return s;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path,
                                     const IOOptions& /*options*/,
                                     IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kDelete, path);
  if (!s.ok()) return s;
  if (Find(path) == nullptr) return IOStatus::PathNotFound("no file", path);
  Change({"", path, nullptr});
  return s;
}

IOStatus FaultFileSystem::CreateDir(const std::string& path,
                                    const IOOptions& /*options*/,
                                    IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOther, path);
  if (!s.ok()) return s;
  return directories_.insert(Trimmed(path)).second
             ? IOStatus::OK()
             : IOStatus::IOError("it is there", path);
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& path,
                                             const IOOptions& /*options*/,
                                             IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOther, path);
  if (s.ok()) directories_.insert(Trimmed(path));
  return s;
}

IOStatus FaultFileSystem::DeleteDir(const std::string& path,
                                    const IOOptions& /*options*/,
                                    IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOther, path);
  if (s.ok()) directories_.erase(Trimmed(path));
  return s;
}

IOStatus FaultFileSystem::GetFileSize(const std::string& path,
                                      const IOOptions& /*options*/,
                                      uint64_t* size,
                                      IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOther, path);
  if (!s.ok()) return s;
  const FilePtr file = Find(path);
  if (file == nullptr) return IOStatus::PathNotFound("no such file", path);
  *size = file->data.size();
  return s;
}

IOStatus FaultFileSystem::GetFileModificationTime(const std::string& path,
                                                  const IOOptions& /*options*/,
                                                  uint64_t* time,
                                                  IODebugContext* /*debug*/) {
  *time = 0;
  return Call(FileCall::kOther, path);
}

IOStatus FaultFileSystem::RenameFile(const std::string& from,
                                     const std::string& to,
                                     const IOOptions& /*options*/,
                                     IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kRename, from);
  if (!s.ok()) return s;
  FilePtr file = Find(from);
  if (file == nullptr) return IOStatus::PathNotFound("no such file", from);
  if (ParentOf(from) != ParentOf(to)) {
    return IOStatus::NotSupported("into another directory");
  }
  Change({from, to, std::move(file)});
  return s;
}

IOStatus FaultFileSystem::LockFile(const std::string& path,
                                   const IOOptions& /*options*/,
                                   rocksdb::FileLock** lock,
                                   IODebugContext* /*debug*/) {
  absl::MutexLock guard(&mutex_);
  IOStatus s = CallLocked(FileCall::kOther, path);
  if (!s.ok()) return s;
  if (!locks_.insert(path).second) return IOStatus::IOError("locked", path);
  *lock = new Lock(path);
  return s;
}

IOStatus FaultFileSystem::UnlockFile(rocksdb::FileLock* lock,
                                     const IOOptions& /*options*/,
                                     IODebugContext* /*debug*/) {
  absl::MutexLock guard(&mutex_);
  locks_.erase(static_cast<Lock*>(lock)->path);
  delete static_cast<Lock*>(lock);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::GetTestDirectory(const IOOptions& /*options*/,
                                           std::string* path,
                                           IODebugContext* /*debug*/) {
  *path = "/test";
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewLogger(const std::string& /*path*/,
                                    const IOOptions& /*options*/,
                                    std::shared_ptr<rocksdb::Logger>* result,
                                    IODebugContext* /*debug*/) {
  *result = std::make_shared<NoLogger>();
  return IOStatus::OK();
}

IOStatus FaultFileSystem::GetAbsolutePath(const std::string& path,
                                          const IOOptions& /*options*/,
                                          std::string* output,
                                          IODebugContext* /*debug*/) {
  *output = path;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::IsDirectory(const std::string& path,
                                      const IOOptions& /*options*/,
                                      bool* is_directory,
                                      IODebugContext* /*debug*/) {
  absl::MutexLock lock(&mutex_);
  IOStatus s = CallLocked(FileCall::kOther, path);
  *is_directory = directories_.count(Trimmed(path)) > 0;
  return s;
}

}  // namespace connector::membership
