#ifndef CONNECTOR_MEMBERSHIP_STORE_H_
#define CONNECTOR_MEMBERSHIP_STORE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connector/base/clock.h"
#include "connector/base/random.h"
#include "connector/membership/audience_table.h"
#include "connector/membership/catalog.h"
#include "connector/membership/counter_table.h"
#include "connector/membership/forget.h"
#include "connector/membership/full_sync.h"
#include "connector/membership/intake.h"
#include "connector/membership/journal.h"
#include "connector/membership/ledger.h"
#include "connector/membership/maintenance.h"
#include "connector/membership/operations.h"
#include "connector/membership/people.h"

namespace connector::membership {

// The membership store: one durable memory behind several views of it, one
// for each kind of user. Thread-safe as the views say.
class MembershipStore : public Catalog,
                        public Intake,
                        public Ledger,
                        public Journal,
                        public Operations,
                        public AudienceTable,
                        public CounterTable,
                        public Maintenance,
                        public FullSyncs,
                        public People,
                        public Forgets {
 public:
  ~MembershipStore() override = default;
};

struct StoreOptions {
  // A directory of its own, made if it is not there (0700).
  std::string path;
  // Must outlive the store.
  Clock* clock = &Clock::Real();
  Random* random = &Random::Real();
  // Called once, from any thread, when a write or sync failed, or a file turned
  // out to be damaged: nothing can be acknowledged any more and the process
  // should stop.
  std::function<void(const absl::Status&)> on_failure;
  // Memory for unflushed writes and cached blocks, in bytes.
  int64_t memory_budget = 96 << 20;
  // How long an ended or idle export is remembered.
  absl::Duration export_expiry = absl::Hours(7 * 24);
  // Most rejections kept for a destination; the oldest go first.
  int64_t max_rejections = 10'000;
  // Intake stops while less than this, and once more what waits for delivery,
  // is free on the disk of `path`, in bytes; 0: never. Looked at once a second.
  int64_t disk_reserve_bytes = 0;
  // Bytes that are free on the disk of a path; nullptr: as the system says.
  std::function<absl::StatusOr<int64_t>(const std::string&)> free_space;
};

// Opens or makes the store. FAILED_PRECONDITION if another process has it open,
// if its format is newer or unknown; DATA_LOSS STORE_DAMAGED if a file of it is
// damaged, which the message names; UNAVAILABLE STORE_FAILED if the disk does
// not let it be opened now. A file "restored" in the directory tells that it
// was put back from a copy (backup.h).
absl::StatusOr<std::unique_ptr<MembershipStore>> OpenStore(
    const StoreOptions& options);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_STORE_H_
