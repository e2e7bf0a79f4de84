#include "connector/membership/operations_part.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/membership/block.h"
#include "connector/membership/damage.h"

namespace connector::membership {
namespace {

using identity_mapping::RecordView;
using Kind = ListOperation::Kind;
using Phase = ListOperation::Phase;

absl::Status SegmentNotFound() {
  return MakeError(absl::StatusCode::kNotFound, "SEGMENT_NOT_FOUND",
                   "there is no such segment");
}

absl::Status Precondition(absl::string_view reason, absl::string_view why) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason, why);
}

absl::Status Running(absl::string_view what) {
  return Precondition("OPERATION_RUNNING",
                      absl::StrCat(what, "; ask again when it is done"));
}

// Whether the segment's list is to be emptied once a replacement is done.
bool EmptiesLater(const std::optional<ListOperation>& operation) {
  return operation.has_value() && operation->then_empty;
}

// The full syncs of a list that nobody decided yet, discarded. While no group
// commit is going on.
std::vector<FullSync> DiscardFullSyncs(Core& core, ListNumber list) {
  std::vector<FullSync> discarded;
  absl::MutexLock lock(&core.tables.mutex);
  for (auto [number, full_sync] : core.tables.lists.at(list).full_syncs) {
    if (full_sync.ended() || full_sync.state == FullSyncState::kReleased) {
      continue;
    }
    full_sync.state = FullSyncState::kDiscarded;
    full_sync.decision_time = core.clock.Now();
    discarded.push_back(full_sync);
  }
  return discarded;
}

// What is new; whether anything is.
bool TakeText(const SegmentText& text, SegmentRow& row) {
  const SegmentRow before = row;
  if (text.display_name.has_value()) {
    row.display_name = *text.display_name;
    row.name_set = !text.display_name->empty();
  }
  if (text.description.has_value()) row.description = *text.description;
  if (row.display_name != before.display_name ||
      row.description != before.description) {
    row.audience_steps |= SegmentRow::kAudienceRename;
    return true;
  }
  return row.name_set != before.name_set;
}

}  // namespace

void OperationsPart::SetOperationListener(
    std::function<void(ListNumber)> listener) {
  absl::MutexLock lock(&listener_mutex_);
  listener_ = std::move(listener);
}

absl::StatusOr<OperationsPart::View> OperationsPart::Look(
    SegmentNumber segment) {
  absl::MutexLock lock(&core_.tables.mutex);
  const SegmentState* state = core_.tables.FindSegment(segment);
  if (state == nullptr) return SegmentNotFound();
  View view;
  view.segment = state->row;
  const ListState& list = core_.tables.lists.at(state->row.list);
  view.list = list.row;
  view.members = list.members;
  view.newest = core_.tables.newest.commit;
  if (auto found = core_.tables.operations.find(state->row.list);
      found != core_.tables.operations.end()) {
    view.operation = found->second;
  }
  if (auto found = core_.tables.operations.find(state->row.former_list);
      found != core_.tables.operations.end()) {
    view.former_operation = found->second;
  }
  return view;
}

ListOperation OperationsPart::Begin(const View& view, Kind kind) {
  ListOperation operation;
  operation.kind = kind;
  operation.request_time = core_.clock.Now();
  operation.through = view.newest;
  operation.members = view.members;
  absl::MutexLock lock(&core_.tables.mutex);
  operation.number = core_.tables.next_request++;
  return operation;
}

absl::Status OperationsPart::Write(const Change& change) {
  WriteSet set(core_.database);
  if (change.segment.has_value()) {
    set.Put(Family::kMeta, NumberKey(kSegmentKey, change.segment->number),
            EncodeSegment(*change.segment));
  }
  if (change.list.has_value()) {
    set.Put(Family::kMeta, NumberKey(kListKey, change.list->number),
            EncodeList(*change.list));
  }
  for (const auto& [list, operation] : change.operations) {
    const std::string key = NumberKey(kOperationKey, list);
    if (operation.has_value()) {
      set.Put(Family::kMeta, key, EncodeOperation(*operation));
    } else {
      set.Delete(Family::kMeta, key);
    }
  }
  for (const FullSync& full_sync : change.full_syncs) {
    rejections_.Append(change.segment->destination,
                       EndOfFullSync(full_sync, full_sync.decision_time), set);
  }
  if (!change.full_syncs.empty()) {
    absl::MutexLock lock(&core_.tables.mutex);
    IntakeCounts counts =
        core_.tables.segments.at(change.segment->number).intake;
    for (const FullSync& full_sync : change.full_syncs) {
      counts.rejected += full_sync.declared;
      set.Put(Family::kMeta,
              NumberKey(kFullSyncKey, full_sync.list, full_sync.number),
              EncodeFullSync(full_sync));
    }
    set.Put(Family::kCounters, NumberKey(kIntakeKey, change.segment->number),
            EncodeIntakeCounts(counts));
  }
  ReachCrashPoint(CrashPoint::kOperationUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kOperationWritten);
  Tables& tables = core_.tables;
  absl::MutexLock lock(&tables.mutex);
  if (change.segment.has_value()) {
    tables.segments.at(change.segment->number).row = *change.segment;
    if (change.segment->audience_steps != 0) {
      tables.audience_work.insert(change.segment->number);
    } else {
      tables.audience_work.erase(change.segment->number);
    }
  }
  if (change.list.has_value()) {
    tables.lists.at(change.list->number).row = *change.list;
  }
  for (const FullSync& full_sync : change.full_syncs) {
    tables.segments.at(change.segment->number).intake.rejected +=
        full_sync.declared;
    tables.lists.at(full_sync.list).full_syncs[full_sync.number] = full_sync;
  }
  for (const auto& [list, operation] : change.operations) {
    if (operation.has_value()) {
      tables.operations[list] = *operation;
    } else {
      tables.operations.erase(list);
    }
  }
  return absl::OkStatus();
}

void OperationsPart::Tell(const Change& change) {
  std::function<void(ListNumber)> listener;
  {
    absl::MutexLock lock(&listener_mutex_);
    listener = listener_;
  }
  if (!listener) return;
  for (const auto& [list, operation] : change.operations) listener(list);
}

absl::StatusOr<MappedSegment> OperationsPart::MapSegment(
    DestinationNumber destination, absl::string_view segment_namespace,
    absl::string_view segment_id, const SegmentText& text, int max_lists) {
  absl::MutexLock lock(&core_.change_mutex);
  MappedSegment mapped;
  std::optional<SegmentRow> row =
      catalog_.FindSegment(destination, segment_namespace, segment_id);
  if (!row.has_value()) {
    absl::StatusOr<SegmentRow> made = catalog_.MakeSegment(
        destination, segment_namespace, segment_id, "", max_lists);
    if (!made.ok()) return made.status();
    row = *std::move(made);
    mapped.created = true;
  }
  absl::StatusOr<View> view = Look(row->number);
  if (!view.ok()) return view.status();
  Change change;
  change.segment = view->segment;
  bool changed = TakeText(text, *change.segment);
  if (change.segment->mapping != MappingState::kMapped) {
    if (EmptiesLater(view->operation) || EmptiesLater(view->former_operation)) {
      return Running("the list is being replaced and then emptied");
    }
    mapped.reactivated = true;
    changed = true;
    if (change.segment->mapping == MappingState::kEmptied) {
      change.segment->audience_steps |= SegmentRow::kAudienceRevive;
      if (view->operation.has_value() &&
          view->operation->kind == Kind::kEmpty &&
          view->operation->phase == Phase::kAudience) {
        // The audience need not be retired any more.
        change.operations.emplace_back(view->list.number, std::nullopt);
      }
    }
    change.segment->mapping = MappingState::kMapped;
  }
  if (changed) {
    if (absl::Status s = Write(change); !s.ok()) return s;
  }
  mapped.row = *change.segment;
  return mapped;
}

absl::StatusOr<SegmentRow> OperationsPart::UpdateSegment(
    SegmentNumber segment, const SegmentText& text) {
  absl::MutexLock lock(&core_.change_mutex);
  absl::StatusOr<View> view = Look(segment);
  if (!view.ok()) return view.status();
  Change change;
  change.segment = view->segment;
  if (TakeText(text, *change.segment)) {
    if (absl::Status s = Write(change); !s.ok()) return s;
  }
  return *change.segment;
}

absl::StatusOr<SegmentRow> OperationsPart::UnmapSegment(SegmentNumber segment,
                                                        bool empty) {
  Change change;
  {
    absl::MutexLock lock(&core_.change_mutex);
    // What is committed before is delivered or superseded, what comes later is
    // excluded: nothing is in between.
    const GroupHold hold(core_.tables);
    absl::StatusOr<View> view = Look(segment);
    if (!view.ok()) return view.status();
    change.segment = view->segment;
    const MappingState wanted =
        empty ? MappingState::kEmptied : MappingState::kKept;
    if (view->segment.mapping == wanted ||
        view->segment.mapping == MappingState::kEmptied) {
      return view->segment;
    }
    change.segment->mapping = wanted;
    if (empty) {
      change.segment->audience_steps &=
          static_cast<uint8_t>(~SegmentRow::kAudienceRevive);
      if (view->operation.has_value() &&
          view->operation->kind == Kind::kReplace) {
        // What is on the lists is what is known of this one: one after the
        // other.
        view->operation->then_empty = true;
        change.operations.emplace_back(view->list.number, view->operation);
      } else if (view->former_operation.has_value()) {
        view->former_operation->then_empty = true;
        change.operations.emplace_back(view->segment.former_list,
                                       view->former_operation);
      } else {
        change.operations.emplace_back(view->list.number,
                                       Begin(*view, Kind::kEmpty));
      }
    }
    change.full_syncs = DiscardFullSyncs(core_, view->list.number);
    if (absl::Status s = Write(change); !s.ok()) return s;
  }
  Tell(change);
  return *change.segment;
}

absl::Status OperationsPart::RequestResync(SegmentNumber segment) {
  Change change;
  {
    absl::MutexLock lock(&core_.change_mutex);
    absl::StatusOr<View> view = Look(segment);
    if (!view.ok()) return view.status();
    if (view->segment.mapping != MappingState::kMapped) {
      return Precondition("SEGMENT_UNMAPPED", "the segment is not mapped");
    }
    if (view->operation.has_value() && view->operation->kind != Kind::kResync) {
      return Running("the list is being emptied or replaced");
    }
    if (view->list.customer_list_id.empty()) {
      return Precondition("NO_CUSTOMER_LIST",
                          "the segment has no customer list yet");
    }
    change.operations.emplace_back(view->list.number,
                                   Begin(*view, Kind::kResync));
    if (absl::Status s = Write(change); !s.ok()) return s;
  }
  Tell(change);
  return absl::OkStatus();
}

absl::Status OperationsPart::CheckUnused(DestinationNumber destination,
                                         SegmentNumber segment,
                                         const std::string& customer_list_id) {
  absl::MutexLock lock(&core_.tables.mutex);
  for (const auto& [number, list] : core_.tables.lists) {
    if (list.row.destination != destination) continue;
    const auto operation = core_.tables.operations.find(number);
    if (list.row.customer_list_id == customer_list_id ||
        (operation != core_.tables.operations.end() &&
         operation->second.customer_list_id == customer_list_id)) {
      return Precondition("CUSTOMER_LIST_IN_USE",
                          list.row.segment == segment
                              ? "the segment had this list and it was replaced"
                              : "another segment has this list");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SegmentRow> OperationsPart::BindSegment(
    DestinationNumber destination, absl::string_view segment_namespace,
    absl::string_view segment_id, const Replacement& replacement,
    int max_lists) {
  std::optional<SegmentRow> row;
  Change change;
  {
    absl::MutexLock lock(&core_.change_mutex);
    row = catalog_.FindSegment(destination, segment_namespace, segment_id);
    if (!row.has_value()) {
      if (absl::Status s = CheckUnused(destination, /*segment=*/0,
                                       replacement.customer_list_id);
          !s.ok()) {
        return s;
      }
      ListOperation operation = Begin(View(), Kind::kReplace);
      operation.customer_list_id = replacement.customer_list_id;
      operation.unknown_members = replacement.unknown_members;
      operation.keep_old_members = replacement.keep_old_members;
      absl::StatusOr<SegmentRow> made =
          catalog_.MakeSegment(destination, segment_namespace, segment_id, "",
                               max_lists, &operation);
      if (!made.ok()) return made.status();
      row = *std::move(made);
      change.operations.emplace_back(row->list, std::move(operation));
    }
  }
  if (change.operations.empty()) {
    if (absl::Status s = RequestReplacement(row->number, replacement);
        !s.ok()) {
      return s;
    }
  }
  Tell(change);
  return *row;
}

absl::Status OperationsPart::RequestReplacement(
    SegmentNumber segment, const Replacement& replacement) {
  Change change;
  {
    absl::MutexLock lock(&core_.change_mutex);
    absl::StatusOr<View> view = Look(segment);
    if (!view.ok()) return view.status();
    const std::string& wanted = replacement.customer_list_id;
    if (!wanted.empty() && (wanted == view->list.customer_list_id ||
                            (view->operation.has_value() &&
                             view->operation->customer_list_id == wanted))) {
      return absl::OkStatus();
    }
    if (view->segment.mapping != MappingState::kMapped) {
      return Precondition("SEGMENT_UNMAPPED", "the segment is not mapped");
    }
    if (view->segment.former_list != 0 ||
        (view->operation.has_value() &&
         view->operation->kind != Kind::kResync)) {
      return Running("the list is being emptied or replaced");
    }
    if (view->list.creation_attempt_time != absl::InfinitePast()) {
      return Precondition("LIST_CREATION_UNANSWERED",
                          "the creation of the segment's list was not "
                          "answered and is being looked for");
    }
    if (wanted.empty() && view->list.customer_list_id.empty()) {
      return Precondition("NO_CUSTOMER_LIST",
                          "the segment has no customer list yet");
    }
    if (!wanted.empty()) {
      if (absl::Status s =
              CheckUnused(view->segment.destination, segment, wanted);
          !s.ok()) {
        return s;
      }
    } else {
      const absl::Time now = core_.clock.Now();
      const absl::Time last = view->segment.replace_time;
      // A clock that was set back stops nobody.
      if (!replacement.again && last <= now && now - last < kReplacementRest) {
        return Precondition(
            "RECENTLY_REPLACED",
            absl::StrCat("the list was replaced ",
                         absl::ToInt64Minutes(now - last),
                         " min ago, less than an hour: nothing is done unless "
                         "it is asked for with `again`"));
      }
      change.segment = view->segment;
      change.segment->replace_time = now;
    }
    if (!wanted.empty() && !replacement.force &&
        !view->list.customer_list_id.empty() && view->members > 0) {
      return Precondition(
          "SEGMENT_HAS_MEMBERS",
          absl::StrCat("the segment's own list has ", view->members,
                       " members; with force they are sent to the other "
                       "list"));
    }
    ListOperation operation = Begin(*view, Kind::kReplace);
    operation.customer_list_id = wanted;
    operation.unknown_members = replacement.unknown_members;
    operation.keep_old_members = replacement.keep_old_members;
    change.operations.emplace_back(view->list.number, std::move(operation));
    if (absl::Status s = Write(change); !s.ok()) return s;
  }
  Tell(change);
  return absl::OkStatus();
}

std::vector<AudienceTask> OperationsPart::AudienceTasks() {
  std::vector<AudienceTask> tasks;
  Tables& tables = core_.tables;
  absl::MutexLock lock(&tables.mutex);
  for (const auto& [list, operation] : tables.operations) {
    if (operation.needs_passes()) continue;
    const ListState* state = tables.FindList(list);
    if (state == nullptr) continue;
    AudienceTask& task = tasks.emplace_back();
    task.kind = operation.kind == Kind::kEmpty
                    ? AudienceTask::Kind::kRetire
                    : AudienceTask::Kind::kPointAtList;
    task.segment = tables.segments.at(state->row.segment).row;
    task.operation = operation.number;
  }
  for (SegmentNumber segment : tables.audience_work) {
    const SegmentState* state = tables.FindSegment(segment);
    if (state == nullptr) continue;
    if (state->row.audience_steps & SegmentRow::kAudienceRevive) {
      tasks.push_back({AudienceTask::Kind::kRevive, state->row, 0});
    }
    if (state->row.audience_steps & SegmentRow::kAudienceRename) {
      tasks.push_back({AudienceTask::Kind::kRename, state->row, 0});
    }
  }
  return tasks;
}

absl::Status OperationsPart::EndAudienceTask(const AudienceTask& task) {
  Change change;
  {
    absl::MutexLock lock(&core_.change_mutex);
    absl::StatusOr<View> view = Look(task.segment.number);
    if (!view.ok()) return absl::OkStatus();  // deleted meanwhile
    if (task.kind == AudienceTask::Kind::kRename ||
        task.kind == AudienceTask::Kind::kRevive) {
      const bool rename = task.kind == AudienceTask::Kind::kRename;
      // It was told what is no longer so.
      if (rename && (view->segment.display_name != task.segment.display_name ||
                     view->segment.description != task.segment.description)) {
        return absl::OkStatus();
      }
      change.segment = view->segment;
      change.segment->audience_steps &= static_cast<uint8_t>(~(
          rename ? SegmentRow::kAudienceRename : SegmentRow::kAudienceRevive));
      return Write(change);
    }
    if (!view->operation.has_value() ||
        view->operation->number != task.operation) {
      return absl::OkStatus();
    }
    const ListOperation& ended = *view->operation;
    std::optional<ListOperation> next;
    const ListNumber former = view->segment.former_list;
    if (ended.kind == Kind::kReplace && former != 0) {
      if (ended.keep_old_members) {
        change.segment = view->segment;
        change.segment->former_list = 0;
      } else {
        ListOperation emptying = Begin(*view, Kind::kEmptyFormer);
        emptying.phase = Phase::kSending;
        emptying.source = view->list.number;
        emptying.then_empty = ended.then_empty;
        change.operations.emplace_back(former, std::move(emptying));
      }
    }
    if (ended.then_empty && (former == 0 || ended.keep_old_members)) {
      next = Begin(*view, Kind::kEmpty);
    }
    change.operations.emplace_back(view->list.number, std::move(next));
    if (absl::Status s = Write(change); !s.ok()) return s;
  }
  Tell(change);
  return absl::OkStatus();
}

std::optional<ListOperation> OperationsPart::FindOperation(ListNumber list) {
  absl::MutexLock lock(&core_.tables.mutex);
  const auto found = core_.tables.operations.find(list);
  if (found == core_.tables.operations.end()) return std::nullopt;
  return found->second;
}

std::vector<ListRow> OperationsPart::OperatedLists() {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<ListRow> lists;
  for (const auto& [list, operation] : core_.tables.operations) {
    const ListState* state = core_.tables.FindList(list);
    if (state != nullptr && operation.needs_passes()) {
      lists.push_back(state->row);
    }
  }
  return lists;
}

std::vector<std::string> OperationsPart::OtherCustomerLists(ListNumber list) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<std::string> ids;
  const ListState* state = core_.tables.FindList(list);
  if (state == nullptr) return ids;
  for (const auto& [number, other] : core_.tables.lists) {
    if (number == list || other.row.destination != state->row.destination) {
      continue;
    }
    if (!other.row.customer_list_id.empty()) {
      ids.push_back(other.row.customer_list_id);
    }
    const auto operation = core_.tables.operations.find(number);
    if (operation != core_.tables.operations.end() &&
        !operation->second.customer_list_id.empty()) {
      ids.push_back(operation->second.customer_list_id);
    }
  }
  return ids;
}

absl::StatusOr<bool> OperationsPart::ReadEntries(
    ListNumber list, std::string* position, int64_t at_most,
    absl::FunctionRef<absl::Status(RecordView, DeliveredState)> take) {
  const std::string after = *position;
  int64_t taken = 0;
  Scan scan(core_.database, Family::kBlocks, PrefixRange(PlainKey(list)),
            {.fill_cache = false, .readahead = 256 << 10});
  if (!after.empty()) scan.SeekForPrev(BlockKey(list, after));
  if (!scan.valid()) scan.SeekToFirst();
  std::string encoded;
  for (; scan.valid(); scan.Next()) {
    BlockReader reader(scan.value());
    BlockEntry entry;
    while (reader.Next(&entry)) {
      encoded.assign(1, static_cast<char>(entry.kind));
      encoded.append(entry.payload.data(), entry.payload.size());
      const std::optional<RecordView> record = RecordView::FromEncoded(encoded);
      if (!record.has_value()) {
        return Damaged("a stored block cannot be read");
      }
      if (!after.empty() && !(*RecordView::FromEncoded(after) < *record)) {
        continue;
      }
      if (taken == at_most) return false;
      ++taken;
      if (absl::Status s = take(*record, entry.state); !s.ok()) return s;
      *position = encoded;
    }
    if (!reader.status().ok()) return reader.status();
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return true;
}

}  // namespace connector::membership
