#include "connector/cli/batcher.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ExportSegmentsRequest;

// Tag and length of a field whose message is at most a few megabytes long.
constexpr int64_t kFieldOverhead = 6;
// The frame's and the batch's own tags, lengths and sequence number.
constexpr int64_t kFrameOverhead = 32;
// Status, time and index of a membership.
constexpr int64_t kMembershipOverhead = 40;

google::protobuf::ArenaOptions BatchArena() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 64 << 10;
  options.max_block_size = 1 << 20;
  return options;
}

}  // namespace

Batch::Batch()
    : arena(BatchArena()),
      frame(google::protobuf::Arena::CreateMessage<ExportSegmentsRequest>(
          &arena)),
      bytes(kFrameOverhead) {}

int64_t Batcher::SizeBound(const ParsedProfile& profile) {
  int64_t size = 2 * kFieldOverhead;
  if (profile.profile_key.has_value()) size += profile.profile_key->size();
  for (const ParsedIdentity& identity : profile.identities) {
    size += identity.value.size() + identity.source_namespace.size() +
            3 * kFieldOverhead;
  }
  for (const ParsedMembership& membership : profile.memberships) {
    size += membership.segment_namespace.size() + membership.segment_id.size() +
            membership.segment_name.size() + 4 * kFieldOverhead +
            kMembershipOverhead;
  }
  return size;
}

absl::StatusOr<std::unique_ptr<Batch>> Batcher::Add(
    const ParsedProfile& profile, SourceLine line, int64_t input_position) {
  const int64_t size = SizeBound(profile);
  if (kFrameOverhead + size > bounds_.max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the profile is larger than a batch may be (",
                     bounds_.max_bytes, " bytes)"));
  }
  std::unique_ptr<Batch> full;
  if (batch_ != nullptr &&
      (static_cast<int64_t>(batch_->lines.size()) >= bounds_.max_profiles ||
       batch_->bytes + size > bounds_.max_bytes)) {
    full = Take();
  }
  if (batch_ == nullptr) {
    batch_ = std::make_unique<Batch>();
    builder_.emplace(batch_->frame->mutable_batch());
  }
  builder_->Add(profile);
  batch_->identities += profile.identities.size();
  batch_->memberships += profile.memberships.size();
  batch_->bytes += size;
  batch_->lines.push_back(line);
  batch_->input_position = input_position;
  return full;
}

std::unique_ptr<Batch> Batcher::Take() {
  batch_->sequence_number = ++last_sequence_number_;
  batch_->frame->mutable_batch()->set_sequence_number(batch_->sequence_number);
  builder_.reset();
  return std::move(batch_);
}

std::unique_ptr<Batch> Batcher::Finish() {
  return batch_ == nullptr ? nullptr : Take();
}

}  // namespace connector::cli
