#ifndef TESTS_BENCHMARK_LOAD_H_
#define TESTS_BENCHMARK_LOAD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace benchmark_load {

// What is sent: people of two identities each (an e-mail address and a GAID),
// everyone in one segment. The same numbers give the same people.
struct LoadOptions {
  // Where the connector listens, as gRPC writes it.
  std::string address;
  std::string ad_account_id;
  // Streams have exports of their own: this, "-" and the stream's number.
  std::string export_id;
  int streams = 2;
  int64_t profiles = 1'000'000;
  int batch_profiles = 1'000;
  // Batches of a stream that may be unacknowledged.
  int window = 16;
  // The people are first_person, first_person + stride, …
  int64_t first_person = 0;
  int64_t stride = 1;
  // A person is in segment "s" and their number modulo this.
  int segments = 1;
  bool exited = false;
  // Profiles have keys, and the export says that their identities are complete.
  bool complete = false;
  // The export declares the complete membership of segment "s0": one stream,
  // one segment.
  bool full_sync = false;
  // Identities a second; 0 is as fast as it goes. Latency is then counted from
  // when a batch was due, not from when it could be sent.
  double rate = 0;
};

// Sends it all over streams of this process and returns
//   {"identities", "seconds": from the first batch to the last acknowledgement,
//    "batches", "latency_ms": {"p50", "p99", "max"} from a batch's sending to
//    its DurableAck, "cpu_seconds": of this process}.
// Fails with the first error of a stream.
absl::StatusOr<nlohmann::json> SendLoad(const LoadOptions& options);

}  // namespace benchmark_load

#endif  // TESTS_BENCHMARK_LOAD_H_
