// How deleted keys go from the files, too.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "connector/base/error.h"
#include "connector/membership/database.h"
#include "connector/membership/database_options.h"
#include "rocksdb/cache.h"
#include "rocksdb/table.h"

namespace connector::membership {
namespace {

// A row that is only there while the manifest is made to grow.
constexpr absl::string_view kRollKey = "!roll";
// It is named twice for each table that it is in.
constexpr size_t kRollKeyBytes = kMaxManifestBytes / 8;
constexpr int kMostRolls = 32;

// The form of RocksDB's logs, as in manifest_check.cc: what does not fit into a
// block goes on behind the header of the next one.
constexpr size_t kBlock = 32'768;
constexpr size_t kHeader = 7;

bool Holds(absl::string_view file, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (absl::StrContains(file, text)) return true;
    for (size_t end = kBlock; end + kHeader < file.size(); end += kBlock) {
      if (absl::StrContains(
              absl::StrCat(file.substr(end - text.size(), text.size()),
                           file.substr(end + kHeader, text.size())),
              text)) {
        return true;
      }
    }
  }
  return false;
}

absl::Status FilesInUse() {
  return MakeError(absl::StatusCode::kUnavailable, "FILES_IN_USE",
                   "a file of the store that should go is still in use");
}

}  // namespace

absl::Status Database::CleanStatus(const rocksdb::Status& status) {
  if (status.IsCorruption()) return ReadStatus(status);
  if (status.ok()) return Healthy();
  return MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                   "the store cannot clean its files now");
}

absl::Status Database::Clean(Family family, const KeyRange& range) {
  if (!on_disk_) return Healthy();
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.canceled = &cancel_cleaning_;
  // A compaction looks for the lowest level once, at its beginning: another one
  // must not move tables below that meanwhile.
  StopCompaction(family);
  const absl::Cleanup allow = [this, family] { AllowCompaction(family); };
  // Otherwise a table may be moved to the lowest level as it is, with what says
  // that a key is deleted, which names the key.
  options.bottommost_level_compaction =
      rocksdb::BottommostLevelCompaction::kForceOptimized;
  const rocksdb::Slice begin(range.begin);
  const rocksdb::Slice end(range.end);
  return CleanStatus(db_->CompactRange(options, handle(family), &begin, &end));
}

int64_t Database::TableBytes(Family family) {
  uint64_t bytes = 0;
  db_->GetIntProperty(handle(family),
                      rocksdb::DB::Properties::kLiveSstFilesSize, &bytes);
  return static_cast<int64_t>(bytes);
}

void Database::CompactWhenStale(Family family,
                                absl::FunctionRef<int64_t()> live) {
  if (!on_disk_) return;
  const int64_t bytes = TableBytes(family);
  if (bytes < stale_bytes_) return;
  const int64_t live_bytes = live();
  if (bytes < 2 * live_bytes + stale_bytes_) return;
  absl::MutexLock lock(&compaction_mutex_);
  Compaction& compaction = compactions_[static_cast<int>(family)];
  if (compaction.running || compaction.stopping > 0) return;
  // Not again if the last one was in vain.
  if (2 * live_bytes >= compaction.live_bytes &&
      bytes <
          compaction.table_bytes + compaction.table_bytes / 2 + stale_bytes_) {
    return;
  }
  if (compaction.thread.joinable()) compaction.thread.join();
  compaction.running = true;
  compaction.cancelled = false;
  compaction.live_bytes = live_bytes;
  compaction.thread = std::thread([this, &compaction, family] {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.canceled = &compaction.cancelled;
    // That it fails shows in the writes.
    db_->CompactRange(options, handle(family), nullptr, nullptr)
        .PermitUncheckedError();
    const int64_t left = TableBytes(family);
    absl::MutexLock done(&compaction_mutex_);
    compaction.table_bytes = left;
    compaction.running = false;
  });
}

void Database::StopCompaction(Family family) {
  std::thread thread;
  {
    absl::MutexLock lock(&compaction_mutex_);
    Compaction& compaction = compactions_[static_cast<int>(family)];
    ++compaction.stopping;
    compaction.cancelled = true;
    thread = std::move(compaction.thread);
  }
  if (thread.joinable()) thread.join();
  // Another caller may be the one that waits for the thread.
  const auto ended = [this,
                      family]() ABSL_SHARED_LOCKS_REQUIRED(compaction_mutex_) {
    return !compactions_[static_cast<int>(family)].running;
  };
  absl::MutexLock lock(&compaction_mutex_);
  compaction_mutex_.Await(absl::Condition(&ended));
}

void Database::AllowCompaction(Family family) {
  absl::MutexLock lock(&compaction_mutex_);
  --compactions_[static_cast<int>(family)].stopping;
}

absl::StatusOr<bool> Database::ManifestHolds(
    const std::vector<std::string>& texts) {
  rocksdb::Env* const env = db_->GetEnv();
  std::string name;
  rocksdb::Status status =
      rocksdb::ReadFileToString(env, db_->GetName() + "/CURRENT", &name);
  std::string contents;
  if (status.ok()) {
    status = rocksdb::ReadFileToString(
        env,
        absl::StrCat(db_->GetName(), "/",
                     absl::string_view(absl::StripSuffix(name, "\n"))),
        &contents);
  }
  // It was written anew just now.
  if (status.IsNotFound() || status.IsPathNotFound()) return FilesInUse();
  if (!status.ok()) return CleanStatus(status);
  return Holds(contents, texts);
}

absl::Status Database::CleanManifest(const std::vector<std::string>& texts) {
  if (!on_disk_) return Healthy();
  const std::string key =
      absl::StrCat(kRollKey, std::string(kRollKeyBytes, '\0'));
  bool rolled = false;
  for (int i = 0; i < kMostRolls; ++i) {
    absl::StatusOr<bool> holds = ManifestHolds(texts);
    if (!holds.ok()) return holds.status();
    if (!*holds) break;
    if (i + 1 == kMostRolls) return FilesInUse();
    rolled = true;
    WriteSet set(*this);
    set.Put(Family::kMeta, key, "");
    if (absl::Status s = Write(set, Sync::kNo); !s.ok()) return s;
    if (absl::Status s = CleanStatus(
            db_->Flush(rocksdb::FlushOptions(), handle(Family::kMeta)));
        !s.ok()) {
      return s;
    }
  }
  if (!rolled) return absl::OkStatus();
  WriteSet set(*this);
  set.DeleteRange(Family::kMeta, PrefixRange(kRollKey));
  if (absl::Status s = Write(set, Sync::kNo); !s.ok()) return s;
  return Clean(Family::kMeta, PrefixRange(kRollKey));
}

absl::Status Database::CleanLog(Family family, const KeyRange& range) {
  if (!on_disk_) return Healthy();
  rocksdb::Env* const env = db_->GetEnv();
  const auto files = [&](std::vector<std::string>* names) {
    return CleanStatus(env->GetChildren(db_->GetName(), names));
  };
  std::vector<std::string> before;
  if (absl::Status s = files(&before); !s.ok()) return s;
  // The log goes on in another file only if there is something to flush.
  WriteSet set(*this);
  set.Delete(Family::kMeta, kRollKey);
  if (absl::Status s = Write(set, Sync::kYes); !s.ok()) return s;
  for (rocksdb::ColumnFamilyHandle* each : handles_) {
    if (absl::Status s = CleanStatus(db_->Flush(rocksdb::FlushOptions(), each));
        !s.ok()) {
      return s;
    }
  }
  if (absl::Status s = Clean(family, range); !s.ok()) return s;
  // Looks for every file that is not needed; others are deleted when they are
  // no longer read.
  rocksdb::Status status = db_->DisableFileDeletions();
  if (status.ok()) status = db_->EnableFileDeletions(/*force=*/false);
  if (absl::Status s = CleanStatus(status); !s.ok()) return s;

  std::vector<std::string> after;
  if (absl::Status s = files(&after); !s.ok()) return s;
  std::vector<rocksdb::LiveFileMetaData> tables;
  db_->GetLiveFilesMetaData(&tables);
  std::set<std::string> live;
  for (const rocksdb::LiveFileMetaData& table : tables) {
    live.insert(std::string(absl::StripPrefix(table.name, "/")));
  }
  std::string manifest;
  if (absl::Status s = CleanStatus(rocksdb::ReadFileToString(
          env, db_->GetName() + "/CURRENT", &manifest));
      !s.ok()) {
    return s;
  }
  live.insert(std::string(absl::StripSuffix(manifest, "\n")));
  for (const std::string& name : before) {
    const bool data = absl::EndsWith(name, ".sst") ||
                      absl::EndsWith(name, ".log") ||
                      absl::StartsWith(name, "MANIFEST");
    if (data && live.count(name) == 0 &&
        std::find(after.begin(), after.end(), name) != after.end()) {
      return FilesInUse();
    }
  }
  // What was read of them before.
  const auto* table =
      db_->GetOptions(handle(family))
          .table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
  if (table != nullptr && table->block_cache != nullptr) {
    table->block_cache->EraseUnRefEntries();
  }
  return absl::OkStatus();
}

}  // namespace connector::membership
