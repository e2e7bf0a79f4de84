#include "connector/membership/people_part.h"

#include <algorithm>
#include <utility>

#include "connector/membership/damage.h"

namespace connector::membership {

std::vector<WaitingPeople> PeoplePart::WaitingForPeople() {
  Tables& tables = core_.tables;
  absl::MutexLock lock(&tables.mutex);
  std::vector<WaitingPeople> waiting;
  for (const auto& [number, destination] : tables.destinations) {
    if (destination.deleted) continue;
    WaitingPeople each;
    each.destination = number;
    each.oldest_time = absl::InfiniteFuture();
    for (const auto& [commit, row] : destination.statements) {
      each.oldest_time = std::min(each.oldest_time, row.commit_time);
      each.bytes += row.bytes;
      if (each.oldest_statements == 0) each.oldest_statements = commit;
    }
    for (SegmentNumber number_of_segment : destination.segments) {
      const SegmentState& segment = tables.segments.at(number_of_segment);
      if (!segment.held.has_value()) continue;
      const ListState& list = tables.lists.at(segment.row.list);
      if (list.has_held()) {
        each.oldest_time = std::min(each.oldest_time, list.held_time);
      }
      if (segment.held->clear_through != 0) {
        each.urgent = true;
        each.oldest_time = std::min(each.oldest_time, core_.clock.Now());
      }
    }
    if (each.oldest_time != absl::InfiniteFuture()) waiting.push_back(each);
  }
  return waiting;
}

absl::Status PeoplePart::BringUp(DestinationNumber destination,
                                 const BringUpOptions& options) {
  absl::MutexLock one_at_a_time(&mutex_);
  if (absl::Status s = TakeStatements(destination, options); !s.ok()) return s;
  std::vector<SegmentNumber> segments;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const DestinationState* state = core_.tables.FindDestination(destination);
    if (state == nullptr) return DestinationNotFound();
    for (SegmentNumber number : state->segments) {
      if (core_.tables.segments.at(number).held.has_value()) {
        segments.push_back(number);
      }
    }
  }
  absl::Status waits;
  for (SegmentNumber segment : segments) {
    absl::Status status = TakeChanges(segment, options);
    if (absl::IsUnavailable(status) && core_.database.Healthy().ok()) {
      // It holds up no other.
      waits = status;
    } else if (!status.ok()) {
      return status;
    }
  }
  core_.notifier.Deliver();
  return waits;
}

}  // namespace connector::membership
