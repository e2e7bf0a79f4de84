#include "connector/edge/profile_intake.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"

namespace connector::edge {
namespace {

namespace v1 = audience_sync::v1;
using google::protobuf::Arena;

// What the commits of a request leave behind. Outlives the request, as a commit
// may come after its deadline.
struct Outcome {
  absl::Mutex mutex;
  int waited_for ABSL_GUARDED_BY(mutex) = 0;
  absl::Status error ABSL_GUARDED_BY(mutex);
  membership::IntakeCounts counts ABSL_GUARDED_BY(mutex);
  std::map<int, int64_t> rejections ABSL_GUARDED_BY(mutex);
  std::vector<v1::ExportRejection> named ABSL_GUARDED_BY(mutex);
};

google::protobuf::ArenaOptions PartArena() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 4 << 10;
  options.max_block_size = 1 << 20;
  return options;
}

}  // namespace

struct ProfileIntake::Part {
  Part()
      : arena(PartArena()),
        batch(Arena::CreateMessage<v1::ExportBatch>(&arena)),
        builder(batch) {}

  Arena arena;
  v1::ExportBatch* const batch;
  profile_json::BatchBuilder builder;
  // Identity × membership of its profiles.
  int64_t changes = 0;
  // The place of its first profile in the request.
  int64_t first_profile = 0;
};

ProfileIntake::ProfileIntake() = default;
ProfileIntake::~ProfileIntake() = default;

void ProfileIntake::Add(const profile_json::ParsedProfile& profile) {
  const int64_t identities = static_cast<int64_t>(profile.identities.size());
  const int64_t memberships = static_cast<int64_t>(profile.memberships.size());
  // A profile that is too large is rejected as a whole and changes nothing.
  const bool too_large = identities > limits::kMaxProfileIdentities ||
                         memberships > limits::kMaxProfileMemberships;
  const int64_t changes = too_large ? 0 : identities * memberships;
  if (parts_.empty() ||
      parts_.back()->batch->profile_exports_size() >=
          limits::kMaxBatchProfiles ||
      parts_.back()->changes + changes > limits::kMaxBatchChanges) {
    parts_.push_back(std::make_unique<Part>());
    parts_.back()->first_profile = totals_.profiles;
  }
  parts_.back()->builder.Add(profile);
  parts_.back()->changes += changes;
  ++totals_.profiles;
  totals_.unreadable_times += profile.unreadable_times;
}

absl::StatusOr<ProfileIntake::Totals> ProfileIntake::Commit(
    const ingest::UnaryIntake& intake,
    const config::DestinationState& destination, absl::Time deadline) {
  ingest::MapOptions options;
  options.remember_exits = true;
  options.time_additions =
      destination.policy.late_addition_window > absl::ZeroDuration();
  const auto outcome = std::make_shared<Outcome>();
  for (std::unique_ptr<Part>& part : parts_) {
    {
      absl::MutexLock lock(&outcome->mutex);
      // What follows would have to be sent again anyway.
      if (!outcome->error.ok()) break;
      ++outcome->waited_for;
    }
    intake.Commit(
        destination, *part->batch, /*export_id=*/"", options,
        [outcome, first_profile = part->first_profile](
            absl::StatusOr<ingest::UnaryOutcome> committed) {
          absl::MutexLock lock(&outcome->mutex);
          --outcome->waited_for;
          if (!committed.ok()) {
            if (outcome->error.ok()) outcome->error = committed.status();
            return;
          }
          outcome->counts.received += committed->counts.received;
          outcome->counts.excluded += committed->counts.excluded;
          outcome->counts.rejected += committed->counts.rejected;
          for (const auto& [reason, count] : committed->rejections_by_reason) {
            outcome->rejections[reason] += count;
          }
          // Batches are committed one after the other, so these are the first.
          for (v1::ExportRejection rejection :
               committed->rejections.rejections()) {
            if (outcome->named.size() == kMaxNamed) break;
            rejection.set_profile_index(static_cast<int32_t>(first_profile) +
                                        rejection.profile_index());
            outcome->named.push_back(std::move(rejection));
          }
        });
    // Nothing raw is kept longer than it is needed.
    part.reset();
  }
  absl::MutexLock lock(&outcome->mutex);
  const auto all = [&outcome]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(outcome->mutex) {
    return outcome->waited_for == 0;
  };
  if (!outcome->mutex.AwaitWithDeadline(absl::Condition(&all), deadline)) {
    ErrorDetail detail;
    detail.reason = "COMMIT_TIMEOUT";
    detail.retry_delay = absl::Seconds(1);
    return MakeError(absl::StatusCode::kUnavailable,
                     "the profiles did not get to stable storage in time; send "
                     "them again",
                     detail);
  }
  if (!outcome->error.ok()) return outcome->error;
  totals_.counts = outcome->counts;
  totals_.rejections = std::move(outcome->rejections);
  totals_.named = std::move(outcome->named);
  return totals_;
}

}  // namespace connector::edge
