#ifndef CONNECTOR_MEMBERSHIP_REJECTION_LOG_H_
#define CONNECTOR_MEMBERSHIP_REJECTION_LOG_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/membership/journal.h"
#include "connector/membership/tables.h"

namespace connector::membership {

// What a full sync leaves in the log that ends without having been applied, as
// what it declared is rejected: nothing if it declared nothing.
std::vector<JournalRejection> EndOfFullSync(const FullSync& full_sync,
                                            int32_t reason, absl::Time now);
// The same, with the reason that its state gives: it was not committed yet, or
// it was.
std::vector<JournalRejection> EndOfFullSync(const FullSync& full_sync,
                                            absl::Time now);

// The rejection log of each destination: numbered lines, the newest of them
// kept. Thread-safe.
class RejectionLog {
 public:
  explicit RejectionLog(Core& core) : core_(core) {}

  // Adds the lines to the set, and the deletion of those that are too old. The
  // lines have their numbers from here on; the set must be written.
  void Append(DestinationNumber destination,
              const std::vector<JournalRejection>& lines, WriteSet& set);

  absl::StatusOr<RejectionPage> Read(DestinationNumber destination,
                                     int page_size,
                                     absl::string_view page_token);

 private:
  Core& core_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_REJECTION_LOG_H_
