#include "connector/cli/resume_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace connector::cli {
namespace {

// The first line of the file, and its format version.
constexpr absl::string_view kHeader = "audiencectl unfinished export 1";

absl::Status SystemError(absl::string_view what, absl::string_view path) {
  return absl::UnknownError(
      absl::StrCat(path, ": ", what, ": ", strerror(errno)));
}

absl::Status MakeDirectories(const std::string& directory) {
  for (size_t at = directory.find('/', 1);; at = directory.find('/', at + 1)) {
    const std::string part = directory.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return SystemError("cannot be made", part);
    }
    if (at == std::string::npos) return absl::OkStatus();
  }
}

// Header, export ID, history ID and an end mark, a line each: a file that was
// torn by a crash does not parse.
std::optional<UnfinishedExport> Parse(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 5 || lines[0] != kHeader || lines[1].empty() ||
      lines[3] != "end" || !lines[4].empty()) {
    return std::nullopt;
  }
  return UnfinishedExport{lines[1], lines[2]};
}

}  // namespace

ResumeState::ResumeState(int fd, std::string path)
    : fd_(fd), path_(std::move(path)) {
  char buffer[4096];
  const ssize_t got = ::pread(fd_, buffer, sizeof(buffer), 0);
  if (got > 0) saved_ = Parse(std::string(buffer, got));
}

ResumeState::~ResumeState() {
  if (!saved_.has_value()) Remove();
  ::close(fd_);
}

absl::StatusOr<std::unique_ptr<ResumeState>> ResumeState::Open(
    const std::string& directory, absl::string_view key) {
  if (absl::Status s = MakeDirectories(directory); !s.ok()) return s;
  const std::string path = absl::StrCat(directory, "/", key);
  while (true) {
    const int fd =
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return SystemError("cannot be opened", path);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const bool held = errno == EWOULDBLOCK;
      absl::Status failed = SystemError("cannot be locked", path);
      ::close(fd);
      if (!held) return failed;
      return absl::AbortedError(
          "another run of the same export is under way; wait for it, or give "
          "--noresume to export a second time");
    }
    // The run before may have removed the file between open and lock.
    struct stat ours, theirs;
    if (::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &theirs) == 0 &&
        ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev) {
      return std::unique_ptr<ResumeState>(new ResumeState(fd, path));
    }
    ::close(fd);
  }
}

absl::Status ResumeState::Save(const UnfinishedExport& unfinished) {
  const std::string text = absl::StrCat(kHeader, "\n", unfinished.export_id,
                                        "\n", unfinished.history_id, "\nend\n");
  if (::ftruncate(fd_, 0) != 0 ||
      ::pwrite(fd_, text.data(), text.size(), 0) !=
          static_cast<ssize_t>(text.size()) ||
      ::fsync(fd_) != 0) {
    return SystemError("cannot be written", path_);
  }
  saved_ = unfinished;
  return absl::OkStatus();
}

void ResumeState::Remove() {
  saved_.reset();
  // Once only: a file of that name that comes later is another run's.
  if (std::exchange(removed_, true)) return;
  ::unlink(path_.c_str());
}

std::string DefaultStateDirectory() {
  const char* state_home = std::getenv("XDG_STATE_HOME");
  if (state_home != nullptr && absl::StartsWith(state_home, "/")) {
    return absl::StrCat(state_home, "/audiencectl");
  }
  const char* home = std::getenv("HOME");
  if (home != nullptr && absl::StartsWith(home, "/")) {
    return absl::StrCat(home, "/.local/state/audiencectl");
  }
  return "";
}

}  // namespace connector::cli
