#include "connector/membership/commit_group.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/membership/damage.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

// When a full backlog is worth another look: about one pass later.
constexpr absl::Duration kBacklogRetryDelay = absl::Seconds(10);

void AddCounts(IntakeCounts& sum, const IntakeCounts& more) {
  sum.received += more.received;
  sum.excluded += more.excluded;
  sum.rejected += more.rejected;
  sum.replayed += more.replayed;
}

bool IsZero(const IntakeCounts& counts) {
  return counts.received == 0 && counts.excluded == 0 && counts.rejected == 0 &&
         counts.replayed == 0;
}

absl::Status Fenced() {
  return MakeError(absl::StatusCode::kAborted, "STREAM_FENCED",
                   "a newer stream of this export was opened");
}

absl::Status Gap(int64_t expected) {
  ErrorDetail detail;
  detail.reason = "SEQUENCE_GAP";
  detail.metadata["expected"] = absl::StrCat(expected);
  return MakeError(
      absl::StatusCode::kOutOfRange,
      absl::StrCat("batches are missing: the next one is number ", expected),
      detail);
}

absl::Status Reused() {
  return MakeError(absl::StatusCode::kInvalidArgument, "SEQUENCE_REUSED",
                   "another batch was stored under this sequence number");
}

// The end gives a number for the last batch behind which there are others: it
// contradicts what was stored under the next one.
absl::Status EndsTooSoon() {
  return MakeError(absl::StatusCode::kInvalidArgument, "SEQUENCE_REUSED",
                   "the export has batches behind the one that its end names "
                   "as the last");
}

}  // namespace

absl::StatusOr<ExportState*> MakeExport(Core& core,
                                        DestinationNumber destination,
                                        absl::string_view export_id,
                                        absl::Time now) {
  ExportTable& exports = core.tables.exports;
  size_t kept = 0;
  for (ExportState* other : exports.OfDestination(destination)) {
    if (!other->Forgettable(now, core.export_expiry)) {
      ++kept;
    } else if (!other->stored) {
      exports.Erase(other);
    }
  }
  if (kept >= core.tuning.max_exports_per_destination) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_EXPORTS",
                     "the destination has too many exports that are not "
                     "delivered or not expired");
  }
  ExportState* state = exports.Create(destination, export_id);
  state->last_activity = now;
  return state;
}

CommitGroup::CommitGroup(Core& core, RejectionLog& rejections)
    : core_(core),
      rejections_(rejections),
      set_(core.database),
      now_(FloorToMillis(core.clock.Now())),
      disk_(core.CheckDisk(core.clock.Now())) {
  absl::MutexLock lock(&core_.tables.mutex);
  core_.tables.mutex.Await(absl::Condition(
      +[](int* holds) { return *holds == 0; }, &core_.tables.group_holds));
  newest_ = core_.tables.newest;
  ++newest_.commit;
  ++core_.tables.groups_begun;
}

void CommitGroup::Take(Batch batch, Done done) {
  if (batch.full_sync_decision.has_value()) {
    absl::StatusOr<bool> repeat = Decide(*batch.full_sync_decision);
    if (repeat.ok()) {
      taken_.push_back({std::move(done), CommitOutcome{*repeat, {}}, nullptr});
    } else {
      taken_.push_back({std::move(done), repeat.status(), nullptr});
    }
    return;
  }
  if (batch.forget.has_value()) {
    taken_.push_back({std::move(done), Forget(batch), nullptr});
    return;
  }
  ExportDraft* draft = nullptr;
  absl::StatusOr<bool> repeat = Check(batch, &draft);
  if (!repeat.ok()) {
    taken_.push_back({std::move(done), repeat.status(), nullptr});
    return;
  }
  if (!*repeat) Add(batch, draft);
  CommitOutcome outcome;
  outcome.repeat = *repeat;
  ExportState* state = nullptr;
  if (draft != nullptr) {
    state = draft->state;
    outcome.position.export_id = batch.export_id;
    outcome.position.durable = draft->durable;
    outcome.position.ended = draft->ended;
  }
  taken_.push_back({std::move(done), std::move(outcome), state});
}

absl::StatusOr<bool> CommitGroup::Check(const Batch& batch,
                                        ExportDraft** draft) {
  if (absl::Status s = core_.database.Healthy(); !s.ok()) return s;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    if (core_.tables.FindDestination(batch.destination) == nullptr) {
      return DestinationNotFound();
    }
    if (absl::Status s = CheckSegments(batch); !s.ok()) return s;
    if (absl::Status s = CheckFullSync(batch); !s.ok()) return s;
    if (batch.export_id.empty()) {
      if (absl::Status s = CheckBacklog(batch); !s.ok()) return s;
      return false;
    }
    absl::StatusOr<ExportDraft*> found = FindExport(batch);
    if (!found.ok()) return found.status();
    *draft = *found;
    const ExportDraft& known = **draft;
    const bool is_new = batch.end_of_export
                            ? !known.ended
                            : batch.sequence_number > known.durable;
    if (is_new) {
      if (known.ended) {
        return MakeError(absl::StatusCode::kFailedPrecondition, "EXPORT_ENDED",
                         "the export has ended");
      }
      if (batch.end_of_export && batch.sequence_number < known.durable) {
        return EndsTooSoon();
      }
      const int64_t expected = known.durable + 1;
      if (batch.sequence_number !=
          (batch.end_of_export ? known.durable : expected)) {
        return Gap(expected);
      }
      // These take next to no room, and what ends something is not held up.
      if (batch.full_sync.has_value()) {
        if (absl::Status s = CheckFullSyncCommit(batch); !s.ok()) return s;
      } else if (!batch.end_of_export) {
        if (absl::Status s = CheckBacklog(batch); !s.ok()) return s;
      }
      return false;
    }
  }
  return CheckRepeat(batch, **draft);
}

absl::Status CommitGroup::CheckSegments(const Batch& batch) {
  for (const SegmentChanges& changes : batch.segments) {
    const SegmentState* segment = core_.tables.FindSegment(changes.segment);
    if (segment == nullptr || segment->row.list != changes.list ||
        segment->row.destination != batch.destination) {
      return absl::InternalError("a batch names a segment it cannot have");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CommitGroup::ExportDraft*> CommitGroup::FindExport(
    const Batch& batch) {
  Tables& tables = core_.tables;
  tables.mutex.AssertHeld();
  ExportState* state = tables.exports.Find(batch.destination, batch.export_id);
  if (batch.fence != 0 && (state == nullptr || state->fence != batch.fence)) {
    return Fenced();
  }
  const ExportName key(batch.destination, batch.export_id);
  const auto known = exports_.find(key);
  if (known != exports_.end()) return &known->second;

  if (state != nullptr && batch.fence == 0 &&
      state->Forgettable(now_, core_.export_expiry)) {
    state->StartAnew();
  }
  if (state == nullptr) {
    if (batch.sequence_number != (batch.end_of_export ? 0 : 1)) return Gap(1);
    absl::StatusOr<ExportState*> made =
        MakeExport(core_, batch.destination, batch.export_id, now_);
    if (!made.ok()) return made.status();
    state = *made;
  }
  ExportDraft& draft = exports_[key];
  draft.state = state;
  state->in_group = true;
  draft.durable = state->durable;
  draft.ended = state->ended;
  draft.digest = state->digest;
  draft.first = state->durable + 1;
  return &draft;
}

absl::Status CommitGroup::CheckBacklog(const Batch& batch) {
  if (!disk_.ok()) return disk_;
  const DestinationState& destination =
      core_.tables.destinations.at(batch.destination);
  int64_t bytes = destination.pending_bytes;
  int64_t full_sync_bytes = destination.full_sync_bytes;
  const auto draft = destinations_.find(batch.destination);
  if (draft != destinations_.end()) {
    bytes += draft->second.bytes;
    full_sync_bytes += draft->second.full_sync_bytes;
  }
  if (absl::Status s = CheckDeclared(batch, full_sync_bytes); !s.ok()) return s;
  const bool only_declares =
      !batch.segments.empty() &&
      std::all_of(batch.segments.begin(), batch.segments.end(),
                  [&](const SegmentChanges& changes) {
                    return changes.run.count(Change::kRemove) == 0 &&
                           FindOpenFullSync(changes.list, batch.export_id) !=
                               nullptr;
                  });
  if (only_declares || bytes - full_sync_bytes <= batch.max_backlog_bytes) {
    return absl::OkStatus();
  }
  ErrorDetail detail;
  detail.reason = "BACKLOG_FULL";
  detail.retry_delay = kBacklogRetryDelay;
  return MakeError(absl::StatusCode::kResourceExhausted,
                   "the destination's backlog is full: changes wait for "
                   "Pinterest to take them",
                   detail);
}

absl::StatusOr<bool> CommitGroup::CheckRepeat(const Batch& batch,
                                              const ExportDraft& draft) {
  const int64_t number = batch.sequence_number;
  if (batch.end_of_export) {
    if (number == draft.durable) return true;
    if (number < draft.durable) return EndsTooSoon();
    return Gap(draft.durable + 1);
  }
  if (number <= 0) return Gap(draft.durable + 1);
  std::optional<Digest> stored;
  if (number == draft.durable) {
    stored = draft.digest;
  } else if (number >= draft.first) {
    stored = draft.rows[number - draft.first].digest;
  } else {
    // Gone once it is delivered: then there is nothing left to compare.
    absl::StatusOr<std::optional<std::string>> value = core_.database.Get(
        Family::kExports,
        ExportKey(batch.destination, batch.export_id, number));
    if (!value.ok()) return value.status();
    if (value->has_value()) {
      const std::optional<BatchRow> row = DecodeBatch(**value);
      if (!row.has_value()) {
        return Damaged("a stored batch cannot be read");
      }
      stored = row->digest;
    }
  }
  if (stored.has_value() && *stored != batch.digest) return Reused();
  return true;
}

void CommitGroup::Sweep(DestinationNumber destination) {
  for (ExportState* state : core_.tables.exports.OfDestination(destination)) {
    if (!state->Forgettable(now_, core_.export_expiry)) continue;
    if (state->stored) {
      set_.Delete(Family::kExports, ExportKey(destination, state->id, 0));
    }
    core_.tables.exports.Erase(state);
  }
}

void CommitGroup::Add(const Batch& batch, ExportDraft* draft) {
  changed_ = true;
  DestinationDraft& destination = destinations_[batch.destination];
  BatchRow row;
  row.commit = newest_.commit;
  row.digest = batch.digest;
  if (draft != nullptr && draft->durable == 0) {
    LeaveFullSyncs(batch, /*ended=*/false);
  }
  batch_order_.reset();
  if (batch.places > 0) {
    // Removals of former forms stand before everything else.
    EventOrder first = newest_.next_order;
    for (const SegmentChanges& changes : batch.segments) {
      first += changes.former_forms.total();
    }
    batch_order_ = first;
  }
  for (const SegmentChanges& changes : batch.segments) {
    ListNumber former = 0;
    if (!IsMapped(changes.segment, &former)) {
      // All of it that is sound is excluded.
      IntakeCounts excluded = changes.counts;
      excluded.excluded = excluded.received - excluded.rejected;
      excluded.replayed = 0;
      AddCounts(segments_[changes.segment], excluded);
      continue;
    }
    AddCounts(segments_[changes.segment], changes.counts);
    AddChanges(batch, changes, former, destination, &row);
  }
  if (batch_order_.has_value()) {
    AddStatements(batch, destination);
    row.statements = !batch.statements.empty();
    newest_.next_order = *batch_order_ + batch.places;
    batch_order_.reset();
  }
  if (batch.full_sync.has_value()) AddFullSyncFrame(batch, &row);
  if (!IsZero(batch.counts_without_segment)) {
    AddCounts(destination.without_segment, batch.counts_without_segment);
    destination.counted = true;
  }
  AddRejections(batch);
  if (draft == nullptr) return;

  if (!draft->changed && !draft->state->stored) {
    absl::MutexLock lock(&core_.tables.mutex);
    Sweep(batch.destination);
  }
  draft->changed = true;
  if (batch.end_of_export) {
    draft->ended = true;
    LeaveFullSyncs(batch, /*ended=*/true);
    return;
  }
  ++draft->durable;
  draft->digest = batch.digest;
  set_.Put(Family::kExports,
           ExportKey(batch.destination, batch.export_id, draft->durable),
           EncodeBatch(row));
  draft->rows.push_back(std::move(row));
}

bool CommitGroup::IsMapped(SegmentNumber segment, ListNumber* former) {
  absl::MutexLock lock(&core_.tables.mutex);
  const auto found = core_.tables.segments.find(segment);
  if (found == core_.tables.segments.end()) return true;
  *former = found->second.row.former_list;
  return found->second.row.mapping == MappingState::kMapped;
}

void CommitGroup::PutRun(ListNumber list_number, Change change, uint32_t part,
                         const std::string& head, const std::string& body,
                         DestinationDraft& destination) {
  ListDraft& list = lists_[list_number];
  const std::string key = RunKey(list_number, change, newest_.commit, part);
  set_.Put(Family::kRuns, key, head, body);
  const auto bytes =
      static_cast<int64_t>(key.size() + head.size() + body.size());
  list.row.bytes += bytes;
  list.row.runs.emplace_back(part, change);
  list.has_removals |= change == Change::kRemove;
  destination.bytes += bytes;
}

void CommitGroup::PutExits(ListNumber list, const RunBuilder& run,
                           uint32_t part, const std::string& head,
                           const std::string& body) {
  PendingRow& exits = lists_[list].exits;
  const std::string key = ExitKey(list, newest_.commit, part);
  set_.Put(Family::kRuns, key, head, body);
  const absl::Time newest = run.newest_exit(now_);
  exits.newest_event =
      exits.runs.empty() ? newest : std::max(exits.newest_event, newest);
  exits.bytes += static_cast<int64_t>(key.size() + head.size() + body.size());
  exits.runs.emplace_back(part, Change::kRemove);
}

bool CommitGroup::AddRun(ListNumber list_number, ListNumber former,
                         const RunBuilder& run,
                         std::initializer_list<Change> kinds,
                         EventOrder first_order,
                         DestinationDraft& destination) {
  bool any = false;
  for (Change change : kinds) any |= run.count(change) > 0;
  if (!any) return false;
  const uint32_t part = parts_++;
  for (Change change : kinds) {
    if (run.count(change) == 0) continue;
    const std::string head = RunHead(run.flags(change), now_, first_order);
    const std::string body = run.Body(change);
    PutRun(list_number, change, part, head, body, destination);
    // An exit goes to a list that was replaced as long as it has members.
    if (former != 0 && change == Change::kRemove) {
      PutRun(former, change, part, head, body, destination);
    }
    if (change == Change::kRemove && run.has_timed_exits()) {
      PutExits(list_number, run, part, head, body);
    }
  }
  return true;
}

EventOrder CommitGroup::OrdersOf(const RunBuilder& run) {
  const EventOrder first = newest_.next_order;
  newest_.next_order += run.total();
  return first;
}

void CommitGroup::AddRejections(const Batch& batch) {
  std::vector<JournalRejection> lines;
  lines.reserve(batch.rejections.size());
  for (const IntakeRejection& rejection : batch.rejections) {
    JournalRejection& line = lines.emplace_back();
    line.time = now_;
    line.intake = {batch.export_id, batch.sequence_number, rejection};
  }
  rejections_.Append(batch.destination, lines, set_);
}

void CommitGroup::Commit() {
  ReachCrashPoint(CrashPoint::kCommitChecked);
  absl::Status status = changed_ ? Write() : absl::OkStatus();
  ReachCrashPoint(CrashPoint::kCommitWritten);
  absl::MutexLock lock(&core_.tables.mutex);
  for (auto& [name, draft] : exports_) draft.state->in_group = false;
  if (status.ok() && changed_) Publish();
  for (Taken& taken : taken_) {
    if (!taken.outcome.ok()) continue;
    if (!status.ok()) {
      taken.outcome = status;
    } else if (taken.state != nullptr) {
      taken.outcome->position.delivered = taken.state->delivered;
    }
  }
  ++core_.tables.groups_ended;
}

absl::Status CommitGroup::Write() {
  for (const auto& [key, draft] : exports_) {
    if (!draft.changed) continue;
    ExportRow row;
    row.durable = draft.durable;
    row.ended = draft.ended;
    row.digest = draft.digest;
    row.last_commit_time = now_;
    set_.Put(Family::kExports, ExportKey(key.first, key.second, 0),
             EncodeExport(row));
  }
  for (auto& [list, draft] : lists_) {
    draft.row.commit_time = now_;
    set_.Put(Family::kCounters, NumberKey(kPendingKey, list, newest_.commit),
             EncodePending(draft.row));
    if (draft.exits.runs.empty()) continue;
    draft.exits.commit_time = now_;
    set_.Put(Family::kCounters, NumberKey(kExitsKey, list, newest_.commit),
             EncodePending(draft.exits));
  }
  {
    // Counters are stored as what they are, not as what is added. Nobody else
    // changes these.
    absl::MutexLock lock(&core_.tables.mutex);
    for (auto& [segment, counts] : segments_) {
      const auto found = core_.tables.segments.find(segment);
      if (found == core_.tables.segments.end()) continue;
      AddCounts(counts, found->second.intake);
      set_.Put(Family::kCounters, NumberKey(kIntakeKey, segment),
               EncodeIntakeCounts(counts));
    }
    for (auto& [destination, draft] : destinations_) {
      const auto found = core_.tables.destinations.find(destination);
      if (!draft.counted || found == core_.tables.destinations.end()) continue;
      AddCounts(draft.without_segment, found->second.counts_without_segment);
      set_.Put(Family::kCounters, NumberKey(kNoSegmentKey, destination),
               EncodeIntakeCounts(draft.without_segment));
    }
  }
  WriteFullSyncs();
  WritePeople();
  set_.Put(Family::kCounters, kNewestCommitKey, EncodeNewestCommit(newest_));
  return core_.database.Write(set_, Database::Sync::kYes);
}

// A destination whose deletion has begun is still in the tables: the deletion
// waits for this group.
void CommitGroup::Publish() {
  Tables& tables = core_.tables;
  tables.mutex.AssertHeld();
  published_ = true;
  tables.newest = newest_;
  for (auto& [segment, counts] : segments_) {
    tables.segments.at(segment).intake = counts;
  }
  for (auto& [number, draft] : destinations_) {
    DestinationState& destination = tables.destinations.at(number);
    destination.pending_bytes += draft.bytes;
    destination.full_sync_bytes += draft.full_sync_bytes;
    if (draft.counted) {
      destination.counts_without_segment = draft.without_segment;
    }
  }
  for (auto& [number, draft] : lists_) {
    ListState& list = tables.lists.at(number);
    list.pending.Push(newest_.commit, now_, draft.row.bytes,
                      draft.has_removals);
    list.exit_bytes += draft.exits.bytes;
    if (draft.exits.bytes > 0) tables.exit_lists.insert(number);
    tables.pending_lists.insert(number);
  }
  core_.tables.mutex.AssertHeld();  // the same one, under its other name
  PublishPeople();
  PublishFullSyncs();
  PublishForgets();
  for (auto& [key, draft] : exports_) {
    if (!draft.changed) continue;
    ExportState* state = draft.state;
    state->stored = true;
    state->last_activity = now_;
    state->ended = draft.ended;
    state->digest = draft.digest;
    const bool was_idle = state->released == state->durable;
    for (BatchRow& row : draft.rows) {
      if (state->window_complete() &&
          state->window.size() < core_.tuning.export_window) {
        state->window.push_back({row.commit, std::move(row.lists),
                                 std::move(row.full_syncs), row.statements});
      }
      ++state->durable;
    }
    if (!was_idle || draft.rows.empty()) continue;
    const UndeliveredBatch& next = state->window.front();
    if (!next.lists.empty()) {
      tables.exports.Wait(next.lists.front(), next.commit, state);
    } else if (!next.full_syncs.empty()) {
      tables.exports.Wait(next.full_syncs.front().first, kEndOfFullSync, state);
    } else if (next.statements) {
      tables.exports.Wait(PeopleOf(key.first), next.commit, state);
    } else {
      released_.push_back(key);
    }
  }
}

void CommitGroup::Answer() {
  // Delivery first: whoever was answered may rely on its knowing of the
  // changes.
  std::function<void(ListNumber, bool)> listener;
  std::function<void()> full_sync_listener;
  if (published_) {
    absl::MutexLock lock(&core_.tables.mutex);
    listener = core_.tables.commit_listener;
    if (!full_syncs_.empty()) {
      full_sync_listener = core_.tables.full_sync_listener;
    }
  }
  if (listener) {
    for (const auto& [list, draft] : lists_) {
      listener(list, draft.has_removals);
    }
  }
  if (full_sync_listener) full_sync_listener();
  ReachCrashPoint(CrashPoint::kCommitTold);
  for (Taken& taken : taken_) {
    taken.done(std::move(taken.outcome));
    taken.done = nullptr;
  }
}

}  // namespace connector::membership
