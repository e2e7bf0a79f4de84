#ifndef CONNECTOR_MEMBERSHIP_TYPES_H_
#define CONNECTOR_MEMBERSHIP_TYPES_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace connector::membership {

// Numbers given by the store. Each is used once and never again, so that what a
// deleted destination left behind can never be taken for something new.
using DestinationNumber = uint32_t;  // one incarnation of a destination
using SegmentNumber = uint32_t;
using ListNumber = uint32_t;

// One per group commit, from 1. A commit number that can be seen is on stable
// storage, and none below it is still on its way there.
using CommitNumber = uint64_t;

// The place of one run entry among all entries of the store: the later event
// has the larger one. Below kFirstEventOrder stands what is no event.
using EventOrder = uint64_t;
inline constexpr EventOrder kReplayOrder = 0;
inline constexpr EventOrder kEchoOrder = 1;
inline constexpr EventOrder kFirstEventOrder = 2;

// What an event asks for.
enum class Change : uint8_t { kRemove = 0, kAdd = 1 };

// What Pinterest confirmed of a record. A record without an entry is absent.
enum class DeliveredState : uint8_t {
  kThere = 1,
  // Pinterest refused the addition for good: not there.
  kRefusedAdd = 2,
  // Pinterest refused the removal for good: may be there.
  kRefusedRemove = 3,
  // Removed; kept so that an addition that arrives late can be told from a new
  // one. Such an entry carries the time of the removal.
  kAbsentSince = 4,
};

// Identity × membership, as in audience_sync.v1.SyncCounters.
struct IntakeCounts {
  int64_t received = 0;
  int64_t excluded = 0;
  int64_t rejected = 0;
  // Refused by Pinterest before, and made pending again.
  int64_t replayed = 0;

  // What was written into runs to be settled by a pass.
  int64_t accepted() const { return received - excluded - rejected + replayed; }
};

// How the entries of a pass ended, each counted run entry once.
struct PassCounts {
  int64_t delivered = 0;
  int64_t already_there = 0;
  int64_t netted_out = 0;
  int64_t superseded = 0;
  int64_t refused = 0;

  int64_t total() const {
    return delivered + already_there + netted_out + superseded + refused;
  }
};

// Everything known of one segment, or of a whole destination.
struct SyncCounts {
  IntakeCounts intake;
  PassCounts settled;

  int64_t pending() const { return intake.accepted() - settled.total(); }
};

// One incarnation of a destination: from the Apply that made it to its
// deletion.
struct DestinationRow {
  DestinationNumber number = 0;
  std::string ad_account_id;
  // Tells a host whether this is still the memory it knows.
  std::string history_id;
  // The configuration; the store does not look into it.
  std::string config;
  // Paused by the operator.
  bool paused = false;
};

// A stored credential; the store does not look into `config`.
struct CredentialRow {
  std::string credential_id;
  std::string config;
};

// Whether a segment's events are taken.
enum class MappingState : uint8_t {
  kMapped = 0,
  // Events are excluded; the list stays as it was.
  kKept = 1,
  // Events are excluded; the list was or is being emptied.
  kEmptied = 2,
};

// A segment that was seen.
struct SegmentRow {
  SegmentNumber number = 0;
  DestinationNumber destination = 0;
  // As stored: an id or name with '@' in it is replaced before it gets here.
  std::string segment_namespace;
  std::string segment_id;
  std::string display_name;
  // Paused by the operator.
  bool paused = false;
  // The list that mirrors it.
  ListNumber list = 0;
  MappingState mapping = MappingState::kMapped;
  // Of its audience; as the operator or the host wrote it.
  std::string description;
  // The display name was set by hand: exports no longer change it.
  bool name_set = false;
  // A list that was replaced and gets the segment's removals, too; 0: none.
  ListNumber former_list = 0;
  // What its audience was not told yet (kAudienceRename…).
  uint8_t audience_steps = 0;
  // When its list was last asked to be replaced by one that is made.
  absl::Time replace_time = absl::InfinitePast();

  static constexpr uint8_t kAudienceRename = 1;
  static constexpr uint8_t kAudienceRevive = 2;
};

// The customer list of a segment.
struct ListRow {
  ListNumber number = 0;
  DestinationNumber destination = 0;
  SegmentNumber segment = 0;
  // Pinterest's id; empty until the list exists.
  std::string customer_list_id;
  // Entries confirmed under an older epoch are not believed.
  uint32_t epoch = 1;
  // The list was there before this store: removals are never skipped, as it may
  // hold members that nobody knows.
  bool unknown_members = false;
  // When a creation was last asked for whose outcome is not known;
  // absl::InfinitePast() if none.
  absl::Time creation_attempt_time = absl::InfinitePast();
  // Most records a request may hold, learnt from a 413; 0 if none was seen.
  int64_t learnt_max_records = 0;
  // All changes up to here are settled.
  CommitNumber settled = 0;
  absl::Time last_delivery_time = absl::InfinitePast();
  // A replacement: lists of the name with an id up to this one are not what is
  // being made. Empty: none was replaced.
  std::string ignored_through;
  // While a replacement is being filled, the list that still serves the
  // segment's audience; otherwise empty.
  std::string serving_list_id;
  // The store was put back from a backup: whether the name has a newer list by
  // now, made after the backup, is to be looked up once.
  bool look_for_newer = false;

  // The list that the audience's rule should name; empty: there is none yet.
  const std::string& AudienceListId() const {
    return serving_list_id.empty() ? customer_list_id : serving_list_id;
  }
};

// Something that is done with a whole list, piece by piece, over crashes.
struct ListOperation {
  enum class Kind : uint8_t {
    // Every entry is removed that was confirmed before it.
    kEmpty = 1,
    // Every member is sent again.
    kResync = 2,
    // The list goes over to another one at Pinterest; every member is sent to
    // it.
    kReplace = 3,
    // What another list's entries say is removed from this one, which that list
    // replaced.
    kEmptyFormer = 4,
  };
  enum class Phase : uint8_t {
    // The next pass takes it up.
    kRequested = 1,
    // Passes send piece after piece.
    kSending = 2,
    // Nothing is left for passes; the audience is to be told.
    kAudience = 3,
  };
  Kind kind = Kind::kEmpty;
  Phase phase = Phase::kRequested;
  // Tells it from others of its list.
  uint64_t number = 0;
  absl::Time request_time = absl::InfinitePast();
  // kEmpty: additions of commits up to this one are superseded.
  CommitNumber through = 0;
  // Encoded record of the last entry that was dealt with; empty at first.
  std::string position;
  // kReplace: the list to go over to; empty: one that is made.
  std::string customer_list_id;
  // kReplace: that list may hold members that nobody knows.
  bool unknown_members = false;
  // kReplace: the old list keeps its members.
  bool keep_old_members = false;
  // kReplace: the list is emptied when it is done.
  bool then_empty = false;
  // kEmptyFormer: whose entries say what was on it.
  ListNumber source = 0;
  // Records that were sent, and how many were known at first.
  int64_t sent = 0;
  int64_t members = 0;

  bool needs_passes() const { return phase != Phase::kAudience; }
  bool removes() const {
    return kind == Kind::kEmpty || kind == Kind::kEmptyFormer;
  }
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_TYPES_H_
