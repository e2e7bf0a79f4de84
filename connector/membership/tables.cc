#include "connector/membership/tables.h"

#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/membership/wire.h"

namespace connector::membership {

StoreTuning::StoreTuning()
    : max_exports_per_destination(limits::kMaxExportsPerDestination) {}

std::string SegmentName(absl::string_view segment_namespace,
                        absl::string_view segment_id) {
  std::string name;
  name.reserve(segment_namespace.size() + segment_id.size() + 2);
  // With its length, as both parts may hold any byte.
  AppendBytes(&name, segment_namespace);
  name.append(segment_id.data(), segment_id.size());
  return name;
}

DestinationState* Tables::FindDestination(DestinationNumber destination) {
  const auto found = destinations.find(destination);
  if (found == destinations.end() || found->second.deleted) return nullptr;
  return &found->second;
}

ListState* Tables::FindList(ListNumber list) {
  const auto found = lists.find(list);
  if (found == lists.end() ||
      FindDestination(found->second.row.destination) == nullptr) {
    return nullptr;
  }
  return &found->second;
}

SegmentState* Tables::FindSegment(SegmentNumber segment) {
  const auto found = segments.find(segment);
  if (found == segments.end() ||
      FindDestination(found->second.row.destination) == nullptr) {
    return nullptr;
  }
  return &found->second;
}

void Tables::WaitForGroup() {
  struct Waiting {
    const uint64_t* ended;
    uint64_t begun;
  };
  Waiting waiting{&groups_ended, groups_begun};
  mutex.Await(absl::Condition(
      +[](Waiting* w) { return *w->ended >= w->begun; }, &waiting));
}

GroupHold::GroupHold(Tables& tables) : tables_(tables) {
  absl::MutexLock lock(&tables_.mutex);
  ++tables_.group_holds;
  tables_.WaitForGroup();
}

GroupHold::~GroupHold() {
  absl::MutexLock lock(&tables_.mutex);
  --tables_.group_holds;
}

absl::Status DestinationNotFound() {
  return MakeError(absl::StatusCode::kNotFound, "DESTINATION_NOT_FOUND",
                   "there is no such destination");
}

absl::Status Core::CheckDisk(absl::Time now) {
  return disk.Check(now, [this] {
    absl::MutexLock lock(&tables.mutex);
    int64_t bytes = 0;
    for (const auto& [number, destination] : tables.destinations) {
      bytes += destination.pending_bytes;
    }
    return bytes;
  });
}

std::optional<CommitNumber> KeptFrom(const ListState& list,
                                     CommitNumber settled) {
  for (const auto& [number, row] : list.full_syncs) {
    if (row.ended()) continue;
    if (row.state == FullSyncState::kReleased &&
        row.release_commit <= settled) {
      continue;
    }
    return row.begin_commit;
  }
  return std::nullopt;
}

int64_t FullSyncBytes(const ListState& list) {
  int64_t bytes = list.kept_bytes;
  for (const auto& [number, row] : list.full_syncs) {
    if (!row.cleaned) bytes += row.bytes;
  }
  return bytes;
}

int64_t BacklogBytes(const ListState& list) {
  return list.pending.bytes() + FullSyncBytes(list);
}

}  // namespace connector::membership
