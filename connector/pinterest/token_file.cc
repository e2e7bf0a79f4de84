#include "connector/pinterest/token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"

namespace connector::pinterest {
namespace {

constexpr size_t kMaxBytes = limits::kMaxTokenFileBytes;
constexpr size_t kMaxFileName = limits::kMaxFileNameBytes;
constexpr int kMaxReads = 5;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

bool IsFileName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxFileName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

absl::Status Unusable(absl::string_view file_name, absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "TOKEN_FILE_UNUSABLE",
                   absl::StrCat("token file \"", file_name, "\": ", why));
}

bool SameState(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Up to kMaxBytes + 1 bytes; errno in the status.
absl::StatusOr<std::string> ReadAll(int fd, absl::string_view file_name) {
  std::string content(kMaxBytes + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = pread(fd, content.data() + size, content.size() - size,
                              static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Unusable(file_name,
                      absl::StrCat("cannot be read: ", strerror(errno)));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  content.resize(size);
  return content;
}

absl::StatusOr<std::string> ReadToken(const std::string& path,
                                      absl::string_view file_name) {
  // O_NONBLOCK: a named pipe must not hold us up.
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) {
    if (errno == ENOENT) {
      return Unusable(file_name,
                      "is not there; put the access token into it and run "
                      "chmod 600 on it");
    }
    return Unusable(file_name,
                    absl::StrCat("cannot be opened: ", strerror(errno)));
  }
  // A file written in place may change while it is read.
  for (int i = 0; i < kMaxReads; ++i) {
    struct stat before = {};
    struct stat after = {};
    if (fstat(file.get(), &before) != 0) {
      return Unusable(file_name,
                      absl::StrCat("cannot be read: ", strerror(errno)));
    }
    if (!S_ISREG(before.st_mode)) {
      return Unusable(file_name, "must be a regular file");
    }
    if ((before.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
      return Unusable(file_name,
                      absl::StrCat("group and others must have no access to "
                                   "it; run: chmod 600 ",
                                   file_name));
    }
    absl::StatusOr<std::string> content = ReadAll(file.get(), file_name);
    if (!content.ok()) return content;
    if (fstat(file.get(), &after) == 0 && SameState(before, after)) {
      return content;
    }
  }
  return absl::UnavailableError(absl::StrCat("token file \"", file_name,
                                             "\": is being written right now"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileTokenSource>> FileTokenSource::Create(
    absl::string_view credentials_dir, absl::string_view file_name) {
  if (credentials_dir.empty()) {
    return FieldError("credentials_dir", "must not be empty");
  }
  if (!IsFileName(file_name)) {
    return FieldError("token_file",
                      "must be a file name of letters, digits, '.', '_' and "
                      "'-', at most 100, not starting with a dot");
  }
  return std::unique_ptr<FileTokenSource>(new FileTokenSource(
      absl::StrCat(credentials_dir, "/", file_name), std::string(file_name)));
}

absl::StatusOr<std::string> FileTokenSource::AccessToken() {
  absl::StatusOr<std::string> content = ReadToken(path_, file_name_);
  if (!content.ok()) return content;
  if (content->size() > kMaxBytes) {
    return Unusable(file_name_, "is larger than 4 KiB");
  }
  const absl::string_view token = absl::StripAsciiWhitespace(*content);
  if (token.empty()) return Unusable(file_name_, "is empty");
  for (const char c : token) {
    if (c == '\n' || c == '\r') {
      return Unusable(file_name_, "must hold one line");
    }
    if (!absl::ascii_isgraph(c)) {
      return Unusable(file_name_,
                      "must hold printable ASCII without blanks inside");
    }
  }
  return std::string(token);
}

}  // namespace connector::pinterest
