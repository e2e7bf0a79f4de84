#include "connector/cli/byte_source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace connector::cli {

absl::StatusOr<size_t> FdSource::Read(char* to, size_t size) {
  ssize_t got;
  do {
    got = ::read(fd_, to, size);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return absl::UnknownError(
        absl::StrCat("cannot be read: ", strerror(errno)));
  }
  position_ += got;
  return static_cast<size_t>(got);
}

}  // namespace connector::cli
