#include "connector/membership/disk_space.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::membership {
namespace {

constexpr absl::Duration kLookInterval = absl::Seconds(1);
// About one pass later.
constexpr absl::Duration kRetryDelay = absl::Seconds(10);

}  // namespace

absl::StatusOr<int64_t> FreeSpace(const std::string& path) {
  struct statvfs state = {};
  if (statvfs(path.c_str(), &state) != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot tell the free space: ", std::strerror(errno)));
  }
  return static_cast<int64_t>(state.f_bavail) *
         static_cast<int64_t>(state.f_frsize);
}

absl::Status DiskSpace::Check(absl::Time now,
                              absl::FunctionRef<int64_t()> backlog) {
  if (options_.reserve_bytes <= 0) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  // A clock that was set back must not stop the looking.
  if (now >= looked_ && now < looked_ + kLookInterval) return answer_;
  looked_ = now;
  const absl::StatusOr<int64_t> free = options_.free_space(options_.path);
  // Not knowing is no reason to refuse.
  if (!free.ok() || *free >= options_.reserve_bytes + backlog()) {
    answer_ = absl::OkStatus();
    return answer_;
  }
  ErrorDetail detail;
  detail.reason = "DISK_FULL";
  detail.retry_delay = kRetryDelay;
  answer_ = MakeError(absl::StatusCode::kResourceExhausted,
                      "the disk of the state directory is nearly full: what is "
                      "left is for delivering what waits",
                      detail);
  return answer_;
}

}  // namespace connector::membership
