#ifndef CONNECTOR_MEMBERSHIP_AUDIENCE_TABLE_H_
#define CONNECTOR_MEMBERSHIP_AUDIENCE_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"

namespace connector::membership {

// Which audience of a destination: that of a segment, or one that the
// configuration declares.
struct AudienceKey {
  DestinationNumber destination = 0;
  // Not 0: the CUSTOMER_LIST audience of this segment; the rest is empty.
  SegmentNumber segment = 0;
  // A declared audience: Pinterest's type ("VISITOR") and the declared name.
  // The type is part of the key as it cannot change at Pinterest.
  std::string type;
  std::string name;

  friend bool operator==(const AudienceKey& a, const AudienceKey& b) {
    return a.destination == b.destination && a.segment == b.segment &&
           a.type == b.type && a.name == b.name;
  }
};

// What is known of one audience at Pinterest, and what is asked of it. All text
// is safe to be shown: nothing with '@' is stored.
struct AudienceRow {
  // Pinterest's id; empty until it was found or created.
  std::string audience_id;
  // The rule as it was last confirmed: the customer list id of a segment's
  // audience, compact JSON of others.
  std::string rule;
  // Name and description as last confirmed.
  std::string name;
  std::string description;

  // When a creation was last asked for whose outcome is not known;
  // absl::InfinitePast() if none. `attempted_rule` is what it asked for.
  absl::Time creation_attempt_time = absl::InfinitePast();
  std::string attempted_rule;

  // As Pinterest told last: "READY"; "GONE" when it knows no such audience.
  // Empty until it told.
  std::string status;
  std::optional<int64_t> size;
  // When it was found or created here.
  absl::Time first_seen_time = absl::InfinitePast();
  // When the status last went from one class to another (usable, waiting, too
  // small, ended).
  absl::Time status_time = absl::InfinitePast();
  absl::Time last_poll_time = absl::InfinitePast();
  // Why it is not there or not as asked for; masked. Empty when all is well.
  std::string last_error;
  // Other audiences that look the same, as of the last look at all of them.
  int32_t twins = 0;

  // Asked for by an operator; nullopt: as it comes.
  std::optional<std::string> wanted_name;
  std::optional<std::string> wanted_description;
  // It is to be retired, and Pinterest confirmed that it is.
  bool retired = false;
  bool retirement_confirmed = false;
  // Audiences that were retired before, or had ended before they were known
  // here, and are not taken up again.
  std::vector<std::string> abandoned_ids;
  // When Pinterest says that it ended, another one is made.
  bool replace_if_ended = false;
  // When that was noted.
  absl::Time revive_time = absl::InfinitePast();
};

struct AudienceEntry {
  AudienceKey key;
  AudienceRow row;
};

// What is remembered of audiences. Goes with the destination. Thread-safe.
// Errors: NOT_FOUND once the destination (or the segment) is deleted;
// UNAVAILABLE STORE_FAILED.
class AudienceTable {
 public:
  virtual ~AudienceTable() = default;

  virtual std::vector<AudienceEntry> Audiences(
      DestinationNumber destination) = 0;
  virtual std::optional<AudienceRow> FindAudience(const AudienceKey& key) = 0;

  // Reads, changes and stores the row (a new one if there is none) in one step,
  // synced; gives it as stored. `change` must not call the store.
  virtual absl::StatusOr<AudienceRow> ChangeAudience(
      const AudienceKey& key, absl::FunctionRef<void(AudienceRow&)> change) = 0;

  // The same without a sync, for what the next poll tells again anyway.
  virtual absl::StatusOr<AudienceRow> NoteAudience(
      const AudienceKey& key, absl::FunctionRef<void(AudienceRow&)> change) = 0;

  // Forgets the row; Pinterest is not told.
  virtual absl::Status DeleteAudience(const AudienceKey& key) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_AUDIENCE_TABLE_H_
