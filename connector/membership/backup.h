#ifndef CONNECTOR_MEMBERSHIP_BACKUP_H_
#define CONNECTOR_MEMBERSHIP_BACKUP_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "connector/membership/maintenance.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// Maintenance::Backup(). One at a time.
absl::StatusOr<BackupInfo> WriteBackup(Core& core,
                                       const std::string& directory);

// Whether the store in `path` is marked as one that was put back from a copy:
// a file "restored" is in it.
bool IsRestored(const std::string& path);

// Takes back what a copy cannot know any more, in one write: the store and
// each destination get a new history id, no list's delivered state is believed
// and no removal for it is skipped, exports and echoes are forgotten. What
// waits and the doubts stay. The tables must be loaded, and be loaded again
// afterwards. Doing it twice does no harm.
absl::Status ApplyRestore(Core& core);

// Takes the mark away.
absl::Status ClearRestored(const std::string& path);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_BACKUP_H_
