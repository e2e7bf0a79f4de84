#ifndef CONNECTOR_SIMULATOR_RECORD_SET_H_
#define CONNECTOR_SIMULATOR_RECORD_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace simulator {

// What a customer list holds, exactly as it was sent. SHA-256 records (64
// lower-case hex digits) cost 38-75 bytes each, everything else is kept as
// text. Nothing is normalized: "AB" and "ab" are two records, as on the wire.
//
// Not thread-safe.
class RecordSet {
 public:
  // Both answer whether the set changed.
  bool Add(absl::string_view record);
  bool Remove(absl::string_view record);

  bool Contains(absl::string_view record) const;
  size_t size() const { return digest_count_ + others_.size(); }

  // Records that are no lower-case hex digest of 32, 40 or 64 digits: clear
  // text, capitals, blanks. A connector that hashes everything keeps this at
  // zero.
  size_t unhashed() const { return unhashed_; }

  // Visits all records in byte order. Sorts copies of a part at a time.
  void VisitSorted(
      const std::function<void(absl::string_view record)>& visit) const;
  std::vector<std::string> Sorted() const;

 private:
  using Digest = std::array<uint8_t, 32>;
  struct DigestHash {
    size_t operator()(const Digest& digest) const;
  };

  using Digests = absl::flat_hash_set<Digest, DigestHash>;

  static bool ParseDigest(absl::string_view record, Digest* digest);
  size_t PartOf(const Digest& digest) const;
  void Split();

  // Digests by their first part_bits_ bits: records that come in their order
  // then find what they need in the processor's cache, however long the list.
  std::vector<Digests> digests_ = std::vector<Digests>(1);
  int part_bits_ = 0;
  size_t digest_count_ = 0;
  absl::flat_hash_set<std::string> others_;
  size_t unhashed_ = 0;
};

// Whether `record` is 32, 40 or 64 lower-case hex digits.
bool IsHexDigest(absl::string_view record);

// Calls `visit(absl::string_view)` for each record of Pinterest's
// comma-separated string. Empty ones are left out: an official example ends
// with a comma. Returns the number of records visited.
template <typename Visitor>
size_t ForEachRecord(absl::string_view records, Visitor visit) {
  size_t count = 0;
  while (!records.empty()) {
    size_t comma = records.find(',');
    absl::string_view record = records.substr(0, comma);
    if (!record.empty()) {
      ++count;
      visit(record);
    }
    if (comma == absl::string_view::npos) break;
    records.remove_prefix(comma + 1);
  }
  return count;
}

}  // namespace simulator

#endif  // CONNECTOR_SIMULATOR_RECORD_SET_H_
