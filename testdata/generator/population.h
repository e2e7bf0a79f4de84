#ifndef TESTDATA_GENERATOR_POPULATION_H_
#define TESTDATA_GENERATOR_POPULATION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "testdata/generator/prng.h"
#include "testdata/generator/profile_line.h"

namespace generator {

enum class Keying {
  // identityMap is keyed by the source namespaces.
  kSource,
  // Everything stands under pinterest_audience.
  kPinterestAudience,
  // Some profiles so, some so.
  kMixed,
};

// What is generated. The same options give the same lines everywhere.
struct Options {
  uint64_t seed = 1;
  int64_t profiles = 20'000;
  int segments = 5;
  Keying keying = Keying::kMixed;
  // Shares from 0 to 1. Of the profiles: those that leave segments later in the
  // same export, of these those that come back, those whose line is repeated,
  // those that share an identity with another.
  double exit_share = 0.10;
  double reentry_share = 0.30;
  double repeat_share = 0.05;
  double shared_share = 0.05;
  // Of the identities: those that are replaced by something malformed.
  double malformed_share = 0.02;
  // Of the second phase: profiles that change, and new ones.
  double change_share = 0.20;
  double new_share = 0.05;
};

using LineSink = std::function<void(const ProfileLine&)>;

// The people of an export and what becomes of them. Nothing is remembered from
// line to line, so an export of any size needs no memory. Not thread-safe.
class Population {
 public:
  explicit Population(const Options& options) : options_(options) {}

  // Everybody enters, and some leave and come back.
  void Initial(const LineSink& sink) const;

  // What happens later: some leave, some enter further segments, some are new.
  void Changes(const LineSink& sink) const;

 private:
  // The identities of a person as their profile has them.
  std::vector<LineIdentity> IdentitiesOf(int64_t person) const;
  // Those nobody else brings in, well-formed, under their source namespaces.
  std::vector<LineIdentity> OwnIdentities(int64_t person) const;
  std::string AddressOf(int64_t person, int which) const;
  std::string Malformed(const std::string& source_namespace, Prng& prng) const;

  // The segments that a person enters at first.
  std::vector<int> SegmentsOf(int64_t person) const;
  std::string TimeOf(int64_t person, Prng& prng) const;

  ProfileLine Entry(int64_t person) const;
  // Those of the segments that the person leaves within the first export.
  std::vector<int> LeftSegments(int64_t person) const;
  ProfileLine Update(int64_t person, const std::vector<int>& segments,
                     const std::string& status) const;

  const Options options_;
};

}  // namespace generator

#endif  // TESTDATA_GENERATOR_POPULATION_H_
