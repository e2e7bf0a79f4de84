// What passes do to operations.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/membership/damage.h"
#include "connector/membership/operations_part.h"

namespace connector::membership {
namespace {

using Kind = ListOperation::Kind;
using Phase = ListOperation::Phase;

// Ids are numbers that grow.
bool Older(absl::string_view a, absl::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

absl::StatusOr<ListOperation> OperationsPart::TakeUp(ListNumber list,
                                                     bool vanished) {
  absl::StatusOr<ListOperation> taken;
  Change told;
  {
    absl::MutexLock lock(&core_.change_mutex);
    absl::ReaderMutexLock use(&core_.tables.use);
    SegmentNumber segment = 0;
    {
      absl::MutexLock tables_lock(&core_.tables.mutex);
      const ListState* state = core_.tables.FindList(list);
      if (state == nullptr) return DestinationNotFound();
      segment = state->row.segment;
    }
    absl::StatusOr<View> view = Look(segment);
    if (!view.ok()) return view.status();
    if (!view->operation.has_value() || view->list.number != list ||
        view->operation->phase != Phase::kRequested) {
      return absl::InternalError("the list has no operation to be taken up");
    }
    if (view->operation->kind != Kind::kReplace) {
      Change change;
      change.list = view->list;
      ++change.list->epoch;
      // What somebody else added is not known.
      if (view->operation->kind == Kind::kResync) {
        change.list->unknown_members = true;
      }
      ListOperation operation = *view->operation;
      operation.phase = Phase::kSending;
      change.operations.emplace_back(list, operation);
      if (absl::Status s = Write(change); !s.ok()) return s;
      return operation;
    }
    taken = TakeUpReplacement(*view, vanished);
    if (!taken.ok()) return taken;
    view = Look(segment);
    if (view.ok() && view->segment.former_list != 0) {
      told.operations.emplace_back(view->segment.former_list, std::nullopt);
    }
  }
  if (!told.operations.empty()) Tell(told);
  return taken;
}

absl::StatusOr<int64_t> OperationsPart::CopyRemovals(ListNumber from,
                                                     ListNumber to,
                                                     CommitNumber through,
                                                     WriteSet& set,
                                                     PendingQueue& pending) {
  int64_t bytes = 0;
  Scan scan(core_.database, Family::kCounters,
            {NumberKey(kPendingKey, from, 0),
             NumberKey(kPendingKey, from, through + 1)});
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    const std::optional<NumberKeyParts> key = ParseNumberKey(scan.key());
    const std::optional<PendingRow> index = DecodePending(scan.value());
    if (!key.has_value() || !index.has_value()) {
      return Damaged("a stored index of runs cannot be read");
    }
    PendingRow copy;
    copy.commit_time = index->commit_time;
    for (const auto& [part, change] : index->runs) {
      if (change != membership::Change::kRemove) continue;
      absl::StatusOr<std::optional<std::string>> run = core_.database.Get(
          Family::kRuns, RunKey(from, change, key->second, part));
      if (!run.ok()) return run.status();
      if (!run->has_value()) {
        return Damaged("a run is missing");
      }
      const std::string key_there = RunKey(to, change, key->second, part);
      copy.bytes += static_cast<int64_t>(key_there.size() + (*run)->size());
      if (bytes + copy.bytes > core_.tuning.taken_along_bytes) {
        return MakeError(
            absl::StatusCode::kUnavailable, "TOO_MANY_REMOVALS_WAIT",
            absl::StrCat("more removals wait than are taken along to another "
                         "list (",
                         core_.tuning.taken_along_bytes,
                         " bytes): the list is replaced when they are "
                         "delivered, or once Pinterest says that it is gone"));
      }
      set.Put(Family::kRuns, key_there, **run);
      copy.runs.emplace_back(part, change);
    }
    if (copy.runs.empty()) continue;
    bytes += copy.bytes;
    set.Put(Family::kCounters, NumberKey(kPendingKey, to, key->second),
            EncodePending(copy));
    pending.Push(key->second, copy.commit_time, copy.bytes,
                 /*has_removals=*/true);
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return bytes;
}

// One write: whatever a crash leaves, there is one list that is being filled,
// and nobody whose removal waits is forgotten on the other.
absl::StatusOr<ListOperation> OperationsPart::TakeUpReplacement(
    const View& view, bool vanished) {
  if (view.list.creation_attempt_time != absl::InfinitePast()) {
    // There may be a list that nobody knows yet, with members on it.
    return MakeError(absl::StatusCode::kUnavailable, "CREATION_UNANSWERED",
                     "the creation of the list is not answered: it is replaced "
                     "when that is known");
  }
  const GroupHold hold(core_.tables);
  Tables& tables = core_.tables;
  const ListNumber list = view.list.number;
  // Seen under the hold, as a decision may have come since anybody looked.
  if (!vanished) {
    absl::MutexLock lock(&tables.mutex);
    for (const auto& [number, full_sync] : tables.lists.at(list).full_syncs) {
      if (full_sync.state != FullSyncState::kReleased) continue;
      return MakeError(absl::StatusCode::kUnavailable, "FULL_SYNC_RELEASED",
                       "a full sync is to be applied to the list that is "
                       "there: it is replaced after that");
    }
  }
  ListOperation operation = *view.operation;
  operation.phase = Phase::kSending;
  operation.members = view.members;
  ListRow row = view.list;
  row.customer_list_id = operation.customer_list_id;
  ++row.epoch;
  row.unknown_members = operation.unknown_members;
  row.creation_attempt_time = absl::InfinitePast();
  row.look_for_newer = false;
  SegmentRow segment = view.segment;
  WriteSet set(core_.database);

  ListRow former;
  PendingQueue pending(core_.tuning.pending_spans);
  std::set<std::pair<absl::Time, uint64_t>> echoes;
  NextNumbers next;
  int64_t bytes = 0;
  if (!view.list.customer_list_id.empty()) {
    CommitNumber newest = 0;
    {
      absl::MutexLock lock(&tables.mutex);
      next = tables.next;
      newest = tables.newest.commit;
      echoes = tables.lists.at(list).echoes;
    }
    former.number = next.list++;
    former.destination = view.list.destination;
    former.segment = view.list.segment;
    former.customer_list_id = view.list.customer_list_id;
    former.unknown_members = true;
    former.learnt_max_records = view.list.learnt_max_records;
    row.serving_list_id = view.list.customer_list_id;
    if (Older(row.ignored_through, view.list.customer_list_id)) {
      row.ignored_through = view.list.customer_list_id;
    }
    segment.former_list = former.number;

    // Removals that wait go to both, unless nobody is on the old one.
    if (!vanished) {
      absl::StatusOr<int64_t> copied =
          CopyRemovals(list, former.number, newest, set, pending);
      if (!copied.ok()) return copied.status();
      bytes = *copied;
    }
    // What was asked of the old list and not answered stays with it.
    for (char letter : {kDoubtKey, kEchoKey}) {
      Scan requests(core_.database, Family::kDoubts,
                    PrefixRange(NumberKey(letter, list)));
      for (requests.SeekToFirst(); requests.valid(); requests.Next()) {
        const std::optional<NumberKeyParts> key =
            ParseNumberKey(requests.key());
        if (!key.has_value()) {
          return Damaged("a stored doubt cannot be read");
        }
        set.Put(Family::kDoubts, NumberKey(letter, former.number, key->second),
                requests.value());
        set.Delete(Family::kDoubts, requests.key());
      }
      if (absl::Status s = requests.status(); !s.ok()) return s;
    }
    set.Put(Family::kMeta, kNextNumbersKey, EncodeNextNumbers(next));
    set.Put(Family::kMeta, NumberKey(kListKey, former.number),
            EncodeList(former));
    set.Put(Family::kMeta, NumberKey(kSegmentKey, segment.number),
            EncodeSegment(segment));
  }
  set.Put(Family::kMeta, NumberKey(kListKey, list), EncodeList(row));
  set.Put(Family::kMeta, NumberKey(kOperationKey, list),
          EncodeOperation(operation));
  ReachCrashPoint(CrashPoint::kReplacementUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kYes);
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kReplacementWritten);
  {
    absl::MutexLock lock(&tables.mutex);
    if (former.number != 0) {
      tables.next = next;
      ListState& state =
          tables.lists.try_emplace(former.number, core_.tuning.pending_spans)
              .first->second;
      state.row = former;
      state.pending = std::move(pending);
      state.echoes = std::move(echoes);
      if (!state.pending.empty()) tables.pending_lists.insert(former.number);
      if (!state.echoes.empty()) tables.echo_lists.insert(former.number);
      tables.lists.at(list).echoes.clear();
      tables.echo_lists.erase(list);
      tables.destinations.at(former.destination).pending_bytes += bytes;
      tables.segments.at(segment.number).row = segment;
    }
    tables.lists.at(list).row = row;
    tables.operations[list] = operation;
  }
  return operation;
}

absl::Status OperationsPart::Advance(ListNumber list, uint64_t number,
                                     absl::string_view position, int64_t sent,
                                     bool ended) {
  Change change;
  {
    absl::MutexLock lock(&core_.change_mutex);
    absl::ReaderMutexLock use(&core_.tables.use);
    ListOperation operation;
    SegmentNumber segment = 0;
    ListRow row;
    {
      absl::MutexLock tables_lock(&core_.tables.mutex);
      const ListState* state = core_.tables.FindList(list);
      if (state == nullptr) return DestinationNotFound();
      segment = state->row.segment;
      row = state->row;
      const auto found = core_.tables.operations.find(list);
      if (found == core_.tables.operations.end() ||
          found->second.number != number) {
        return absl::OkStatus();
      }
      operation = found->second;
    }
    operation.position = std::string(position);
    operation.sent += sent;
    if (!ended) {
      WriteSet set(core_.database);
      set.Put(Family::kMeta, NumberKey(kOperationKey, list),
              EncodeOperation(operation));
      if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
          !s.ok()) {
        return s;
      }
      absl::MutexLock tables_lock(&core_.tables.mutex);
      core_.tables.operations[list] = operation;
      return absl::OkStatus();
    }

    absl::StatusOr<View> view = Look(segment);
    if (!view.ok()) return view.status();
    operation.phase = Phase::kAudience;
    switch (operation.kind) {
      case Kind::kEmpty:
        if (view->segment.mapping == MappingState::kEmptied) {
          change.operations.emplace_back(list, operation);
        } else {
          change.operations.emplace_back(list, std::nullopt);
        }
        break;
      case Kind::kResync:
        change.operations.emplace_back(list, std::nullopt);
        break;
      case Kind::kReplace:
        row.serving_list_id.clear();
        change.list = row;
        change.operations.emplace_back(list, operation);
        break;
      case Kind::kEmptyFormer:
        change.operations.emplace_back(list, std::nullopt);
        if (view->segment.former_list == list) {
          change.segment = view->segment;
          change.segment->former_list = 0;
        }
        if (operation.then_empty) {
          change.operations.emplace_back(view->list.number,
                                         Begin(*view, Kind::kEmpty));
        }
        break;
    }
    if (absl::Status s = Write(change); !s.ok()) return s;
    ReachCrashPoint(CrashPoint::kOperationEnded);
  }
  Tell(change);
  return absl::OkStatus();
}

}  // namespace connector::membership
