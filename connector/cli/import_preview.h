#ifndef CONNECTOR_CLI_IMPORT_PREVIEW_H_
#define CONNECTOR_CLI_IMPORT_PREVIEW_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "connector/cli/export_input.h"
#include "connector/cli/mapping_source.h"
#include "connector/profile_json/parsed_profile.h"
#include "identity_mapping/mapping.h"
#include "nlohmann/json_fwd.hpp"

namespace connector::cli {

// Counts what would become of profiles, by the mapping itself. Keeps numbers
// and names of namespaces and segments, and no value. Not thread-safe.
class ImportPreview {
 public:
  // `source` must outlive it.
  explicit ImportPreview(const MappingSource& source) : source_(source) {}

  void Add(const ParsedProfile& profile);

  // For people, and for programs (README.md has the fields).
  std::string Text(const ReadingTally& reading) const;
  nlohmann::ordered_json Json(const ReadingTally& reading) const;

 private:
  struct Namespace {
    // The row; negative: none.
    int row = -1;
    std::string kind;
    int64_t values = 0;
    int64_t mapped = 0;
    int64_t rejected = 0;
    std::map<identity_mapping::RejectionReason, int64_t> reasons;

    int64_t excluded() const { return values - mapped - rejected; }
  };
  struct Segment {
    int64_t additions = 0;
    int64_t removals = 0;
  };

  Namespace& FindNamespace(absl::string_view name);
  // The rule that keeps a membership out; empty: none.
  absl::string_view Refusal(const ParsedMembership& membership) const;

  const MappingSource& source_;
  int64_t profiles_ = 0;
  int64_t identities_ = 0;
  int64_t memberships_ = 0;
  absl::flat_hash_map<std::string, Namespace> namespaces_;
  // By namespace, zero byte, id.
  absl::flat_hash_map<std::string, Segment> segments_;
  std::string segment_key_;
  // Memberships by rule.
  std::map<std::string, int64_t, std::less<>> refused_memberships_;
  identity_mapping::MappedIdentity mapped_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_IMPORT_PREVIEW_H_
