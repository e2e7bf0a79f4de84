#include "connector/membership/catalog_part.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"

namespace connector::membership {
namespace {

absl::Status SegmentNotFound() {
  return MakeError(absl::StatusCode::kNotFound, "SEGMENT_NOT_FOUND",
                   "there is no such segment");
}

}  // namespace

std::vector<DestinationRow> CatalogPart::Destinations() {
  Tables& tables = core_.tables;
  absl::MutexLock lock(&tables.mutex);
  std::vector<DestinationRow> rows;
  for (const auto& [account, number] : tables.destinations_by_account) {
    rows.push_back(tables.destinations.at(number).row);
  }
  return rows;
}

std::optional<DestinationRow> CatalogPart::FindDestination(
    absl::string_view ad_account_id) {
  Tables& tables = core_.tables;
  absl::MutexLock lock(&tables.mutex);
  const auto found =
      tables.destinations_by_account.find(std::string(ad_account_id));
  if (found == tables.destinations_by_account.end()) return std::nullopt;
  return tables.destinations.at(found->second).row;
}

std::optional<DestinationRow> CatalogPart::FindRow(
    DestinationNumber destination) {
  absl::MutexLock lock(&core_.tables.mutex);
  const DestinationState* state = core_.tables.FindDestination(destination);
  if (state == nullptr) return std::nullopt;
  return state->row;
}

absl::Status CatalogPart::StoreDestination(const DestinationRow& row) {
  WriteSet set(core_.database);
  set.Put(Family::kMeta, NumberKey(kDestinationKey, row.number),
          EncodeDestination(row));
  return core_.database.Write(set, Database::Sync::kYes);
}

absl::StatusOr<DestinationRow> CatalogPart::PutDestination(
    absl::string_view ad_account_id, absl::string_view config) {
  absl::MutexLock change(&core_.change_mutex);
  Tables& tables = core_.tables;
  std::optional<DestinationRow> row = FindDestination(ad_account_id);
  if (row.has_value()) {
    if (row->config == config) return *row;
    row->config = std::string(config);
    if (absl::Status s = StoreDestination(*row); !s.ok()) return s;
    absl::MutexLock lock(&tables.mutex);
    tables.destinations.at(row->number).row = *row;
    return *row;
  }

  NextNumbers next;
  {
    absl::MutexLock lock(&tables.mutex);
    next = tables.next;
  }
  row.emplace();
  row->number = next.destination++;
  row->ad_account_id = std::string(ad_account_id);
  row->history_id = absl::StrCat(core_.history, "-", row->number);
  row->config = std::string(config);
  WriteSet set(core_.database);
  set.Put(Family::kMeta, kNextNumbersKey, EncodeNextNumbers(next));
  set.Put(Family::kMeta, NumberKey(kDestinationKey, row->number),
          EncodeDestination(*row));
  ReachCrashPoint(CrashPoint::kDestinationUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kDestinationWritten);
  absl::MutexLock lock(&tables.mutex);
  tables.next = next;
  tables.destinations[row->number].row = *row;
  tables.destinations_by_account[row->ad_account_id] = row->number;
  return *row;
}

absl::Status CatalogPart::SetDestinationPaused(DestinationNumber destination,
                                               bool paused) {
  absl::MutexLock change(&core_.change_mutex);
  std::optional<DestinationRow> row = FindRow(destination);
  if (!row.has_value()) return DestinationNotFound();
  if (row->paused == paused) return absl::OkStatus();
  row->paused = paused;
  if (absl::Status s = StoreDestination(*row); !s.ok()) return s;
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.destinations.at(destination).row.paused = paused;
  return absl::OkStatus();
}

// One write takes all of it away, so there is nothing for a crash to cut in
// two.
absl::Status CatalogPart::DeleteDestination(DestinationNumber destination) {
  absl::MutexLock change(&core_.change_mutex);
  Tables& tables = core_.tables;
  std::vector<SegmentNumber> segments;
  {
    absl::MutexLock lock(&tables.mutex);
    DestinationState* state = tables.FindDestination(destination);
    if (state == nullptr) return DestinationNotFound();
    state->deleted = true;
    tables.destinations_by_account.erase(state->row.ad_account_id);
    segments = state->segments;
    // From here on nothing new is taken for it. What was already checked is
    // waited for: commits here, the ledger's writes below.
    tables.WaitForGroup();
  }
  ReachCrashPoint(CrashPoint::kDeletionBegun);

  absl::MutexLock use(&tables.use);
  std::vector<ListNumber> lists;
  WriteSet set(core_.database);
  {
    absl::MutexLock lock(&tables.mutex);
    // Those of its segments, and those that were replaced.
    for (const auto& [number, list] : tables.lists) {
      if (list.row.destination == destination) lists.push_back(number);
    }
  }
  set.Delete(Family::kMeta, NumberKey(kDestinationKey, destination));
  set.DeleteRange(Family::kMeta,
                  PrefixRange(NumberKey(kAudienceKey, destination)));
  set.DeleteRange(Family::kMeta,
                  PrefixRange(NumberKey(kForgetKey, destination)));
  set.Delete(Family::kCounters, NumberKey(kNoSegmentKey, destination));
  set.DeleteRange(Family::kExports, PrefixRange(PlainKey(destination)));
  set.DeleteRange(Family::kJournal, PrefixRange(PlainKey(destination)));
  for (char letter :
       {kPeoplePassKey, kPersonKey, kStatementKey, kStatementsKey}) {
    set.DeleteRange(Family::kPeople,
                    PrefixRange(NumberKey(letter, destination)));
  }
  for (SegmentNumber segment : segments) {
    set.DeleteRange(Family::kPeople, PrefixRange(NumberKey(kHeldKey, segment)));
    set.DeleteRange(Family::kPeople,
                    PrefixRange(NumberKey(kHoldersKey, segment)));
    set.Delete(Family::kMeta, NumberKey(kSegmentKey, segment));
    set.Delete(Family::kCounters, NumberKey(kIntakeKey, segment));
    set.Delete(Family::kCounters, NumberKey(kPassKey, segment));
  }
  for (ListNumber list : lists) {
    set.Delete(Family::kMeta, NumberKey(kListKey, list));
    set.Delete(Family::kMeta, NumberKey(kOperationKey, list));
    set.Delete(Family::kCounters, NumberKey(kMembersKey, list));
    set.DeleteRange(Family::kCounters,
                    PrefixRange(NumberKey(kPendingKey, list)));
    set.DeleteRange(Family::kCounters, PrefixRange(NumberKey(kKeptKey, list)));
    set.DeleteRange(Family::kMeta, PrefixRange(NumberKey(kFullSyncKey, list)));
    set.DeleteRange(Family::kCounters, PrefixRange(NumberKey(kExitsKey, list)));
    set.DeleteRange(Family::kRuns, PrefixRange(PlainKey(list)));
    set.DeleteRange(Family::kBlocks, PrefixRange(PlainKey(list)));
    set.DeleteRange(Family::kDoubts, PrefixRange(NumberKey(kDoubtKey, list)));
    set.DeleteRange(Family::kDoubts, PrefixRange(NumberKey(kEchoKey, list)));
  }
  ReachCrashPoint(CrashPoint::kDeletionUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }

  ReachCrashPoint(CrashPoint::kDeletionWritten);
  absl::MutexLock lock(&tables.mutex);
  lists.push_back(PeopleOf(destination));
  tables.exports.EraseDestination(destination, lists);
  lists.pop_back();
  for (SegmentNumber segment : segments) {
    tables.segments.erase(segment);
    tables.audience_work.erase(segment);
  }
  for (ListNumber list : lists) {
    tables.lists.erase(list);
    tables.operations.erase(list);
    tables.pending_lists.erase(list);
    tables.echo_lists.erase(list);
    tables.full_sync_lists.erase(list);
    tables.exit_lists.erase(list);
  }
  tables.forgets.erase(tables.forgets.lower_bound({destination, 0}),
                       tables.forgets.lower_bound({destination + 1, 0}));
  tables.destinations.erase(destination);
  return absl::OkStatus();
}

std::vector<CredentialRow> CatalogPart::Credentials() {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<CredentialRow> rows;
  for (const auto& [id, row] : core_.tables.credentials) rows.push_back(row);
  return rows;
}

absl::Status CatalogPart::PutCredential(absl::string_view credential_id,
                                        absl::string_view config) {
  absl::MutexLock change(&core_.change_mutex);
  const CredentialRow row{std::string(credential_id), std::string(config)};
  WriteSet set(core_.database);
  set.Put(Family::kMeta, CredentialKey(credential_id), config);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.credentials[row.credential_id] = row;
  return absl::OkStatus();
}

absl::Status CatalogPart::DeleteCredential(absl::string_view credential_id) {
  absl::MutexLock change(&core_.change_mutex);
  const std::string id(credential_id);
  {
    absl::MutexLock lock(&core_.tables.mutex);
    if (core_.tables.credentials.count(id) == 0) {
      return MakeError(absl::StatusCode::kNotFound, "CREDENTIAL_NOT_FOUND",
                       "there is no such credential");
    }
  }
  WriteSet set(core_.database);
  set.Delete(Family::kMeta, CredentialKey(credential_id));
  set.Delete(Family::kCounters, CallHistoryKey(credential_id));
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.credentials.erase(id);
  core_.tables.call_histories.erase(id);
  return absl::OkStatus();
}

absl::StatusOr<SegmentRow> CatalogPart::EnsureSegment(
    DestinationNumber destination, absl::string_view segment_namespace,
    absl::string_view segment_id, absl::string_view display_name,
    int max_lists) {
  const auto is_new_name = [&](const SegmentRow& row) {
    return !display_name.empty() && !row.name_set &&
           row.display_name != display_name;
  };
  std::optional<SegmentRow> row =
      FindSegment(destination, segment_namespace, segment_id);
  if (row.has_value() && !is_new_name(*row)) return *row;

  absl::MutexLock change(&core_.change_mutex);
  // Another may have been here meanwhile.
  row = FindSegment(destination, segment_namespace, segment_id);
  if (!row.has_value()) {
    return MakeSegment(destination, segment_namespace, segment_id, display_name,
                       max_lists);
  }
  if (!is_new_name(*row)) return *row;
  row->display_name = std::string(display_name);
  row->audience_steps |= SegmentRow::kAudienceRename;
  if (absl::Status s = StoreSegment(*row); !s.ok()) return s;
  return *row;
}

// The change mutex is held, so no destination is deleted meanwhile.
absl::StatusOr<SegmentRow> CatalogPart::MakeSegment(
    DestinationNumber destination, absl::string_view segment_namespace,
    absl::string_view segment_id, absl::string_view display_name, int max_lists,
    const ListOperation* operation) {
  Tables& tables = core_.tables;
  NextNumbers next;
  {
    absl::MutexLock lock(&tables.mutex);
    const DestinationState* state = tables.FindDestination(destination);
    if (state == nullptr) return DestinationNotFound();
    if (static_cast<int64_t>(state->segments.size()) >= max_lists) {
      return MakeError(absl::StatusCode::kResourceExhausted,
                       "TOO_MANY_CUSTOMER_LISTS",
                       "the destination already has as many customer lists as "
                       "it may have");
    }
    next = tables.next;
  }
  SegmentRow segment;
  segment.number = next.segment++;
  segment.destination = destination;
  segment.segment_namespace = std::string(segment_namespace);
  segment.segment_id = std::string(segment_id);
  segment.display_name = std::string(display_name);
  segment.list = next.list++;
  ListRow list;
  list.number = segment.list;
  list.destination = destination;
  list.segment = segment.number;

  WriteSet set(core_.database);
  set.Put(Family::kMeta, kNextNumbersKey, EncodeNextNumbers(next));
  set.Put(Family::kMeta, NumberKey(kSegmentKey, segment.number),
          EncodeSegment(segment));
  set.Put(Family::kMeta, NumberKey(kListKey, list.number), EncodeList(list));
  if (operation != nullptr) {
    set.Put(Family::kMeta, NumberKey(kOperationKey, list.number),
            EncodeOperation(*operation));
  }
  ReachCrashPoint(CrashPoint::kSegmentUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kSegmentWritten);
  absl::MutexLock lock(&tables.mutex);
  tables.next = next;
  tables.segments[segment.number].row = segment;
  tables.lists.try_emplace(list.number, core_.tuning.pending_spans)
      .first->second.row = list;
  if (operation != nullptr) tables.operations[list.number] = *operation;
  DestinationState& state = tables.destinations.at(destination);
  state.segments.push_back(segment.number);
  state.segments_by_name[SegmentName(segment_namespace, segment_id)] =
      segment.number;
  return segment;
}

std::optional<SegmentRow> CatalogPart::FindSegment(
    DestinationNumber destination, absl::string_view segment_namespace,
    absl::string_view segment_id) {
  const std::string name = SegmentName(segment_namespace, segment_id);
  absl::MutexLock lock(&core_.tables.mutex);
  const DestinationState* state = core_.tables.FindDestination(destination);
  if (state == nullptr) return std::nullopt;
  const auto found = state->segments_by_name.find(name);
  if (found == state->segments_by_name.end()) return std::nullopt;
  return core_.tables.segments.at(found->second).row;
}

std::vector<SegmentRow> CatalogPart::Segments(DestinationNumber destination) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<SegmentRow> rows;
  const DestinationState* state = core_.tables.FindDestination(destination);
  if (state == nullptr) return rows;
  for (SegmentNumber segment : state->segments) {
    rows.push_back(core_.tables.segments.at(segment).row);
  }
  return rows;
}

absl::Status CatalogPart::SetSegmentPaused(SegmentNumber segment, bool paused) {
  absl::MutexLock change(&core_.change_mutex);
  SegmentRow row;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const SegmentState* state = core_.tables.FindSegment(segment);
    if (state == nullptr) return SegmentNotFound();
    row = state->row;
  }
  if (row.paused == paused) return absl::OkStatus();
  row.paused = paused;
  return StoreSegment(row);
}

absl::Status CatalogPart::StoreSegment(const SegmentRow& row) {
  WriteSet set(core_.database);
  set.Put(Family::kMeta, NumberKey(kSegmentKey, row.number),
          EncodeSegment(row));
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.segments.at(row.number).row = row;
  if (row.audience_steps != 0) core_.tables.audience_work.insert(row.number);
  return absl::OkStatus();
}

}  // namespace connector::membership
