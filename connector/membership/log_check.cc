#include "connector/membership/log_check.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/membership/damage.h"
#include "connector/membership/database.h"
#include "connector/membership/keys.h"
#include "connector/membership/rows.h"
#include "rocksdb/file_system.h"

namespace connector::membership {
namespace {

// The numbers of a batch: it begins with the first one, eight bytes, the low
// ones first.
struct Span {
  explicit Span(const rocksdb::WriteBatch& batch) {
    const std::string& bytes = batch.Data();
    for (int i = 7; i >= 0; --i) {
      first = first << 8 | static_cast<uint8_t>(bytes[i]);
    }
    next = first + batch.Count();
  }
  uint64_t first = 0;
  uint64_t next = 0;
};

// Looks for the claim in a batch.
class ClaimFinder final : public rocksdb::WriteBatch::Handler {
 public:
  explicit ClaimFinder(uint32_t meta_family) : meta_family_(meta_family) {}

  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    if (family == meta_family_ &&
        key == rocksdb::Slice(kSyncedWriteKey.data(), kSyncedWriteKey.size())) {
      const std::optional<uint64_t> number =
          DecodeNumber(absl::string_view(value.data(), value.size()));
      stable = std::max(stable, number.value_or(0));
    }
    return rocksdb::Status::OK();
  }
  rocksdb::Status MergeCF(uint32_t /*family*/, const rocksdb::Slice& /*key*/,
                          const rocksdb::Slice& /*value*/) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t /*family*/,
                           const rocksdb::Slice& /*key*/) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t /*family*/,
                                const rocksdb::Slice& /*begin*/,
                                const rocksdb::Slice& /*end*/) override {
    return rocksdb::Status::OK();
  }

  uint64_t stable = 0;

 private:
  const uint32_t meta_family_;
};

// Reads all of a log that can be read and applies none of it.
class LogReader final : public rocksdb::WalFilter {
 public:
  void ColumnFamilyLogNumberMap(
      const std::map<uint32_t, uint64_t>& /*log_numbers*/,
      const std::map<std::string, uint32_t>& families) override {
    const auto meta = families.find("meta");
    if (meta != families.end()) meta_family_ = meta->second;
  }
  WalProcessingOption LogRecordFound(unsigned long long /*number*/,
                                     const std::string& file,  // NOLINT
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* /*new_batch*/,
                                     bool* /*batch_changed*/) override {
    const Span span(batch);
    if (next_ == 0) first_ = next_ = span.first;
    if (span.first > next_ && gap_file_.empty()) {
      gap_ = next_;
      gap_file_ = last_file_;
    }
    next_ = std::max(next_, span.next);
    last_file_ = file;
    ClaimFinder finder(meta_family_);
    // What cannot be taken apart claims nothing.
    batch.Iterate(&finder).PermitUncheckedError();
    stable_ = std::max(stable_, finder.stable);
    return WalProcessingOption::kIgnoreCurrentRecord;
  }
  const char* Name() const override { return "LogReader"; }

  // `flushed`: the newest number that needs no log.
  absl::Status Verdict(uint64_t flushed) const {
    if (next_ == 0) return absl::OkStatus();
    if (first_ > flushed + 1) {
      if (stable_ <= flushed) return absl::OkStatus();
      return Damaged(
          "the beginning of its log, or the end of its MANIFEST, does not "
          "read");
    }
    if (gap_file_.empty() || stable_ < gap_) return absl::OkStatus();
    return Damaged(
        absl::StrCat("file ", FileNamedIn(gap_file_),
                     " is damaged in the middle: writes that were on stable "
                     "storage cannot be read any more"));
  }
  uint64_t stable() const { return stable_; }

 private:
  uint32_t meta_family_ = ~uint32_t{0};
  uint64_t first_ = 0;
  uint64_t next_ = 0;
  // The first number that is missing, and the file before the gap.
  uint64_t gap_ = 0;
  std::string gap_file_;
  std::string last_file_;
  uint64_t stable_ = 0;
};

// A log as it is read, but without what RocksDB 7.8 never gets past when it is
// told to skip whatever cannot be read: a record of a type that only logs which
// are used again have, as rubbish behind a torn end may look like. The rest of
// its block is zeros here, which is what is skipped.
class ReadableLog final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  explicit ReadableLog(std::unique_ptr<rocksdb::FSSequentialFile>&& file)
      : FSSequentialFileOwnerWrapper(std::move(file)) {}

  rocksdb::IOStatus Read(size_t size, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* context) override {
    size_t done = 0;
    while (done < size) {
      if (at_ == block_.size()) {
        rocksdb::IOStatus status = ReadBlock(options, context);
        if (!status.ok()) return status;
        if (block_.empty()) break;
      }
      const size_t part = std::min(size - done, block_.size() - at_);
      std::memcpy(scratch + done, block_.data() + at_, part);
      at_ += part;
      done += part;
    }
    *result = rocksdb::Slice(scratch, done);
    return rocksdb::IOStatus::OK();
  }

 private:
  // Of RocksDB's logs: see manifest_check.cc.
  static constexpr size_t kBlock = 32'768;
  static constexpr size_t kHeader = 7;
  static constexpr uint8_t kFirstUsedAgain = 5;
  static constexpr uint8_t kLastUsedAgain = 8;

  rocksdb::IOStatus ReadBlock(const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* context) {
    block_.resize(kBlock);
    at_ = 0;
    size_t done = 0;
    while (done < kBlock) {
      rocksdb::Slice part;
      rocksdb::IOStatus status = FSSequentialFileOwnerWrapper::Read(
          kBlock - done, options, &part, block_.data() + done, context);
      if (!status.ok()) return status;
      if (part.empty()) break;
      if (part.data() != block_.data() + done) {
        std::memcpy(block_.data() + done, part.data(), part.size());
      }
      done += part.size();
    }
    block_.resize(done);
    // Goes at least as far as RocksDB, which leaves a block at the first sum
    // that is wrong.
    for (size_t at = 0; at + kHeader <= done;) {
      const auto byte = [&](size_t i) {
        return size_t{static_cast<uint8_t>(block_[at + i])};
      };
      const size_t type = byte(6);
      if (type >= kFirstUsedAgain && type <= kLastUsedAgain) {
        std::fill(block_.begin() + static_cast<std::ptrdiff_t>(at),
                  block_.end(), '\0');
        break;
      }
      at += kHeader + (byte(4) | byte(5) << 8);
    }
    return rocksdb::IOStatus::OK();
  }

  std::string block_;
  size_t at_ = 0;
};

class ReadableLogs final : public rocksdb::FileSystemWrapper {
 public:
  explicit ReadableLogs(const std::shared_ptr<rocksdb::FileSystem>& files)
      : FileSystemWrapper(files) {}
  const char* Name() const override { return "ReadableLogs"; }

  rocksdb::IOStatus NewSequentialFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSSequentialFile>* file,
      rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status =
        FileSystemWrapper::NewSequentialFile(name, options, file, context);
    if (status.ok() && absl::EndsWith(name, ".log")) {
      *file = std::make_unique<ReadableLog>(std::move(*file));
    }
    return status;
  }
};

class NoLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

}  // namespace

rocksdb::WalFilter::WalProcessingOption GapStop::LogRecordFound(
    unsigned long long /*number*/, const std::string& /*file*/,  // NOLINT
    const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* /*new_batch*/,
    bool* /*batch_changed*/) {
  const Span span(batch);
  if (next_ != 0 && span.first > next_) {
    return WalProcessingOption::kCorruptedRecord;
  }
  next_ = std::max(next_, span.next);
  return WalProcessingOption::kContinueProcessing;
}

absl::Status CheckLog(const std::string& path, const DatabaseSetup& setup,
                      LogClaim* claim) {
  LogReader reader;
  rocksdb::DBOptions options = setup.options;
  options.wal_filter = &reader;
  options.wal_recovery_mode =
      rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  options.listeners.clear();
  // Reading alone cannot flush: a budget of its own would stop it.
  options.write_buffer_manager = nullptr;
  // The log of the last process stays where it is.
  options.info_log = std::make_shared<NoLogger>();
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(
      std::make_shared<ReadableLogs>(options.env->GetFileSystem()));
  options.env = env.get();

  rocksdb::DB* opened = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
      options, path, setup.families, &handles, &opened);
  // Its making was cut off: there was nothing in it, or it is not ours.
  if (IsOtherDatabase(status)) return absl::OkStatus();
  if (!status.ok()) return OpenStatus(status);
  std::unique_ptr<rocksdb::DB> db(opened);
  const uint64_t flushed = db->GetLatestSequenceNumber();
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    db->DestroyColumnFamilyHandle(handle);
  }
  claim->stable = reader.stable();
  claim->flushed = flushed;
  return reader.Verdict(flushed);
}

}  // namespace connector::membership
