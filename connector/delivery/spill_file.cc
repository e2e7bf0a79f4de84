#include "connector/delivery/spill_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"

namespace connector::delivery {
namespace {

using identity_mapping::RecordView;

constexpr size_t kBufferBytes = 128 << 10;
// change and flags byte, order, length, record, with kTimed two times.
constexpr size_t kTimesBytes = 16;
constexpr size_t kLargestEntry =
    1 + 8 + 1 + 1 + identity_mapping::kMaxRecordPayload + kTimesBytes;

absl::Status FileError(const char* what) {
  const int error = errno;
  return MakeError(error == ENOSPC || error == EDQUOT
                       ? absl::StatusCode::kResourceExhausted
                       : absl::StatusCode::kUnavailable,
                   "SPILL_FAILED",
                   absl::StrCat(what, " a temporary file of a delivery pass: ",
                                std::strerror(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SpillFile>> SpillFile::Create(
    const std::string& directory) {
  int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    // The file system has no unnamed files: make one and take its name away.
    std::string name = absl::StrCat(directory, "/pass-XXXXXX");
    fd = mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) unlink(name.c_str());
  }
  if (fd < 0) return FileError("making");
  return std::unique_ptr<SpillFile>(new SpillFile(fd));
}

SpillFile::~SpillFile() { close(fd_); }

absl::Status SpillFile::Append(const SortedChange& change) {
  const absl::string_view encoded = change.record.encoded();
  if (pending_.size() < pending_size_ + kLargestEntry) {
    pending_.resize(std::max(pending_size_, kBufferBytes) + kLargestEntry);
  }
  char* to = pending_.data() + pending_size_;
  *to++ = static_cast<char>(change.flags << 1 |
                            static_cast<uint8_t>(change.change));
  std::memcpy(to, &change.order, 8);
  to += 8;
  *to++ = static_cast<char>(encoded.size());
  std::memcpy(to, encoded.data(), encoded.size());
  to += encoded.size();
  if (change.flags & SortedChange::kTimed) {
    std::memcpy(to, &change.event_micros, 8);
    std::memcpy(to + 8, &change.commit_millis, 8);
    to += kTimesBytes;
  }
  pending_size_ = static_cast<size_t>(to - pending_.data());
  if (pending_size_ >= kBufferBytes) return Flush();
  return absl::OkStatus();
}

absl::Status SpillFile::Flush() {
  size_t done = 0;
  while (done < pending_size_) {
    const ssize_t n = write(fd_, pending_.data() + done, pending_size_ - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("writing");
    done += static_cast<size_t>(n);
  }
  size_ += done;
  pending_size_ = 0;
  return absl::OkStatus();
}

absl::Status SpillFile::Finish() {
  absl::Status status = Flush();
  ReachCrashPoint(CrashPoint::kSpillWritten);
  pending_ = std::string();
  return status;
}

absl::Status SpillFile::Reader::Fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  const size_t want = std::min<uint64_t>(kBufferBytes, file_.size_ - offset_);
  const size_t had = buffer_.size();
  buffer_.resize(had + want);
  size_t done = 0;
  while (done < want) {
    const ssize_t n = pread(file_.fd_, buffer_.data() + had + done, want - done,
                            static_cast<off_t>(offset_ + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("reading");
    if (n == 0) {
      errno = EIO;
      return FileError("reading");
    }
    done += static_cast<size_t>(n);
  }
  offset_ += want;
  return absl::OkStatus();
}

absl::StatusOr<bool> SpillFile::Reader::Next(SortedChange* change) {
  if (buffer_.size() - at_ < kLargestEntry && offset_ < file_.size_) {
    if (absl::Status status = Fill(); !status.ok()) return status;
  }
  if (at_ == buffer_.size()) return false;
  const char* const entry = buffer_.data() + at_;
  change->change = static_cast<membership::Change>(entry[0] & 1);
  change->flags = static_cast<uint8_t>(entry[0]) >> 1;
  std::memcpy(&change->order, entry + 1, 8);
  const size_t size = static_cast<uint8_t>(entry[9]);
  auto record = RecordView::FromEncoded({entry + 10, size});
  if (!record.has_value()) {
    errno = EIO;
    return FileError("reading");
  }
  change->record = *record;
  at_ += 10 + size;
  if (change->flags & SortedChange::kTimed) {
    if (buffer_.size() - at_ < kTimesBytes) {
      errno = EIO;
      return FileError("reading");
    }
    std::memcpy(&change->event_micros, entry + 10 + size, 8);
    std::memcpy(&change->commit_millis, entry + 18 + size, 8);
    at_ += kTimesBytes;
  }
  return true;
}

}  // namespace connector::delivery
