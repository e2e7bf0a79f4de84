#ifndef CONNECTOR_MEMBERSHIP_CATALOG_H_
#define CONNECTOR_MEMBERSHIP_CATALOG_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/membership/types.h"

namespace connector::membership {

// What the store knows by name: destinations, credentials, segments. Every
// change is on stable storage when the call returns. Thread-safe.
class Catalog {
 public:
  virtual ~Catalog() = default;

  // Destinations.
  virtual std::vector<DestinationRow> Destinations() = 0;
  virtual std::optional<DestinationRow> FindDestination(
      absl::string_view ad_account_id) = 0;
  // Stores the configuration; the first one starts an incarnation with a new
  // number and history id.
  virtual absl::StatusOr<DestinationRow> PutDestination(
      absl::string_view ad_account_id, absl::string_view config) = 0;
  virtual absl::Status SetDestinationPaused(DestinationNumber destination,
                                            bool paused) = 0;
  // Ends the incarnation and forgets all that belongs to it. What a commit or a
  // pass still writes for it afterwards is refused with NOT_FOUND.
  virtual absl::Status DeleteDestination(DestinationNumber destination) = 0;

  // Credentials.
  virtual std::vector<CredentialRow> Credentials() = 0;
  virtual absl::Status PutCredential(absl::string_view credential_id,
                                     absl::string_view config) = 0;
  virtual absl::Status DeleteCredential(absl::string_view credential_id) = 0;

  // Segments. `EnsureSegment` finds or makes the segment and its list;
  // RESOURCE_EXHAUSTED TOO_MANY_CUSTOMER_LISTS if the destination already has
  // `max_lists`. A new display name is stored when it differs and is not empty.
  // Fast (no write, one lookup in memory) when nothing is new.
  virtual absl::StatusOr<SegmentRow> EnsureSegment(
      DestinationNumber destination, absl::string_view segment_namespace,
      absl::string_view segment_id, absl::string_view display_name,
      int max_lists) = 0;
  virtual std::optional<SegmentRow> FindSegment(
      DestinationNumber destination, absl::string_view segment_namespace,
      absl::string_view segment_id) = 0;
  // In the order of their numbers.
  virtual std::vector<SegmentRow> Segments(DestinationNumber destination) = 0;
  virtual absl::Status SetSegmentPaused(SegmentNumber segment, bool paused) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_CATALOG_H_
