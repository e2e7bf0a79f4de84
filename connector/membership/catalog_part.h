#ifndef CONNECTOR_MEMBERSHIP_CATALOG_PART_H_
#define CONNECTOR_MEMBERSHIP_CATALOG_PART_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "connector/membership/catalog.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// The catalog view. Every change is one synced write; changes are made one
// after another, reads go on meanwhile.
class CatalogPart final : public Catalog {
 public:
  explicit CatalogPart(Core& core) : core_(core) {}

  std::vector<DestinationRow> Destinations() override;
  std::optional<DestinationRow> FindDestination(
      absl::string_view ad_account_id) override;
  absl::StatusOr<DestinationRow> PutDestination(
      absl::string_view ad_account_id, absl::string_view config) override;
  absl::Status SetDestinationPaused(DestinationNumber destination,
                                    bool paused) override;
  absl::Status DeleteDestination(DestinationNumber destination) override;

  std::vector<CredentialRow> Credentials() override;
  absl::Status PutCredential(absl::string_view credential_id,
                             absl::string_view config) override;
  absl::Status DeleteCredential(absl::string_view credential_id) override;

  absl::StatusOr<SegmentRow> EnsureSegment(DestinationNumber destination,
                                           absl::string_view segment_namespace,
                                           absl::string_view segment_id,
                                           absl::string_view display_name,
                                           int max_lists) override;
  std::optional<SegmentRow> FindSegment(DestinationNumber destination,
                                        absl::string_view segment_namespace,
                                        absl::string_view segment_id) override;
  std::vector<SegmentRow> Segments(DestinationNumber destination) override;
  absl::Status SetSegmentPaused(SegmentNumber segment, bool paused) override;

  // Makes a segment and its list, and in the same write what is asked for of
  // the list, if anything; the caller holds the change mutex.
  absl::StatusOr<SegmentRow> MakeSegment(
      DestinationNumber destination, absl::string_view segment_namespace,
      absl::string_view segment_id, absl::string_view display_name,
      int max_lists, const ListOperation* operation = nullptr);

 private:
  absl::Status StoreSegment(const SegmentRow& row);
  absl::Status StoreDestination(const DestinationRow& row);
  std::optional<DestinationRow> FindRow(DestinationNumber destination);

  Core& core_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_CATALOG_PART_H_
