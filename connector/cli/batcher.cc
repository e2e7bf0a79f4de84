#include "connector/cli/batcher.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace connector::cli {
namespace {

using audience_sync::v1::ExportBatch;
using audience_sync::v1::ExportSegmentsRequest;
using audience_sync::v1::Identity;
using audience_sync::v1::ProfileExport;
using audience_sync::v1::Segment;
using audience_sync::v1::SegmentMembership;

// Entries of the tables of a batch (ExportBatch.source_namespaces, .segments);
// what does not fit is written out where it is used.
constexpr int kMaxNamespaces = 256;
constexpr int kMaxSegments = 1000;

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

void Batcher::SetNamespace(absl::string_view name, Identity& identity) {
  auto found = namespaces_.find(name);
  if (found != namespaces_.end()) {
    identity.set_source_namespace_index(found->second);
    return;
  }
  ExportBatch& batch = *batch_->frame->mutable_batch();
  if (batch.source_namespaces_size() >= kMaxNamespaces) {
    identity.set_source_namespace(name.data(), name.size());
    return;
  }
  const uint32_t index = batch.source_namespaces_size();
  std::string* entry = batch.add_source_namespaces();
  entry->assign(name.data(), name.size());
  namespaces_.emplace(*entry, index);
  identity.set_source_namespace_index(index);
}

void Batcher::SetSegment(const ParsedMembership& parsed,
                         SegmentMembership& membership) {
  auto found = segments_.find(
      std::make_pair(parsed.segment_namespace, parsed.segment_id));
  if (found != segments_.end()) {
    membership.set_segment_index(found->second);
    return;
  }
  ExportBatch& batch = *batch_->frame->mutable_batch();
  const uint32_t index = batch.segments_size();
  const bool fits = index < kMaxSegments;
  Segment* segment = fits ? batch.add_segments() : membership.mutable_segment();
  segment->set_segment_namespace(parsed.segment_namespace.data(),
                                 parsed.segment_namespace.size());
  segment->set_segment_id(parsed.segment_id.data(), parsed.segment_id.size());
  if (!parsed.segment_name.empty()) {
    segment->set_display_name(parsed.segment_name.data(),
                              parsed.segment_name.size());
  }
  if (!fits) return;
  segments_.emplace(
      std::make_pair(absl::string_view(segment->segment_namespace()),
                     absl::string_view(segment->segment_id())),
      index);
  membership.set_segment_index(index);
}

void Batcher::Append(const ParsedProfile& profile) {
  ProfileExport& out = *batch_->frame->mutable_batch()->add_profile_exports();
  out.mutable_identities()->Reserve(profile.identities.size());
  for (const ParsedIdentity& parsed : profile.identities) {
    Identity& identity = *out.add_identities();
    SetNamespace(parsed.source_namespace, identity);
    identity.set_value(parsed.value.data(), parsed.value.size());
  }
  out.mutable_segment_memberships()->Reserve(profile.memberships.size());
  for (const ParsedMembership& parsed : profile.memberships) {
    SegmentMembership& membership = *out.add_segment_memberships();
    SetSegment(parsed, membership);
    membership.set_status(parsed.status);
    if (parsed.last_qualification_time.has_value()) {
      auto& time = *membership.mutable_last_qualification_time();
      time.set_seconds(parsed.last_qualification_time->seconds);
      time.set_nanos(parsed.last_qualification_time->nanos);
    }
  }
  if (profile.profile_key.has_value()) {
    out.set_profile_key(profile.profile_key->data(),
                        profile.profile_key->size());
  }
  batch_->identities += profile.identities.size();
  batch_->memberships += profile.memberships.size();
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
  if (batch_ == nullptr) batch_ = std::make_unique<Batch>();
  Append(profile);
  batch_->bytes += size;
  batch_->lines.push_back(line);
  batch_->input_position = input_position;
  return full;
}

std::unique_ptr<Batch> Batcher::Take() {
  batch_->sequence_number = ++last_sequence_number_;
  batch_->frame->mutable_batch()->set_sequence_number(batch_->sequence_number);
  namespaces_.clear();
  segments_.clear();
  return std::move(batch_);
}

std::unique_ptr<Batch> Batcher::Finish() {
  return batch_ == nullptr ? nullptr : Take();
}

}  // namespace connector::cli
