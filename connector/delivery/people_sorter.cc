#include "connector/delivery/people_sorter.h"

#include <endian.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/error.h"

namespace connector::delivery {
namespace {

using Item = membership::PeopleSorter::Item;

constexpr size_t kBufferBytes = 128 << 10;

absl::Status FileError(const char* what) {
  const int error = errno;
  return MakeError(
      error == ENOSPC || error == EDQUOT ? absl::StatusCode::kResourceExhausted
                                         : absl::StatusCode::kUnavailable,
      "SPILL_FAILED",
      absl::StrCat(what,
                   " a temporary file of people: ", std::strerror(error)));
}

uint64_t Prefix(absl::string_view key) {
  char bytes[8] = {};
  std::memcpy(bytes, key.data(), std::min<size_t>(8, key.size()));
  uint64_t number;
  std::memcpy(&number, bytes, 8);
  return be64toh(number);
}

}  // namespace

// A temporary file of sorted items. Entry: u8 size of the key, u32 size of the
// rest, u64 order, key, rest.
class SpillingPeopleSorter::Chunk {
 public:
  static absl::StatusOr<std::unique_ptr<Chunk>> Create(
      const std::string& directory) {
    int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
      // The file system has no unnamed files: make one and take its name away.
      std::string name = absl::StrCat(directory, "/people-XXXXXX");
      fd = mkostemp(name.data(), O_CLOEXEC);
      if (fd >= 0) unlink(name.c_str());
    }
    if (fd < 0) return FileError("making");
    return std::unique_ptr<Chunk>(new Chunk(fd));
  }
  ~Chunk() { close(fd_); }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  absl::Status Append(const Item& item) {
    char head[kHeadBytes];
    const auto rest = static_cast<uint32_t>(item.rest.size());
    head[0] = static_cast<char>(item.key.size());
    std::memcpy(head + 1, &rest, 4);
    std::memcpy(head + 5, &item.order, 8);
    buffer_.append(head, sizeof head);
    buffer_.append(item.key.data(), item.key.size());
    buffer_.append(item.rest.data(), item.rest.size());
    return buffer_.size() >= kBufferBytes ? Flush() : absl::OkStatus();
  }
  absl::Status Finish() {
    absl::Status status = Flush();
    buffer_.shrink_to_fit();
    return status;
  }

  // The item at hand, after Load() gave true.
  const Item& head() const { return head_; }
  absl::StatusOr<bool> Load() {
    if (absl::Status s = Want(kHeadBytes); !s.ok()) return s;
    if (at_ == buffer_.size()) return false;
    uint32_t rest = 0;
    std::memcpy(&rest, buffer_.data() + at_ + 1, 4);
    const size_t key = static_cast<uint8_t>(buffer_[at_]);
    if (absl::Status s = Want(kHeadBytes + key + rest); !s.ok()) return s;
    if (buffer_.size() - at_ < kHeadBytes + key + rest) {
      errno = EIO;
      return FileError("reading");
    }
    const char* const data = buffer_.data() + at_;
    std::memcpy(&head_.order, data + 5, 8);
    head_.key = absl::string_view(data + kHeadBytes, key);
    head_.rest = absl::string_view(data + kHeadBytes + key, rest);
    at_ += kHeadBytes + key + rest;
    return true;
  }

 private:
  static constexpr size_t kHeadBytes = 13;

  explicit Chunk(int fd) : fd_(fd) {}

  absl::Status Flush() {
    size_t done = 0;
    while (done < buffer_.size()) {
      const ssize_t n =
          write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FileError("writing");
      done += static_cast<size_t>(n);
    }
    size_ += done;
    buffer_.clear();
    return absl::OkStatus();
  }

  // Sees that so many bytes are at hand, if the file has them.
  absl::Status Want(size_t bytes) {
    if (buffer_.size() - at_ >= bytes || offset_ == size_) {
      return absl::OkStatus();
    }
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t had = buffer_.size();
    const size_t want =
        std::min<uint64_t>(std::max(kBufferBytes, bytes), size_ - offset_);
    buffer_.resize(had + want);
    size_t done = 0;
    while (done < want) {
      const ssize_t n = pread(fd_, buffer_.data() + had + done, want - done,
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

  const int fd_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
  std::string buffer_;
  size_t at_ = 0;
  Item head_;
};

SpillingPeopleSorter::SpillingPeopleSorter(SortBudget* budget,
                                           std::string spill_directory)
    : budget_(budget), spill_directory_(std::move(spill_directory)) {}

SpillingPeopleSorter::~SpillingPeopleSorter() { budget_->Return(taken_); }

Item SpillingPeopleSorter::At(const Entry& entry) const {
  const absl::string_view data =
      absl::string_view(bytes_).substr(entry.offset, entry.size);
  return {data.substr(0, entry.key_size), entry.order,
          data.substr(entry.key_size)};
}

absl::Status SpillingPeopleSorter::Add(const Item& item) {
  const size_t size = item.key.size() + item.rest.size();
  if (used() + size + sizeof(Entry) >
      static_cast<size_t>(kFreeBytes + taken_)) {
    if (budget_->TryTake(kStepBytes)) {
      taken_ += kStepBytes;
    } else if (absl::Status s = Spill(); !s.ok()) {
      return s;
    }
  }
  entries_.push_back(
      {Prefix(item.key), item.order, static_cast<uint32_t>(bytes_.size()),
       static_cast<uint32_t>(size), static_cast<uint8_t>(item.key.size())});
  bytes_.append(item.key.data(), item.key.size());
  bytes_.append(item.rest.data(), item.rest.size());
  return absl::OkStatus();
}

void SpillingPeopleSorter::Sort() {
  std::sort(entries_.begin(), entries_.end(),
            [this](const Entry& a, const Entry& b) {
              if (a.prefix != b.prefix) return a.prefix < b.prefix;
              const int keys = At(a).key.compare(At(b).key);
              if (keys != 0) return keys < 0;
              if (a.order != b.order) return a.order < b.order;
              return a.offset < b.offset;
            });
}

absl::Status SpillingPeopleSorter::Spill() {
  if (entries_.empty()) return absl::OkStatus();
  Sort();
  auto chunk = Chunk::Create(spill_directory_);
  if (!chunk.ok()) return chunk.status();
  for (const Entry& entry : entries_) {
    if (absl::Status s = (*chunk)->Append(At(entry)); !s.ok()) return s;
  }
  if (absl::Status s = (*chunk)->Finish(); !s.ok()) return s;
  chunks_.push_back(*std::move(chunk));
  entries_.clear();
  bytes_.clear();
  return chunks_.size() < kMaxChunks ? absl::OkStatus() : MergeChunks();
}

absl::Status SpillingPeopleSorter::MergeChunks() {
  auto merged = Chunk::Create(spill_directory_);
  if (!merged.ok()) return merged.status();
  if (absl::Status s = StartMerge(); !s.ok()) return s;
  Item item;
  for (;;) {
    absl::StatusOr<bool> more = NextMerged(&item);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::Status s = (*merged)->Append(item); !s.ok()) return s;
  }
  if (absl::Status s = (*merged)->Finish(); !s.ok()) return s;
  chunks_.clear();
  chunks_.push_back(*std::move(merged));
  return absl::OkStatus();
}

absl::Status SpillingPeopleSorter::StartMerge() {
  heap_.clear();
  advance_top_ = false;
  for (size_t i = 0; i < chunks_.size(); ++i) {
    absl::StatusOr<bool> more = chunks_[i]->Load();
    if (!more.ok()) return more.status();
    if (*more) heap_.push_back(i);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SpillingPeopleSorter::NextMerged(Item* item) {
  const auto after = [this](size_t a, size_t b) {
    const Item& left = chunks_[a]->head();
    const Item& right = chunks_[b]->head();
    const int keys = left.key.compare(right.key);
    if (keys != 0) return keys > 0;
    if (left.order != right.order) return left.order > right.order;
    return a > b;
  };
  if (!advance_top_) {
    std::make_heap(heap_.begin(), heap_.end(), after);
  } else {
    // The top was given out: only now may its item go.
    absl::StatusOr<bool> more = chunks_[heap_.back()]->Load();
    if (!more.ok()) return more.status();
    if (*more) {
      std::push_heap(heap_.begin(), heap_.end(), after);
    } else {
      heap_.pop_back();
    }
  }
  advance_top_ = true;
  if (heap_.empty()) {
    advance_top_ = false;
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), after);
  *item = chunks_[heap_.back()]->head();
  return true;
}

absl::Status SpillingPeopleSorter::Finish() {
  if (chunks_.empty()) {
    Sort();
    return absl::OkStatus();
  }
  if (absl::Status s = Spill(); !s.ok()) return s;
  entries_.shrink_to_fit();
  bytes_.shrink_to_fit();
  budget_->Return(taken_);
  taken_ = 0;
  return StartMerge();
}

absl::StatusOr<bool> SpillingPeopleSorter::Next(Item* item) {
  if (!chunks_.empty()) return NextMerged(item);
  if (next_ == entries_.size()) return false;
  *item = At(entries_[next_++]);
  return true;
}

}  // namespace connector::delivery
