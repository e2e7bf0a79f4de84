#include "simulator/record_set.h"

#include <algorithm>
#include <cstring>
#include <utility>

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

// A part is split into 16 when parts are larger than this on average, until
// there are 4,096 of them.
constexpr size_t kPartDigests = 8'192;
constexpr int kSplitBits = 4;
constexpr int kMostPartBits = 12;

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

size_t RecordSet::PartOf(const Digest& digest) const {
  return (digest[0] << 8 | digest[1]) >> (16 - part_bits_);
}

void RecordSet::Split() {
  std::vector<Digests> whole = std::move(digests_);
  part_bits_ += kSplitBits;
  digests_ = std::vector<Digests>(size_t{1} << part_bits_);
  for (Digests& part : whole) {
    for (const Digest& digest : part) digests_[PartOf(digest)].insert(digest);
    part = Digests();
  }
}

bool RecordSet::Add(absl::string_view record) {
  Digest digest;
  if (ParseDigest(record, &digest)) {
    if (!digests_[PartOf(digest)].insert(digest).second) return false;
    if (++digest_count_ > kPartDigests << part_bits_ &&
        part_bits_ < kMostPartBits) {
      Split();
    }
    return true;
  }
  if (!others_.insert(std::string(record)).second) return false;
  if (!IsHexDigest(record)) ++unhashed_;
  return true;
}

bool RecordSet::Remove(absl::string_view record) {
  Digest digest;
  if (ParseDigest(record, &digest)) {
    const bool erased = digests_[PartOf(digest)].erase(digest) > 0;
    digest_count_ -= erased;
    return erased;
  }
  if (others_.erase(record) == 0) return false;
  if (!IsHexDigest(record)) --unhashed_;
  return true;
}

bool RecordSet::Contains(absl::string_view record) const {
  Digest digest;
  if (ParseDigest(record, &digest)) {
    return digests_[PartOf(digest)].contains(digest);
  }
  return others_.contains(record);
}

void RecordSet::VisitSorted(
    const std::function<void(absl::string_view record)>& visit) const {
  std::vector<absl::string_view> others(others_.begin(), others_.end());
  std::sort(others.begin(), others.end());
  auto other = others.begin();
  char hex[64];
  for (const Digests& part : digests_) {
    std::vector<Digest> digests(part.begin(), part.end());
    std::sort(digests.begin(), digests.end());
    for (const Digest& digest : digests) {
      for (size_t i = 0; i < 32; ++i) {
        hex[2 * i] = kHex[digest[i] >> 4];
        hex[2 * i + 1] = kHex[digest[i] & 15];
      }
      absl::string_view record(hex, sizeof(hex));
      for (; other != others.end() && *other < record; ++other) visit(*other);
      visit(record);
    }
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
