#include "connector/membership/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "connector/base/error.h"
#include "connector/membership/rejection_log.h"

namespace connector::membership {
namespace {

namespace fs = std::filesystem;

constexpr char kMark[] = "restored";
// What a backup is called until it is whole.
constexpr char kPart[] = ".part-";

absl::Status Failed(absl::string_view what, absl::string_view why) {
  return MakeError(absl::StatusCode::kUnavailable, "BACKUP_FAILED",
                   absl::StrCat("the backup ", what, ": ", why));
}

absl::Status SyncPath(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Failed("cannot be synced", std::strerror(errno));
  const bool synced = fsync(file) == 0;
  const int error = errno;
  close(file);
  if (synced) return absl::OkStatus();
  return Failed("cannot be synced", std::strerror(error));
}

absl::Status WriteMark(const std::string& path) {
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return Failed("cannot be marked", std::strerror(errno));
  close(file);
  return SyncPath(path);
}

absl::StatusOr<int64_t> BytesBelow(const std::string& path) {
  int64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(path, error), end;
       !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error) && !error) {
      bytes += static_cast<int64_t>(it->file_size(error));
    }
  }
  if (error) return Failed("does not read", error.message());
  return bytes;
}

absl::Status Fill(Core& core, const std::string& part) {
  const std::string store = absl::StrCat(part, "/store");
  if (mkdir(part.c_str(), 0700) != 0 || mkdir(store.c_str(), 0700) != 0) {
    return Failed("cannot be made", std::strerror(errno));
  }
  const absl::Status copied =
      core.database.Copy(absl::StrCat(store, "/rocksdb"));
  if (!copied.ok()) return Failed("cannot be made", copied.message());
  const std::string mark = absl::StrCat(store, "/", kMark);
  if (absl::Status s = WriteMark(mark); !s.ok()) return s;
  if (absl::Status s = SyncPath(store); !s.ok()) return s;
  return SyncPath(part);
}

}  // namespace

absl::StatusOr<BackupInfo> WriteBackup(Core& core,
                                       const std::string& directory) {
  static absl::Mutex* const one_at_a_time = new absl::Mutex;
  absl::MutexLock lock(one_at_a_time);
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return Failed("cannot be made", "its directory is not there");
  }
  // What an earlier one left when it was cut off.
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (absl::StartsWith(entry.path().filename().string(), kPart)) {
      fs::remove_all(entry.path(), error);
    }
  }
  BackupInfo info;
  info.time = core.clock.Now();
  const std::string name =
      absl::FormatTime("backup-%Y%m%dT%H%M%SZ", info.time, absl::UTCTimeZone());
  info.name = name;
  for (int i = 2; fs::exists(absl::StrCat(directory, "/", info.name)); ++i) {
    info.name = absl::StrCat(name, "-", i);
  }
  const std::string part = absl::StrCat(directory, "/", kPart, info.name);
  const auto undo = [&](absl::Status status) {
    fs::remove_all(part, error);
    return status;
  };
  if (absl::Status s = Fill(core, part); !s.ok()) return undo(s);
  absl::StatusOr<int64_t> bytes = BytesBelow(part);
  if (!bytes.ok()) return undo(bytes.status());
  info.bytes = *bytes;
  if (rename(part.c_str(), absl::StrCat(directory, "/", info.name).c_str()) !=
      0) {
    return undo(Failed("cannot be named", std::strerror(errno)));
  }
  if (absl::Status s = SyncPath(directory); !s.ok()) return s;
  return info;
}

bool IsRestored(const std::string& path) {
  return access(absl::StrCat(path, "/", kMark).c_str(), F_OK) == 0;
}

absl::Status ApplyRestore(Core& core) {
  const std::string history = absl::StrFormat("%016x", core.random.Next());
  WriteSet set(core.database);
  set.Put(Family::kMeta, kHistoryKey, history);
  std::vector<std::pair<DestinationNumber, FullSync>> discarded;
  {
    absl::MutexLock lock(&core.tables.mutex);
    for (const auto& [number, state] : core.tables.destinations) {
      DestinationRow row = state.row;
      row.history_id = absl::StrCat(history, "-", number);
      set.Put(Family::kMeta, NumberKey(kDestinationKey, number),
              EncodeDestination(row));
    }
    for (const auto& [number, state] : core.tables.lists) {
      ListRow row = state.row;
      ++row.epoch;
      row.unknown_members = true;
      row.look_for_newer =
          core.tables.segments.at(row.segment).row.list == number;
      set.Put(Family::kMeta, NumberKey(kListKey, number), EncodeList(row));
      // Their exports are gone: what was not applied is told anew.
      IntakeCounts counts = core.tables.segments.at(row.segment).intake;
      bool dropped = false;
      for (auto [id, full_sync] : state.full_syncs) {
        if (full_sync.ended() || full_sync.state == FullSyncState::kReleased) {
          continue;
        }
        full_sync.state = FullSyncState::kDiscarded;
        full_sync.decision_time = core.clock.Now();
        counts.rejected += full_sync.declared;
        dropped = true;
        discarded.emplace_back(row.destination, full_sync);
        set.Put(Family::kMeta, NumberKey(kFullSyncKey, number, id),
                EncodeFullSync(full_sync));
      }
      if (dropped) {
        set.Put(Family::kCounters, NumberKey(kIntakeKey, row.segment),
                EncodeIntakeCounts(counts));
      }
    }
  }
  RejectionLog rejections(core);
  for (const auto& [destination, full_sync] : discarded) {
    rejections.Append(destination,
                      EndOfFullSync(full_sync, full_sync.decision_time), set);
  }
  // Hosts begin anew.
  set.DeleteRange(Family::kExports, {std::string(), std::string(8, '\xff')});
  // They would send what the copy takes for confirmed.
  set.DeleteRange(Family::kDoubts,
                  PrefixRange(absl::string_view(&kEchoKey, 1)));
  return core.database.Write(set, Database::Sync::kYes);
}

absl::Status ClearRestored(const std::string& path) {
  const std::string mark = absl::StrCat(path, "/", kMark);
  if (unlink(mark.c_str()) != 0 && errno != ENOENT) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the file \"restored\" cannot be removed: ", std::strerror(errno)));
  }
  return SyncPath(path);
}

}  // namespace connector::membership
