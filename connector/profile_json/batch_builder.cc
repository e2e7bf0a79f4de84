#include "connector/profile_json/batch_builder.h"

#include <string>

namespace connector::profile_json {
namespace {

using audience_sync::v1::ExportBatch;
using audience_sync::v1::Identity;
using audience_sync::v1::ProfileExport;
using audience_sync::v1::Segment;
using audience_sync::v1::SegmentMembership;

// Entries of the tables of a batch (ExportBatch.source_namespaces, .segments).
constexpr int kMaxNamespaces = 256;
constexpr int kMaxSegments = 1000;

}  // namespace

void BatchBuilder::SetNamespace(absl::string_view name, Identity& identity) {
  auto found = namespaces_.find(name);
  if (found != namespaces_.end()) {
    identity.set_source_namespace_index(found->second);
    return;
  }
  ExportBatch& batch = *batch_;
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

void BatchBuilder::SetSegment(const ParsedMembership& parsed,
                              SegmentMembership& membership) {
  auto found = segments_.find(
      std::make_pair(parsed.segment_namespace, parsed.segment_id));
  if (found != segments_.end()) {
    membership.set_segment_index(found->second);
    return;
  }
  ExportBatch& batch = *batch_;
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

void BatchBuilder::Add(const ParsedProfile& profile) {
  ProfileExport& out = *batch_->add_profile_exports();
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
}

}  // namespace connector::profile_json
