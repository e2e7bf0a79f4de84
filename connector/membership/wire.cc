#include "connector/membership/wire.h"

#include <limits>

namespace connector::membership {
namespace {

constexpr int64_t kPast = std::numeric_limits<int64_t>::min();
constexpr int64_t kFuture = std::numeric_limits<int64_t>::max();

uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^
         static_cast<uint64_t>(value >> 63);
}

int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

}  // namespace

void AppendVarint(std::string* out, uint64_t value) {
  char buffer[10];
  int size = 0;
  while (value >= 0x80) {
    buffer[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[size++] = static_cast<char>(value);
  out->append(buffer, size);
}

void AppendSigned(std::string* out, int64_t value) {
  AppendVarint(out, ZigZag(value));
}

void AppendBytes(std::string* out, absl::string_view bytes) {
  AppendVarint(out, bytes.size());
  out->append(bytes.data(), bytes.size());
}

// absl's conversions give the smallest and largest number for the infinities.
void AppendMillis(std::string* out, absl::Time time) {
  AppendSigned(out, absl::ToUnixMillis(time));
}

void AppendMicros(std::string* out, absl::Time time) {
  AppendSigned(out, absl::ToUnixMicros(time));
}

void AppendFixed32(std::string* out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

void AppendFixed64(std::string* out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

int VarintSize(uint64_t value) {
  int size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

absl::Time FloorToMillis(absl::Time time) {
  return absl::FromUnixMillis(absl::ToUnixMillis(time));
}

void WireReader::Fail() {
  ok_ = false;
  data_ = absl::string_view();
}

uint64_t WireReader::Varint() {
  uint64_t value = 0;
  for (size_t i = 0; i < data_.size() && i < 10; ++i) {
    const uint8_t byte = static_cast<uint8_t>(data_[i]);
    if (i == 9 && byte > 1) break;  // more than 64 bits
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      data_.remove_prefix(i + 1);
      return value;
    }
  }
  Fail();
  return 0;
}

int64_t WireReader::Signed() { return UnZigZag(Varint()); }

absl::string_view WireReader::Raw(size_t size) {
  if (size > data_.size()) {
    Fail();
    return absl::string_view();
  }
  absl::string_view bytes = data_.substr(0, size);
  data_.remove_prefix(size);
  return bytes;
}

absl::string_view WireReader::Bytes() {
  const uint64_t size = Varint();
  if (size > data_.size()) {
    Fail();
    return absl::string_view();
  }
  return Raw(size);
}

uint8_t WireReader::Byte() {
  absl::string_view byte = Raw(1);
  return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
}

absl::Time WireReader::Millis() {
  const int64_t value = Signed();
  if (value == kPast) return absl::InfinitePast();
  if (value == kFuture) return absl::InfiniteFuture();
  return absl::FromUnixMillis(value);
}

absl::Time WireReader::Micros() {
  const int64_t value = Signed();
  if (value == kPast) return absl::InfinitePast();
  if (value == kFuture) return absl::InfiniteFuture();
  return absl::FromUnixMicros(value);
}

uint32_t WireReader::Fixed32() {
  uint32_t value = 0;
  for (char byte : Raw(4)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

uint64_t WireReader::Fixed64() {
  uint64_t value = 0;
  for (char byte : Raw(8)) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

}  // namespace connector::membership
