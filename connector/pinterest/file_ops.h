#ifndef CONNECTOR_PINTEREST_FILE_OPS_H_
#define CONNECTOR_PINTEREST_FILE_OPS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace connector::pinterest {

// The few steps that a small file is kept with, one by one, so that a test can
// fail or stop after each. Files belong to their owner alone (0600). Errors are
// UNAVAILABLE and name the step, never the path or the content. Thread-safe.
class FileOps {
 public:
  virtual ~FileOps() = default;

  // The content of a file of at most 64 KiB. NOT_FOUND when there is none.
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;

  // Writes over the file from its start (made if it is not there), then cuts it
  // to this size: space it had before is used again. Not durable yet.
  virtual absl::Status Write(const std::string& path,
                             absl::string_view content) = 0;

  // The file's content is durable, not yet its name.
  virtual absl::Status Sync(const std::string& path) = 0;

  // Atomic, takes the place of what is there. Not durable yet.
  virtual absl::Status Rename(const std::string& from,
                              const std::string& to) = 0;

  // The directory's names are durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;

  // OK, too, when it is not there.
  virtual absl::Status Remove(const std::string& path) = 0;

  // The file system; lives as long as the process.
  static FileOps& Real();
};

// Puts `content` durably in the place of directory/name: whatever happens, the
// old or the new content is there, whole.
absl::Status ReplaceFile(FileOps& files, const std::string& directory,
                         const std::string& name, absl::string_view content);

// The file that ReplaceFile writes first.
std::string TemporaryPath(const std::string& directory,
                          const std::string& name);

}  // namespace connector::pinterest

#endif  // CONNECTOR_PINTEREST_FILE_OPS_H_
