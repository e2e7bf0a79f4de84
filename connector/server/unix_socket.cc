#include "connector/server/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::server {
namespace {

absl::Status Unusable(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SOCKET_UNUSABLE",
                   message);
}

absl::Status SystemError(absl::string_view what, const std::string& path) {
  return Unusable(absl::StrCat(what, " ", path, ": ", strerror(errno)));
}

absl::Status PrepareDirectory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError("cannot make the directory", directory);
  }
  struct stat state = {};
  // Not stat: a symbolic link may be somebody else's and point elsewhere
  // tomorrow.
  if (lstat(directory.c_str(), &state) != 0) {
    return SystemError("cannot look at the directory", directory);
  }
  if (!S_ISDIR(state.st_mode)) {
    return Unusable(absl::StrCat(directory, " must be a directory"));
  }
  if (state.st_uid != geteuid()) {
    return Unusable(
        absl::StrCat("the directory ", directory, " belongs to another user"));
  }
  if ((state.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Unusable(absl::StrCat(
        "--listen: group and others can reach the directory ", directory,
        "; name a socket in a directory of its own, of mode 0700"));
  }
  return absl::OkStatus();
}

// Whether somebody accepts connections on the socket.
absl::StatusOr<bool> Answers(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return SystemError("cannot make a socket for", path);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    close(fd);
    return Unusable("the path of the socket is too long");
  }
  memcpy(address.sun_path, path.data(), path.size());
  const int result = connect(fd, reinterpret_cast<sockaddr*>(&address),
                             static_cast<socklen_t>(sizeof(address)));
  const int error = errno;
  close(fd);
  if (result == 0) return true;
  // A queue that is full belongs to somebody.
  if (error == EAGAIN || error == EINPROGRESS) return true;
  if (error == ECONNREFUSED || error == ENOENT) return false;
  errno = error;
  return SystemError("cannot connect to", path);
}

}  // namespace

absl::Status PrepareUnixSocket(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  if (absl::Status s = PrepareDirectory(directory); !s.ok()) return s;

  struct stat state = {};
  if (lstat(path.c_str(), &state) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return SystemError("cannot look at", path);
  }
  if (!S_ISSOCK(state.st_mode)) {
    return Unusable(absl::StrCat(path, " is there and is not a socket"));
  }
  absl::StatusOr<bool> answers = Answers(path);
  if (!answers.ok()) return answers.status();
  if (*answers) {
    return MakeError(absl::StatusCode::kAlreadyExists, "SOCKET_IN_USE",
                     absl::StrCat("another server answers on ", path));
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return SystemError("cannot remove the stale socket", path);
  }
  return absl::OkStatus();
}

absl::Status RestrictUnixSocket(const std::string& path) {
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
    return SystemError("cannot change the mode of", path);
  }
  return absl::OkStatus();
}

}  // namespace connector::server
