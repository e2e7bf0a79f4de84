#ifndef CONNECTOR_DELIVERY_CREDENTIAL_CHANNEL_H_
#define CONNECTOR_DELIVERY_CREDENTIAL_CHANNEL_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "connector/delivery/call_pacer.h"
#include "connector/delivery/gate.h"
#include "connector/pinterest/customer_list_client.h"

namespace connector::delivery {

// What all requests of one credential share: the client, the budgets, the gate,
// and how many requests in a row went wrong without Pinterest's doing anything.
// Thread-safe.
class CredentialChannel {
 public:
  // For the rest see CallPacer.
  CredentialChannel(std::shared_ptr<pinterest::CustomerListClient> client,
                    const config::CallLimits& limits,
                    absl::string_view call_history, absl::Time now,
                    CallPacer::SaveHistory save_history)
      : client_(std::move(client)),
        pacer_(limits, call_history, now, std::move(save_history)) {}

  pinterest::CustomerListClient& client() { return *client_; }
  CallPacer& pacer() { return pacer_; }
  Gate& gate() { return gate_; }

  // Counts a failure that another request may cure (Pinterest is down or out of
  // reach); returns how many came in a row.
  // Reads and writes are counted apart: one may work while the other does not.
  int NoteFailure(bool read) {
    absl::MutexLock lock(&mutex_);
    return ++(read ? read_failures_ : write_failures_);
  }
  void NoteSuccess(bool read) {
    absl::MutexLock lock(&mutex_);
    (read ? read_failures_ : write_failures_) = 0;
  }

 private:
  const std::shared_ptr<pinterest::CustomerListClient> client_;
  CallPacer pacer_;
  Gate gate_;
  absl::Mutex mutex_;
  int read_failures_ ABSL_GUARDED_BY(mutex_) = 0;
  int write_failures_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_CREDENTIAL_CHANNEL_H_
