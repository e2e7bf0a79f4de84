#include "connector/ingest/batch_digest.h"

#include <algorithm>

#include "identity_mapping/digest.h"

namespace connector::ingest {
namespace {

constexpr size_t kBufferBytes = 32 << 10;

}  // namespace

BatchDigest::BatchDigest() { buffer_.reserve(kBufferBytes + 512); }

void BatchDigest::Number(uint64_t number) {
  while (number >= 0x80) {
    buffer_.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  buffer_.push_back(static_cast<char>(number));
  if (buffer_.size() >= kBufferBytes) Fold();
}

void BatchDigest::Text(absl::string_view text) {
  Number(text.size());
  buffer_.append(text.data(), text.size());
  if (buffer_.size() >= kBufferBytes) Fold();
}

void BatchDigest::Fold() {
  std::array<uint8_t, identity_mapping::kSha256Size> digest;
  identity_mapping::Sha256(buffer_, digest.data());
  buffer_.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::array<uint8_t, 16> BatchDigest::Finish() {
  Fold();
  std::array<uint8_t, 16> out;
  std::copy_n(buffer_.begin(), out.size(), out.begin());
  return out;
}

}  // namespace connector::ingest
