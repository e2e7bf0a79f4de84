#ifndef CONNECTOR_CLI_RETRY_H_
#define CONNECTOR_CLI_RETRY_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "connector/base/random.h"

namespace connector::cli {

// Whether opening the stream again may help: the server is away, is shutting
// down, or asks for patience.
bool IsTemporary(const absl::Status& status);

// How long to wait before each of a row of tries. Not thread-safe.
class RetryDelays {
 public:
  // `random` must outlive it.
  explicit RetryDelays(Random& random) : random_(random) {}

  // The delay after `cause`: from 0.2 s doubling up to 5 s, with jitter, and at
  // least what the server asks for.
  absl::Duration Next(const absl::Status& cause);

 private:
  Random& random_;
  absl::Duration backoff_ = absl::Milliseconds(200);
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_RETRY_H_
