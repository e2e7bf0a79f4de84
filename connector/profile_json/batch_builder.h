#ifndef CONNECTOR_PROFILE_JSON_BATCH_BUILDER_H_
#define CONNECTOR_PROFILE_JSON_BATCH_BUILDER_H_

#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/profile_json/parsed_profile.h"

namespace connector::profile_json {

// Puts profiles into a batch, each namespace and segment once in its tables.
// What does not fit in a table is written out where it is used. Not
// thread-safe.
class BatchBuilder {
 public:
  // `batch` must be empty and outlive the builder.
  explicit BatchBuilder(audience_sync::v1::ExportBatch* batch)
      : batch_(batch) {}

  void Add(const ParsedProfile& profile);

 private:
  void SetNamespace(absl::string_view name,
                    audience_sync::v1::Identity& identity);
  void SetSegment(const ParsedMembership& parsed,
                  audience_sync::v1::SegmentMembership& membership);

  audience_sync::v1::ExportBatch* const batch_;
  // What stands in the tables; the keys point into them.
  absl::flat_hash_map<absl::string_view, uint32_t> namespaces_;
  absl::flat_hash_map<std::pair<absl::string_view, absl::string_view>, uint32_t>
      segments_;
};

}  // namespace connector::profile_json

#endif  // CONNECTOR_PROFILE_JSON_BATCH_BUILDER_H_
