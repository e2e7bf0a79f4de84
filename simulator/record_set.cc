#include "simulator/record_set.h"

#include <algorithm>
#include <cstring>

namespace simulator {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// The value of each lower-case hex digit, 0xff for every other byte.
constexpr std::array<uint8_t, 256> MakeNibbles() {
  std::array<uint8_t, 256> nibbles{};
  for (auto& nibble : nibbles) nibble = 0xff;
  for (int i = 0; i < 16; ++i) nibbles[static_cast<uint8_t>(kHex[i])] = i;
  return nibbles;
}
constexpr std::array<uint8_t, 256> kNibbles = MakeNibbles();

}  // namespace

bool IsHexDigest(absl::string_view record) {
  if (record.size() != 32 && record.size() != 40 && record.size() != 64) {
    return false;
  }
  uint8_t seen = 0;
  for (char c : record) seen |= kNibbles[static_cast<uint8_t>(c)];
  return (seen & 0x80) == 0;
}

size_t RecordSet::DigestHash::operator()(const Digest& digest) const {
  // Digests are already spread evenly; the mixing is for hand-made test records
  // that differ in a few digits only.
  uint64_t hash = 0;
  for (int i = 0; i < 4; ++i) {
    uint64_t word;
    std::memcpy(&word, digest.data() + 8 * i, sizeof(word));
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return hash;
}

bool RecordSet::ParseDigest(absl::string_view record, Digest* digest) {
  if (record.size() != 64) return false;
  uint8_t seen = 0;
  for (size_t i = 0; i < 32; ++i) {
    uint8_t high = kNibbles[static_cast<uint8_t>(record[2 * i])];
    uint8_t low = kNibbles[static_cast<uint8_t>(record[2 * i + 1])];
    seen |= high | low;
    (*digest)[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return (seen & 0x80) == 0;
}

bool RecordSet::Add(absl::string_view record) {
  Digest digest;
  if (ParseDigest(record, &digest)) return digests_.insert(digest).second;
  if (!others_.insert(std::string(record)).second) return false;
  if (!IsHexDigest(record)) ++unhashed_;
  return true;
}

bool RecordSet::Remove(absl::string_view record) {
  Digest digest;
  if (ParseDigest(record, &digest)) return digests_.erase(digest) > 0;
  if (others_.erase(record) == 0) return false;
  if (!IsHexDigest(record)) --unhashed_;
  return true;
}

bool RecordSet::Contains(absl::string_view record) const {
  Digest digest;
  if (ParseDigest(record, &digest)) return digests_.contains(digest);
  return others_.contains(record);
}

void RecordSet::VisitSorted(
    const std::function<void(absl::string_view record)>& visit) const {
  std::vector<Digest> digests(digests_.begin(), digests_.end());
  std::sort(digests.begin(), digests.end());
  std::vector<absl::string_view> others(others_.begin(), others_.end());
  std::sort(others.begin(), others.end());
  auto other = others.begin();
  char hex[64];
  for (const Digest& digest : digests) {
    for (size_t i = 0; i < 32; ++i) {
      hex[2 * i] = kHex[digest[i] >> 4];
      hex[2 * i + 1] = kHex[digest[i] & 15];
    }
    absl::string_view record(hex, sizeof(hex));
    for (; other != others.end() && *other < record; ++other) visit(*other);
    visit(record);
  }
  for (; other != others.end(); ++other) visit(*other);
}

std::vector<std::string> RecordSet::Sorted() const {
  std::vector<std::string> records;
  records.reserve(size());
  VisitSorted([&](absl::string_view record) { records.emplace_back(record); });
  return records;
}

}  // namespace simulator
