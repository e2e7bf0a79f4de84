#ifndef CONNECTOR_INGEST_BATCH_MAPPER_H_
#define CONNECTOR_INGEST_BATCH_MAPPER_H_

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/status/statusor.h"
#include "audience_sync/v1/export_service.pb.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/config/destination_config.h"
#include "connector/membership/catalog.h"
#include "connector/membership/intake.h"

namespace connector::ingest {

// What a batch brings besides its changes.
struct MapOptions {
  // Exits carry their time (the qualification time, or that of the commit), so
  // that the store remembers them for a while: somewhere late additions may
  // come from. Only for destinations with a window for them.
  bool remember_exits = false;
  // Additions carry their qualification time: one that is not newer than an
  // exit that is remembered is held back (delivery/change_sorter.h).
  bool time_additions = false;
  // A profile with a key has all its identities
  // (OpenExport.identities_complete).
  bool identities_complete = false;
};

// A batch of which nothing raw is left.
struct MappedBatch {
  // All but `export_id` and `fence` is filled in.
  membership::Batch batch;
  // Rejected identities and memberships, exact; batch.rejections has the first.
  int64_t rejection_count = 0;
  // The same by audience_sync.v1.RejectionReason.
  std::map<int, int64_t> rejections_by_reason;
  // What the batch takes in memory, nearly.
  size_t bytes = 0;
};

// Maps a batch to the changes it brings to each customer list, profile by
// profile, in order:
//
// - A member event adds the identity's record of today (counted) and removes
//   the forms that former mappings gave it (not counted). Those removals stand
//   before everything else that the batch brings to the list, as another
//   identity may be added in a form that is a former one of this identity.
// - An exit removes today's record (counted) and every other form (not
//   counted). It removes what former mappings made of the value even if the
//   value is refused today, or its namespace has no row any more.
//
// The unit of the counts is identity × membership. A membership that is wrong
// rejects all identities with it, outside of any segment; otherwise an identity
// that is wrong rejects itself with each membership, and one whose namespace
// has no row is excluded. A profile over the limits is rejected as a whole.
// None of this fails the batch. A profile key over its limit makes a profile
// too large.
//
// With `identities_complete` the changes of a profile with a key have its
// holder, the first half of the SHA-256 of the ad account and the key, and the
// batch has a statement about it: its records of today and its memberships.
// What was rejected or excluded is in neither. A profile that is too large says
// nothing. Removals of former forms at an addition have no holder.
//
// INVALID_ARGUMENT if the frame itself is out of bounds; the store's error if a
// segment cannot be stored. Then nothing of the batch is to be taken.
//
// The digest is DigestBatch's: of what the host sent, whatever it is mapped to.
//
// Reads nothing but the catalog; thread-safe.
absl::StatusOr<MappedBatch> MapBatch(
    const config::DestinationState& destination,
    const audience_sync::v1::ExportBatch& batch, membership::Catalog* catalog,
    const MapOptions& options = MapOptions());

// What the host is told about a mapped batch's rejections.
audience_sync::v1::BatchRejections ToBatchRejections(const MappedBatch& mapped);

}  // namespace connector::ingest

#endif  // CONNECTOR_INGEST_BATCH_MAPPER_H_
