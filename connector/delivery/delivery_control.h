#ifndef CONNECTOR_DELIVERY_DELIVERY_CONTROL_H_
#define CONNECTOR_DELIVERY_DELIVERY_CONTROL_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"

namespace connector::delivery {

// Whether delivery goes on. The operator's own pause is not in here: it is
// configuration.
struct DeliveryCondition {
  enum class State {
    kActive,    // delivering, or nothing to deliver
    kRetrying,  // the last request failed and is repeated at retry_time
    kBlocked,   // stopped by an answer of Pinterest; probed at retry_time
  };
  State state = State::kActive;
  // Why; OK while active. Holds neither personal data nor a token.
  absl::Status reason;
  absl::Time retry_time = absl::InfinitePast();
};

// What a pass over a list would do now. Counts of records, but for the last
// four: they count memberships (SyncCounters).
struct ListPreview {
  int64_t additions = 0;
  int64_t removals = 0;
  int64_t requests = 0;
  // Nothing is known of a list at Pinterest, and one is needed.
  bool creates_list = false;
  membership::PassCounts settled;
};

// What the rest of the process may ask of delivery. Thread-safe.
class DeliveryControl {
 public:
  virtual ~DeliveryControl() = default;

  virtual DeliveryCondition ListCondition(membership::ListNumber list) = 0;
  virtual DeliveryCondition DestinationCondition(
      membership::DestinationNumber destination) = 0;
  virtual DeliveryCondition CredentialCondition(
      absl::string_view credential_id) = 0;

  // Sends what waits without waiting for more to come.
  virtual void Flush(membership::DestinationNumber destination) = 0;

  // Tries again at once what an answer of Pinterest had stopped.
  virtual void Retry(membership::DestinationNumber destination) = 0;

  // Computes what a pass over the list would send, in the memory that passes
  // share; sends and stores nothing. A pass that is under way may change what
  // is seen. Errors as the ledger's.
  virtual absl::StatusOr<ListPreview> Preview(membership::ListNumber list) = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_DELIVERY_CONTROL_H_
