#ifndef CONNECTOR_MEMBERSHIP_REJECTION_LOG_H_
#define CONNECTOR_MEMBERSHIP_REJECTION_LOG_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/membership/journal.h"
#include "connector/membership/tables.h"

namespace connector::membership {

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
