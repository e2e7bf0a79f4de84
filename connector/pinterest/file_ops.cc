#include "connector/pinterest/file_ops.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "connector/pinterest/descriptor.h"

namespace connector::pinterest {
namespace {

constexpr size_t kMaxBytes = 64 << 10;

absl::Status Failed(absl::string_view step) {
  return absl::UnavailableError(absl::StrCat(step, ": ", std::strerror(errno)));
}

class RealFileOps final : public FileOps {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
      if (errno == ENOENT) return absl::NotFoundError("the file is not there");
      return Failed("opening the file");
    }
    std::string content(kMaxBytes + 1, '\0');
    size_t size = 0;
    while (size < content.size()) {
      const ssize_t got =
          read(file.get(), content.data() + size, content.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failed("reading the file");
      if (got == 0) break;
      size += static_cast<size_t>(got);
    }
    if (size > kMaxBytes) {
      return absl::UnavailableError("the file is larger than 64 KiB");
    }
    content.resize(size);
    return content;
  }

  absl::Status Write(const std::string& path,
                     absl::string_view content) override {
    const Descriptor file(
        open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return Failed("making a file");
    // It may be left over from whoever had another idea of modes.
    if (fchmod(file.get(), 0600) != 0) return Failed("making a file private");
    size_t size = 0;
    while (size < content.size()) {
      const ssize_t put =
          write(file.get(), content.data() + size, content.size() - size);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return Failed("writing a file");
      size += static_cast<size_t>(put);
    }
    if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) {
      return Failed("writing a file");
    }
    return absl::OkStatus();
  }

  absl::Status Sync(const std::string& path) override {
    return SyncOpen(path, O_RDONLY, "syncing a file");
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) {
      return Failed("putting a file in place");
    }
    return absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& path) override {
    return SyncOpen(path, O_RDONLY | O_DIRECTORY, "syncing a directory");
  }

  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0 && errno != ENOENT) {
      return Failed("removing a file");
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status SyncOpen(const std::string& path, int flags,
                               absl::string_view step) {
    const Descriptor file(open(path.c_str(), flags | O_CLOEXEC));
    if (file.get() < 0 || fsync(file.get()) != 0) return Failed(step);
    return absl::OkStatus();
  }
};

}  // namespace

FileOps& FileOps::Real() {
  static FileOps& real = *new RealFileOps();
  return real;
}

std::string TemporaryPath(const std::string& directory,
                          const std::string& name) {
  return absl::StrCat(directory, "/.", name, ".new");
}

absl::Status ReplaceFile(FileOps& files, const std::string& directory,
                         const std::string& name, absl::string_view content) {
  const std::string temporary = TemporaryPath(directory, name);
  if (absl::Status s = files.Write(temporary, content); !s.ok()) return s;
  if (absl::Status s = files.Sync(temporary); !s.ok()) return s;
  if (absl::Status s =
          files.Rename(temporary, absl::StrCat(directory, "/", name));
      !s.ok()) {
    return s;
  }
  return files.SyncDirectory(directory);
}

}  // namespace connector::pinterest
