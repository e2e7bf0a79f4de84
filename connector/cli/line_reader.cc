#include "connector/cli/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace connector::cli {
namespace {

constexpr size_t kChunk = 1 << 20;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(int fd, absl::string_view name, size_t max_line)
    : own_source_(std::make_unique<FdSource>(fd)),
      source_(own_source_.get()),
      name_(name),
      max_line_(max_line),
      buffer_(kChunk + kPadding) {}

LineReader::LineReader(ByteSource* source, absl::string_view name,
                       size_t max_line)
    : source_(source),
      name_(name),
      max_line_(max_line),
      buffer_(kChunk + kPadding) {}

absl::StatusOr<bool> LineReader::Fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + kPadding >= buffer_.size()) {
    buffer_.resize(2 * (buffer_.size() - kPadding) + kPadding);
  }
  absl::StatusOr<size_t> got =
      source_->Read(buffer_.data() + end_, buffer_.size() - kPadding - end_);
  if (!got.ok()) {
    return absl::UnknownError(
        absl::StrCat(name_, ": ", got.status().message()));
  }
  if (*got == 0) at_end_ = true;
  end_ += *got;
  return *got > 0;
}

absl::string_view LineReader::Take(size_t size, bool feed) {
  absl::string_view line(buffer_.data() + begin_, size);
  begin_ += size + (feed ? 1 : 0);
  consumed_ += static_cast<int64_t>(size) + (feed ? 1 : 0);
  return line;
}

absl::StatusOr<std::optional<absl::string_view>> LineReader::Next() {
  size_t searched = 0;
  bool too_long = false;
  ++line_number_;
  while (true) {
    const char* start = buffer_.data() + begin_;
    const size_t size = end_ - begin_;
    const void* feed = size > searched
                           ? memchr(start + searched, '\n', size - searched)
                           : nullptr;
    if (feed != nullptr) {
      absl::string_view line =
          Take(static_cast<const char*>(feed) - start, /*feed=*/true);
      too_long = too_long || line.size() > max_line_;
      if (too_long) break;
      if (line_number_ == 1 && line.substr(0, 3) == kByteOrderMark) {
        line.remove_prefix(3);
      }
      return line;
    }
    searched = size;
    if (size > max_line_) {
      // Forget what is there, so that one endless line needs no memory.
      too_long = true;
      Take(size, /*feed=*/false);
      searched = 0;
    }
    absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (*more) continue;
    if (too_long) {
      Take(end_ - begin_, /*feed=*/false);
      break;
    }
    if (begin_ == end_) {
      --line_number_;
      return std::optional<absl::string_view>();
    }
    absl::string_view line = Take(end_ - begin_, /*feed=*/false);
    if (line_number_ == 1 && line.substr(0, 3) == kByteOrderMark) {
      line.remove_prefix(3);
    }
    return line;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("is longer than ", max_line_, " bytes"));
}

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(
    const std::string& path) {
  if (path == "-") {
    return std::unique_ptr<InputFile>(
        new InputFile(STDIN_FILENO, "standard input"));
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": cannot be opened: ", strerror(errno)));
  }
  std::unique_ptr<InputFile> file(new InputFile(fd, path));
  struct stat info;
  if (::fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file"));
  }
  if (S_ISREG(info.st_mode)) {
    file->regular_ = true;
    file->size_ = info.st_size;
    file->changed_seconds_ = info.st_mtim.tv_sec;
    file->changed_nanos_ = info.st_mtim.tv_nsec;
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return file;
}

InputFile::~InputFile() {
  if (fd_ != STDIN_FILENO) ::close(fd_);
}

bool InputFile::Changed() const {
  struct stat info;
  return ::fstat(fd_, &info) != 0 || info.st_size != size_ ||
         info.st_mtim.tv_sec != changed_seconds_ ||
         info.st_mtim.tv_nsec != changed_nanos_;
}

absl::Status InputFile::Rewind() {
  if (::lseek(fd_, 0, SEEK_SET) != 0) {
    return absl::UnknownError(
        absl::StrCat(name_, ": cannot be read again: ", strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace connector::cli
