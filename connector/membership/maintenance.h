#ifndef CONNECTOR_MEMBERSHIP_MAINTENANCE_H_
#define CONNECTOR_MEMBERSHIP_MAINTENANCE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace connector::membership {

struct BackupInfo {
  // The directory below the one that was named.
  std::string name;
  // Of all its files, those it shares with the store too.
  int64_t bytes = 0;
  absl::Time time;
};

// What an operator does with the whole store. Thread-safe.
class Maintenance {
 public:
  virtual ~Maintenance() = default;

  // Makes a complete copy of the store in a new directory below `directory`,
  // which must be there: `NAME/store`, to be used as a state directory. Holds
  // everything that was acknowledged before the call; the store goes on
  // meanwhile. On the same file system the copy shares the store's large files.
  // The copy holds a mark that makes the store that opens it a restored one.
  // UNAVAILABLE BACKUP_FAILED; then nothing of it stays.
  virtual absl::StatusOr<BackupInfo> Backup(const std::string& directory) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_MAINTENANCE_H_
