#ifndef TESTDATA_GENERATOR_ORACLE_H_
#define TESTDATA_GENERATOR_ORACLE_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "testdata/generator/profile_line.h"
#include "testdata/generator/sha256.h"

namespace generator {

// What an identity is under the default mapping.
struct Mapped {
  // No row for the namespace.
  bool excluded = false;
  // The record an addition brings; unset: rejected (or excluded).
  std::optional<Digest> record;
  // All records an exit takes away, `record` among them.
  std::vector<Digest> exits;
};

// The default mapping, for values that are ASCII and for the forms that the
// generator writes: an implementation of its own, apart from the connector's.
Mapped MapIdentity(const std::string& source_namespace,
                   const std::string& value);

// Counts of identities, and of identity × membership.
struct OracleCounts {
  int64_t profiles = 0;
  int64_t memberships = 0;
  int64_t identities = 0;
  int64_t units = 0;
  int64_t rejected_identities = 0;
  int64_t rejected_units = 0;
  int64_t excluded_identities = 0;
  int64_t excluded_units = 0;
};

// Follows an export and knows what is on each list after it: for one record in
// one list the last event wins, in the order of the lines. Not thread-safe.
class Oracle {
 public:
  explicit Oracle(int segments) : lists_(segments) {}

  void Take(const ProfileLine& line);

  // The lists stay; the counts begin anew.
  void ResetCounts() { counts_ = OracleCounts(); }
  const OracleCounts& counts() const { return counts_; }

  // The records of a segment's list, sorted, as lower-case hex.
  std::vector<std::string> Records(int segment) const;

 private:
  OracleCounts counts_;
  std::vector<absl::flat_hash_set<Digest>> lists_;
};

}  // namespace generator

#endif  // TESTDATA_GENERATOR_ORACLE_H_
