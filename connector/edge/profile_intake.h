#ifndef CONNECTOR_EDGE_PROFILE_INTAKE_H_
#define CONNECTOR_EDGE_PROFILE_INTAKE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "audience_sync/v1/profile_export.pb.h"
#include "connector/config/destination_config.h"
#include "connector/ingest/unary_intake.h"
#include "connector/membership/types.h"
#include "connector/profile_json/batch_builder.h"
#include "connector/profile_json/parsed_profile.h"
#include "google/protobuf/arena.h"

namespace connector::edge {

// The profiles of one request on their way to stable storage, cut into batches
// that the store takes. For one use, by one thread.
class ProfileIntake {
 public:
  static constexpr size_t kMaxNamed = 100;

  struct Totals {
    int64_t profiles = 0;
    // Qualification times that were there but in no known spelling.
    int64_t unreadable_times = 0;
    // Identity × membership.
    membership::IntakeCounts counts;
    // By audience_sync.v1.RejectionReason.
    std::map<int, int64_t> rejections;
    // The first ones, by their places in the request, in order; at most
    // kMaxNamed. Profiles count over all of the request.
    std::vector<audience_sync::v1::ExportRejection> named;
  };

  ProfileIntake();
  ~ProfileIntake();

  void Add(const profile_json::ParsedProfile& profile);

  // Commits all of it, in order, and waits until it is durable, at most until
  // `deadline`: then UNAVAILABLE COMMIT_TIMEOUT, and what was handed over may
  // become durable all the same. Otherwise the first error.
  absl::StatusOr<Totals> Commit(const ingest::UnaryIntake& intake,
                                const config::DestinationState& destination,
                                absl::Time deadline);

 private:
  // A batch on an arena of its own.
  struct Part;

  std::vector<std::unique_ptr<Part>> parts_;
  Totals totals_;
};

}  // namespace connector::edge

#endif  // CONNECTOR_EDGE_PROFILE_INTAKE_H_
