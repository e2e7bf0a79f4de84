#include "connector/ingest/segment_table.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/segment_text.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;

// Not even the control characters above ASCII: the id becomes a part of the
// list's name, which Pinterest's client refuses to send with them.
bool IsSound(absl::string_view text, size_t max_bytes) {
  if (text.empty() || text.size() > max_bytes) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (absl::ascii_iscntrl(c)) return false;
    if (c == 0xC2 && i + 1 < text.size() &&
        static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return false;  // U+0080 to U+009F
    }
  }
  return true;
}

// A name is for people only, so nothing is rejected for it: it is cut to the
// limit, between two characters, and control characters become blanks.
std::string ReadDisplayName(absl::string_view text) {
  size_t size = std::min<size_t>(text.size(), limits::kMaxSegmentNameBytes);
  if (size < text.size()) {
    while (size > 0 && (text[size] & 0xC0) == 0x80) --size;
  }
  std::string name = config::StoredSegmentText(text.substr(0, size));
  for (char& c : name) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return name;
}

}  // namespace

SegmentTable::SegmentTable(const config::DestinationState& destination,
                           const v1::ExportBatch& batch,
                           membership::Catalog* catalog,
                           std::vector<membership::SegmentChanges>* changes)
    : destination_(destination), catalog_(catalog), changes_(changes) {
  // The first stands for every membership that names no segment.
  segments_.emplace_back().reason = v1::REJECTION_REASON_SEGMENT_INVALID;
  table_.reserve(batch.segments_size());
  for (const v1::Segment& segment : batch.segments()) {
    table_.push_back(Intern(segment));
  }
}

BatchSegment* SegmentTable::Find(const v1::SegmentMembership& membership) {
  int index = 0;
  switch (membership.target_case()) {
    case v1::SegmentMembership::kSegment:
      index = Intern(membership.segment());
      break;
    case v1::SegmentMembership::kSegmentIndex:
      if (membership.segment_index() < table_.size()) {
        index = table_[membership.segment_index()];
      }
      break;
    case v1::SegmentMembership::TARGET_NOT_SET:
      break;
  }
  return &segments_[index];
}

int SegmentTable::Intern(const v1::Segment& segment) {
  const absl::string_view segment_namespace =
      segment.segment_namespace().empty()
          ? destination_.policy.default_segment_namespace
          : segment.segment_namespace();
  auto [found, is_new] =
      by_name_.try_emplace(Key(segment_namespace, segment.segment_id()),
                           static_cast<int>(segments_.size()));
  if (is_new) segments_.push_back(Check(segment));
  return found->second;
}

BatchSegment SegmentTable::Check(const v1::Segment& segment) const {
  BatchSegment out;
  const std::string& segment_namespace =
      segment.segment_namespace().empty()
          ? destination_.policy.default_segment_namespace
          : segment.segment_namespace();
  if (!IsSound(segment_namespace, limits::kMaxSegmentNamespaceBytes) ||
      !IsSound(segment.segment_id(), limits::kMaxSegmentIdBytes)) {
    out.reason = v1::REJECTION_REASON_SEGMENT_INVALID;
    return out;
  }
  if (!destination_.policy.TakesSegmentNamespace(segment_namespace)) {
    out.reason = v1::REJECTION_REASON_SEGMENT_NAMESPACE_FILTERED;
    return out;
  }
  out.segment_namespace = config::StoredSegmentText(segment_namespace);
  out.segment_id = config::StoredSegmentText(segment.segment_id());
  out.display_name = ReadDisplayName(segment.display_name());
  return out;
}

absl::Status SegmentTable::Ensure(BatchSegment* segment) {
  if (segment->changes >= 0 ||
      segment->reason != v1::REJECTION_REASON_UNSPECIFIED) {
    return absl::OkStatus();
  }
  absl::StatusOr<membership::SegmentRow> row = catalog_->EnsureSegment(
      destination_.number, segment->segment_namespace, segment->segment_id,
      segment->display_name, destination_.policy.max_customer_lists);
  if (!row.ok()) {
    if (GetErrorDetail(row.status()).reason != "TOO_MANY_CUSTOMER_LISTS") {
      return row.status();
    }
    segment->reason = v1::REJECTION_REASON_TOO_MANY_CUSTOMER_LISTS;
    return absl::OkStatus();
  }
  segment->changes = static_cast<int>(changes_->size());
  membership::SegmentChanges& changes = changes_->emplace_back();
  changes.segment = row->number;
  changes.list = row->list;
  return absl::OkStatus();
}

}  // namespace connector::ingest
