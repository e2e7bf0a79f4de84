#include "connector/membership/audience_part.h"

#include <utility>

#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/membership/audience_rows.h"

namespace connector::membership {
namespace {

// Whether what the key is about is there.
absl::Status CheckKey(Tables& tables, const AudienceKey& key)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(tables.mutex) {
  if (tables.FindDestination(key.destination) == nullptr) {
    return DestinationNotFound();
  }
  if (key.segment == 0) return absl::OkStatus();
  const SegmentState* segment = tables.FindSegment(key.segment);
  if (segment == nullptr || segment->row.destination != key.destination) {
    return MakeError(absl::StatusCode::kNotFound, "SEGMENT_NOT_FOUND",
                     "there is no such segment");
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<AudienceEntry> AudiencePart::Audiences(
    DestinationNumber destination) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<AudienceEntry> entries;
  const DestinationState* state = core_.tables.FindDestination(destination);
  if (state == nullptr) return entries;
  entries.reserve(state->audiences.size());
  for (const auto& [bytes, entry] : state->audiences) entries.push_back(entry);
  return entries;
}

std::optional<AudienceRow> AudiencePart::FindAudience(const AudienceKey& key) {
  const std::string bytes = AudienceKeyBytes(key);
  absl::MutexLock lock(&core_.tables.mutex);
  const DestinationState* state = core_.tables.FindDestination(key.destination);
  if (state == nullptr) return std::nullopt;
  const auto found = state->audiences.find(bytes);
  if (found == state->audiences.end()) return std::nullopt;
  return found->second.row;
}

absl::StatusOr<AudienceRow> AudiencePart::ChangeAudience(
    const AudienceKey& key, absl::FunctionRef<void(AudienceRow&)> change) {
  return Change(key, change, Database::Sync::kYes);
}

absl::StatusOr<AudienceRow> AudiencePart::NoteAudience(
    const AudienceKey& key, absl::FunctionRef<void(AudienceRow&)> change) {
  return Change(key, change, Database::Sync::kNo);
}

absl::StatusOr<AudienceRow> AudiencePart::Change(
    const AudienceKey& key, absl::FunctionRef<void(AudienceRow&)> change,
    Database::Sync sync) {
  const std::string bytes = AudienceKeyBytes(key);
  absl::MutexLock only_one(&audience_mutex_);
  absl::ReaderMutexLock use(&core_.tables.use);
  {
    absl::MutexLock lock(&core_.tables.mutex);
    if (absl::Status s = CheckKey(core_.tables, key); !s.ok()) return s;
  }
  AudienceRow row = FindAudience(key).value_or(AudienceRow());
  change(row);
  WriteSet set(core_.database);
  set.Put(Family::kMeta, bytes, EncodeAudience(row));
  ReachCrashPoint(CrashPoint::kAudienceUnwritten);
  if (absl::Status s = core_.database.Write(set, sync); !s.ok()) return s;
  ReachCrashPoint(CrashPoint::kAudienceWritten);
  absl::MutexLock lock(&core_.tables.mutex);
  DestinationState* state = core_.tables.FindDestination(key.destination);
  if (state == nullptr) return DestinationNotFound();
  state->audiences[bytes] = {key, row};
  return row;
}

absl::Status AudiencePart::DeleteAudience(const AudienceKey& key) {
  const std::string bytes = AudienceKeyBytes(key);
  absl::MutexLock only_one(&audience_mutex_);
  absl::ReaderMutexLock use(&core_.tables.use);
  WriteSet set(core_.database);
  set.Delete(Family::kMeta, bytes);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  absl::MutexLock lock(&core_.tables.mutex);
  DestinationState* state = core_.tables.FindDestination(key.destination);
  if (state == nullptr) return DestinationNotFound();
  state->audiences.erase(bytes);
  return absl::OkStatus();
}

std::optional<ListCounterRow> AudiencePart::FindCounters(ListNumber list) {
  absl::MutexLock lock(&core_.tables.mutex);
  const ListState* state = core_.tables.FindList(list);
  if (state == nullptr) return std::nullopt;
  return state->counters;
}

absl::Status AudiencePart::ChangeCounters(
    ListNumber list, absl::FunctionRef<void(ListCounterRow&)> change) {
  absl::MutexLock only_one(&counter_mutex_);
  absl::ReaderMutexLock use(&core_.tables.use);
  ListCounterRow row;
  DestinationNumber destination = 0;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr) return DestinationNotFound();
    destination = state->row.destination;
    row = state->counters.value_or(ListCounterRow());
  }
  change(row);
  WriteSet set(core_.database);
  set.Put(Family::kMeta, CounterKeyBytes(destination, list),
          EncodeListCounters(row));
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  absl::MutexLock lock(&core_.tables.mutex);
  ListState* state = core_.tables.FindList(list);
  if (state == nullptr) return DestinationNotFound();
  state->counters = std::move(row);
  return absl::OkStatus();
}

}  // namespace connector::membership
