#ifndef CONNECTOR_CLI_BATCHER_H_
#define CONNECTOR_CLI_BATCHER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "audience_sync/v1/export_service.pb.h"
#include "connector/profile_json/batch_builder.h"
#include "connector/profile_json/parsed_profile.h"
#include "google/protobuf/arena.h"

namespace connector::cli {

using profile_json::ParsedIdentity;
using profile_json::ParsedMembership;
using profile_json::ParsedProfile;

// Where a profile of a batch came from.
struct SourceLine {
  // Index of the input file.
  int32_t file = 0;
  // From 1.
  int64_t line = 0;
};

// A batch ready to be sent, on an arena of its own.
struct Batch {
  Batch();

  google::protobuf::Arena arena;
  // On the arena; its frame is `batch`.
  audience_sync::v1::ExportSegmentsRequest* frame;
  int64_t sequence_number = 0;
  // Upper bound of the frame's serialized size in bytes.
  int64_t bytes = 0;
  int64_t identities = 0;
  int64_t memberships = 0;
  // Input bytes up to the end of the batch, over all files.
  int64_t input_position = 0;
  // One for each profile.
  std::vector<SourceLine> lines;
};

// Bounds of a batch.
struct BatchBounds {
  int32_t max_profiles = 1000;
  // Of the serialized frame.
  int64_t max_bytes = 1 << 20;
};

// Gathers profiles into numbered batches. The same profiles and bounds give the
// same batches, which is what lets an export be taken up again. Not
// thread-safe.
class Batcher {
 public:
  // `frames_before`: numbers that are already given.
  explicit Batcher(BatchBounds bounds, int64_t frames_before = 0)
      : bounds_(bounds), last_sequence_number_(frames_before) {}

  // Adds a profile that ends at `input_position`. Returns the batch before it
  // when the profile did not fit there, else null. INVALID_ARGUMENT when the
  // profile alone is larger than a batch may be: it is not added.
  absl::StatusOr<std::unique_ptr<Batch>> Add(const ParsedProfile& profile,
                                             SourceLine line,
                                             int64_t input_position);

  // The last batch, null when it is empty.
  std::unique_ptr<Batch> Finish();

 private:
  // Upper bound of what the profile adds to the frame, in bytes. Counts every
  // name as if it was not in the batch's tables yet, so that the bound does not
  // depend on where the batch stands.
  static int64_t SizeBound(const ParsedProfile& profile);

  std::unique_ptr<Batch> Take();

  const BatchBounds bounds_;
  std::unique_ptr<Batch> batch_;
  int64_t last_sequence_number_;
  // Of batch_, while there is one.
  std::optional<profile_json::BatchBuilder> builder_;
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_BATCHER_H_
