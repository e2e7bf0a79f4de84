#ifndef CONNECTOR_EDGE_CATALOG_SEGMENTS_H_
#define CONNECTOR_EDGE_CATALOG_SEGMENTS_H_

#include "connector/edge/segment_admin.h"
#include "connector/membership/catalog.h"

namespace connector::edge {

// A platform's audience calls by the store's catalog alone: a segment is made
// known and gets its name. It cannot be unmapped.
class CatalogSegments final : public SegmentAdmin {
 public:
  // `catalog` must outlive it.
  explicit CatalogSegments(membership::Catalog* catalog) : catalog_(catalog) {}

  absl::StatusOr<SegmentState> Create(
      const config::DestinationState& destination,
      const SegmentNames& names) override;
  absl::StatusOr<SegmentState> Update(
      const config::DestinationState& destination,
      const SegmentNames& names) override;
  absl::Status Delete(const config::DestinationState& destination,
                      const SegmentNames& names, bool keep_members) override;

 private:
  membership::Catalog* const catalog_;
};

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_CATALOG_SEGMENTS_H_
