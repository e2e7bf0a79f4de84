#ifndef CONNECTOR_MEMBERSHIP_DISK_SPACE_H_
#define CONNECTOR_MEMBERSHIP_DISK_SPACE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace connector::membership {

// Bytes that a process may still write to the file system of `path`, as
// statvfs(2) tells; it knows project quotas, not quotas of users.
absl::StatusOr<int64_t> FreeSpace(const std::string& path);

// Tells when intake has to stop so that delivery can go on: a pass sorts into
// files, writes delivered state and lets the database compact, and frees the
// space that changes take only when it ends. Thread-safe.
class DiskSpace {
 public:
  struct Options {
    std::string path;
    // 0: never stops.
    int64_t reserve_bytes = 0;
    std::function<absl::StatusOr<int64_t>(const std::string&)> free_space;
  };
  explicit DiskSpace(Options options) : options_(std::move(options)) {}

  // RESOURCE_EXHAUSTED DISK_FULL with a retry delay while less is free than the
  // reserve and once more what waits for delivery, which `backlog` says. Looks
  // once a second of `now`.
  absl::Status Check(absl::Time now, absl::FunctionRef<int64_t()> backlog);

 private:
  const Options options_;
  absl::Mutex mutex_;
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Status answer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_DISK_SPACE_H_
