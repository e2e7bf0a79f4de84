#include "connector/cli/decoded_input.h"

#include <algorithm>
#include <cstring>

namespace connector::cli {
namespace {

constexpr size_t kMagicSize = 2;
constexpr size_t kPeekSize = 4096;

}  // namespace

absl::StatusOr<absl::string_view> DecodedInput::Peeked::Peek(size_t size) {
  while (start_.size() < size) {
    const size_t had = start_.size();
    start_.resize(size);
    absl::StatusOr<size_t> got = source_->Read(&start_[had], size - had);
    start_.resize(had + (got.ok() ? *got : 0));
    if (!got.ok()) return got.status();
    if (*got == 0) break;
  }
  return absl::string_view(start_);
}

absl::StatusOr<size_t> DecodedInput::Peeked::Read(char* to, size_t size) {
  if (taken_ == start_.size()) return source_->Read(to, size);
  const size_t given = std::min(size, start_.size() - taken_);
  std::memcpy(to, start_.data() + taken_, given);
  taken_ += given;
  return given;
}

absl::Status DecodedInput::Open() {
  if (decoded_ != nullptr) return absl::OkStatus();
  absl::StatusOr<absl::string_view> magic = start_.Peek(kMagicSize);
  if (!magic.ok()) return magic.status();
  ByteSource* source = &start_;
  if (HasGzipMagic(*magic)) {
    gunzip_ = std::make_unique<GunzipSource>(&start_);
    source = gunzip_.get();
  }
  decoded_ = std::make_unique<Peeked>(source);
  return absl::OkStatus();
}

absl::StatusOr<absl::string_view> DecodedInput::Peek() {
  if (absl::Status s = Open(); !s.ok()) return s;
  return decoded_->Peek(kPeekSize);
}

absl::StatusOr<size_t> DecodedInput::Read(char* to, size_t size) {
  if (absl::Status s = Open(); !s.ok()) return s;
  return decoded_->Read(to, size);
}

}  // namespace connector::cli
