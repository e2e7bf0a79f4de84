// What changes of held segments lead to.

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connector/base/crash_point.h"
#include "connector/base/error.h"
#include "connector/membership/damage.h"
#include "connector/membership/exit_times.h"
#include "connector/membership/full_sync_part.h"
#include "connector/membership/people_part.h"
#include "connector/membership/run.h"
#include "connector/membership/run_cursor.h"
#include "connector/membership/sorted_blocks.h"

namespace connector::membership {
namespace {

using identity_mapping::Record;
using identity_mapping::RecordView;

// One change on its way through the sort.
struct HolderEvent {
  static constexpr uint8_t kAddition = 1;
  static constexpr uint8_t kCounted = 2;
  // From before the segment was held: the list has it already.
  static constexpr uint8_t kBefore = 4;
  // No change, but an exit of before that late additions are held against.
  static constexpr uint8_t kRemembered = 8;
  static constexpr uint8_t kTimed = 16;

  uint8_t flags = 0;
  Holder holder = kNoKey;
  int64_t event_micros = 0;
  int64_t commit_millis = 0;

  // For PeopleSorter, within one process.
  void AppendTo(std::string* out) const {
    out->push_back(static_cast<char>(flags));
    out->append(reinterpret_cast<const char*>(holder.data()), holder.size());
    if ((flags & kTimed) == 0) return;
    char times[16];
    std::memcpy(times, &event_micros, 8);
    std::memcpy(times + 8, &commit_millis, 8);
    out->append(times, sizeof times);
  }
  static HolderEvent From(absl::string_view rest) {
    HolderEvent event;
    event.flags = static_cast<uint8_t>(rest[0]);
    std::memcpy(event.holder.data(), rest.data() + 1, event.holder.size());
    if ((event.flags & kTimed) != 0) {
      std::memcpy(&event.event_micros, rest.data() + 17, 8);
      std::memcpy(&event.commit_millis, rest.data() + 25, 8);
    }
    return event;
  }

  // As delivery nets the events of other segments (delivery/netting.h).
  void SetTime(const RunEntry& entry) {
    if (!entry.event_time.has_value()) return;
    absl::Time time = *entry.event_time;
    if ((flags & kAddition) == 0) {
      if (time == absl::InfinitePast()) return;
      if (time == absl::InfiniteFuture()) time = entry.commit_time;
    } else if (time == absl::InfiniteFuture()) {
      return;
    }
    event_micros = absl::ToUnixMicros(time);
    commit_millis = absl::ToUnixMillis(entry.commit_time);
    flags |= kTimed;
  }
};

// The holders of one record while its events pass by.
class RecordState {
 public:
  explicit RecordState(absl::Duration window) : exits_(window) {}

  void Start(std::set<Holder> holders) {
    holders_ = std::move(holders);
    exits_.Clear();
    changed_ = false;
    counted_ = 0;
    any_ = false;
    last_order_ = 0;
    was_member_ = !holders_.empty();
  }
  void Take(const HolderEvent& event, EventOrder order) {
    const bool keyless = event.holder == kNoKey;
    const bool addition = (event.flags & HolderEvent::kAddition) != 0;
    if ((event.flags & HolderEvent::kTimed) != 0 && keyless && !addition) {
      exits_.Add(event.event_micros, event.commit_millis);
    }
    if ((event.flags & HolderEvent::kRemembered) != 0) return;
    if ((event.flags & HolderEvent::kBefore) == 0) {
      any_ = true;
      last_order_ = order;
      if ((event.flags & HolderEvent::kCounted) != 0) ++counted_;
    }
    if (addition) {
      if ((event.flags & HolderEvent::kTimed) != 0 && keyless &&
          exits_.IsLate(event.event_micros, event.commit_millis)) {
        return;
      }
      changed_ |= holders_.insert(event.holder).second;
    } else if (keyless) {
      changed_ |= !holders_.empty();
      holders_.clear();
    } else {
      changed_ |= holders_.erase(event.holder) > 0;
    }
    if ((event.flags & HolderEvent::kBefore) != 0) {
      was_member_ = !holders_.empty();
    }
  }

  const std::set<Holder>& holders() const { return holders_; }
  bool member() const { return !holders_.empty(); }
  bool changed() const { return changed_; }
  int64_t counted() const { return counted_; }
  EventOrder last_order() const { return last_order_; }
  // Whether the list has to hear of it.
  bool tells() const {
    return any_ && (counted_ > 0 || !was_member_ || !member());
  }

 private:
  ExitTimes exits_;
  std::set<Holder> holders_;
  bool changed_ = false;
  int64_t counted_ = 0;
  bool any_ = false;
  EventOrder last_order_ = 0;
  bool was_member_ = false;
};

// The newest commit in (after, through] with changes that were put aside; 0 if
// there is none.
absl::StatusOr<CommitNumber> NewestHeld(Core& core, ListNumber list,
                                        CommitNumber after,
                                        CommitNumber through) {
  Scan scan(core.database, Family::kCounters,
            {NumberKey(kPendingKey, list, after + 1),
             NumberKey(kPendingKey, list, through + 1)});
  for (scan.SeekToLast(); scan.valid(); scan.Prev()) {
    const std::optional<NumberKeyParts> key = ParseNumberKey(scan.key());
    const std::optional<PendingRow> row = DecodePending(scan.value());
    if (!key.has_value() || !row.has_value()) {
      return Damaged("a stored index of runs is damaged");
    }
    if (row->held != 0) return key->second;
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return 0;
}

absl::Status HoldersWait() {
  return MakeError(absl::StatusCode::kUnavailable, "HOLDERS_WAIT",
                   "the segment has its first holders; they are taken up when "
                   "what is done with the whole list is done");
}

}  // namespace

absl::Status PeoplePart::SortChanges(const SegmentState& segment,
                                     const HeldRow& held, CommitNumber settled,
                                     const BringUpOptions& options,
                                     PeopleSorter& sorter) {
  const ListNumber list = segment.row.list;
  const bool timed = options.late_addition_window > absl::ZeroDuration();
  const bool converts = held.converting && held.through != held.clear_through;
  PeopleStop stop(options.stop);
  bool timed_additions = false;
  std::string rest;
  const auto take = [&](RunCursor& cursor, uint8_t flags) -> absl::Status {
    RunEntry entry;
    while (cursor.Next(&entry)) {
      if (absl::Status s = stop.Look(); !s.ok()) return s;
      if (entry.replay) continue;
      HolderEvent event;
      event.flags = flags;
      if (entry.counted) event.flags |= HolderEvent::kCounted;
      // A plain run knows no holders, whatever it says.
      if ((flags & HolderEvent::kBefore) == 0) {
        event.holder = entry.holder.value_or(kNoKey);
      }
      if (timed) event.SetTime(entry);
      const bool remembered = (flags & HolderEvent::kRemembered) != 0;
      if (remembered && (event.flags & HolderEvent::kTimed) == 0) continue;
      timed_additions |= (event.flags & HolderEvent::kAddition) != 0 &&
                         (event.flags & HolderEvent::kTimed) != 0;
      rest.clear();
      event.AppendTo(&rest);
      if (absl::Status s =
              sorter.Add({entry.record.encoded(), entry.order, rest});
          !s.ok()) {
        return s;
      }
    }
    return cursor.status();
  };
  for (Change change : {Change::kAdd, Change::kRemove}) {
    const uint8_t kind = change == Change::kAdd ? HolderEvent::kAddition : 0;
    if (converts) {
      if (absl::Status s =
              take(*MakeRunCursor(core_.database,
                                  RunRange(list, change, settled, held.since)),
                   kind | HolderEvent::kBefore);
          !s.ok()) {
        return s;
      }
    }
    if (absl::Status s =
            take(*MakeRunCursor(core_.database,
                                HeldRunRange(list, change, 0, held.through)),
                 kind);
        !s.ok()) {
      return s;
    }
  }
  if (timed_additions) {
    if (absl::Status s =
            take(*MakeRunCursor(core_.database, ExitRange(list, held.through)),
                 HolderEvent::kRemembered);
        !s.ok()) {
      return s;
    }
  }
  return sorter.Finish();
}

absl::Status PeoplePart::TakeChanges(SegmentNumber number,
                                     const BringUpOptions& options) {
  Tables& tables = core_.tables;
  SegmentState segment;
  CommitNumber after = 0;
  CommitNumber settled = 0;
  {
    absl::MutexLock lock(&tables.mutex);
    const SegmentState* found = tables.FindSegment(number);
    if (found == nullptr || !found->held.has_value()) return absl::OkStatus();
    segment = *found;
    const ListState& list = tables.lists.at(segment.row.list);
    HeldRow& held = *segment.held;
    settled = list.row.settled;
    after = held.translated;
    if (held.through == 0) {
      const bool clear = held.clear_through != 0;
      if (!list.has_held() && !clear) return absl::OkStatus();
      held.through = tables.PeopleThrough(segment.row.destination);
      if (clear) held.through = std::min(held.through, held.clear_through);
      if (held.through < held.since || held.through < held.translated) {
        return absl::OkStatus();
      }
      if (held.converting && held.through != held.clear_through) {
        // What the list holds is not in its state alone.
        for (const auto& [id, full_sync] : list.full_syncs) {
          if (full_sync.state == FullSyncState::kReleased) return HoldersWait();
        }
        const auto operation = tables.operations.find(segment.row.list);
        if (operation != tables.operations.end() &&
            operation->second.kind == ListOperation::Kind::kEmpty &&
            operation->second.needs_passes()) {
          return HoldersWait();
        }
      }
    }
  }
  HeldRow& held = *segment.held;
  const ListNumber list = segment.row.list;
  absl::StatusOr<CommitNumber> commit =
      NewestHeld(core_, list, after, held.through);
  if (!commit.ok()) return commit.status();
  const bool clears = held.through == held.clear_through;
  if (*commit == 0 && !clears) return absl::OkStatus();

  const std::unique_ptr<PeopleSorter> sorter = options.make_sorter();
  if (absl::Status s = SortChanges(segment, held, settled, options, *sorter);
      !s.ok()) {
    return s;
  }
  // After the runs: what a pass settles meanwhile moves from them to the
  // delivered state.
  std::unique_ptr<DeliveredScan> delivered;
  DeliveredRecord there;
  bool has_there = false;
  const auto next_there = [&]() -> absl::Status {
    absl::StatusOr<bool> more = delivered->Next(&there);
    if (!more.ok()) return more.status();
    has_there = *more;
    return absl::OkStatus();
  };
  if (held.converting && !clears) {
    auto scan = FullSyncPart(core_, progress_).ScanDelivered(list);
    if (!scan.ok()) return scan.status();
    delivered = *std::move(scan);
    if (absl::Status s = next_there(); !s.ok()) return s;
  }

  PeopleStop stop(options.stop);
  RecordState state(options.late_addition_window);
  WriteSet set(core_.database);
  PeopleSorter::Item item;
  absl::StatusOr<bool> more = sorter->Next(&item);
  if (!more.ok()) return more.status();
  while (*more || has_there) {
    SortedBlocks holders(core_.database, core_.tuning,
                         NumberKey(kHoldersKey, number), set);
    OrderedRunBuilder runs[2];
    size_t records = 0;
    while ((*more || has_there) &&
           set.bytes() + runs[0].bytes() + runs[1].bytes() <
               core_.tuning.confirm_piece_bytes &&
           records < core_.tuning.confirm_piece_records) {
      if (absl::Status s = stop.Look(); !s.ok()) return s;
      const bool has_item =
          *more && (!has_there || item.key <= there.record.encoded());
      const std::string record(has_item ? item.key : there.record.encoded());
      const bool at_there = has_there && there.record.encoded() == record;
      const bool is_done = record <= held.position;
      bool before = false;
      if (at_there) {
        // Who is refused is wanted all the same.
        before = there.state == DeliveredState::kThere ||
                 there.state == DeliveredState::kRefusedAdd;
        if (absl::Status s = next_there(); !s.ok()) return s;
      }
      std::set<Holder> known;
      if (!is_done) {
        ++records;
        absl::StatusOr<const absl::string_view*> stored = holders.Find(record);
        if (!stored.ok()) return stored.status();
        if (*stored != nullptr) {
          auto decoded = DecodeHolders(**stored);
          if (!decoded.has_value()) {
            return Damaged("stored holders are damaged");
          }
          known = *std::move(decoded);
        }
        if (before) known.insert(kNoKey);
      }
      state.Start(std::move(known));
      while (*more && item.key == absl::string_view(record)) {
        state.Take(HolderEvent::From(item.rest), item.order);
        more = sorter->Next(&item);
        if (!more.ok()) return more.status();
      }
      if (is_done) continue;
      held.position = record;
      if (state.changed() || before) {
        if (state.member()) {
          holders.Put(EncodeHolders(state.holders()));
        } else {
          holders.Erase();
        }
      }
      if (!state.tells()) continue;
      held.superseded += std::max<int64_t>(0, state.counted() - 1);
      runs[state.member() ? 1 : 0].Add(*RecordView::FromEncoded(record),
                                       state.counted() > 0, state.last_order());
    }
    if (absl::Status s = holders.Finish(); !s.ok()) return s;
    for (Change change : {Change::kRemove, Change::kAdd}) {
      const OrderedRunBuilder& run = runs[static_cast<int>(change)];
      if (run.empty()) continue;
      const uint32_t part = kPeoplePart | held.piece;
      const std::string key = RunKey(list, change, *commit, part);
      const std::string value = run.Value(core_.clock.Now());
      set.Put(Family::kRuns, key, value);
      held.bytes += static_cast<int64_t>(key.size() + value.size());
      held.runs.emplace_back(part, change);
    }
    ++held.piece;
    if (!*more && !has_there) break;
    if (absl::Status s = WriteHeld(number, held, set); !s.ok()) return s;
    ReachCrashPoint(CrashPoint::kHoldersPieceWritten);
  }
  bool has_removals = false;
  if (absl::Status s = EndChanges(number, held, *commit, set, &has_removals);
      !s.ok()) {
    return s;
  }
  std::function<void(ListNumber, bool)> listener;
  ListNumber former = 0;
  {
    absl::MutexLock lock(&tables.mutex);
    listener = tables.commit_listener;
    const SegmentState* found = tables.FindSegment(number);
    if (found != nullptr) former = found->row.former_list;
  }
  if (listener) {
    listener(list, has_removals);
    if (former != 0) listener(former, true);
  }
  return absl::OkStatus();
}

// Takes over how far it is; what else the row says may have changed.
absl::Status PeoplePart::WriteHeld(SegmentNumber segment,
                                   const HeldRow& progress, WriteSet& set) {
  Tables& tables = core_.tables;
  absl::MutexLock change(&core_.change_mutex);
  absl::ReaderMutexLock use(&tables.use);
  return WriteProgress(segment, progress, set);
}

absl::Status PeoplePart::WriteProgress(SegmentNumber segment,
                                       const HeldRow& progress, WriteSet& set) {
  Tables& tables = core_.tables;
  HeldRow row = progress;
  {
    absl::MutexLock lock(&tables.mutex);
    const SegmentState* state = tables.FindSegment(segment);
    if (state == nullptr) return DestinationNotFound();
    row.clear_through = state->held->clear_through;
    row.unmapped = state->held->unmapped;
  }
  set.Put(Family::kPeople, NumberKey(kHeldKey, segment), EncodeHeld(row));
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  set.Clear();
  absl::MutexLock lock(&tables.mutex);
  tables.segments.at(segment).held = std::move(row);
  return absl::OkStatus();
}

absl::Status PeoplePart::EndChanges(SegmentNumber segment,
                                    const HeldRow& progress,
                                    CommitNumber commit, WriteSet& set,
                                    bool* has_removals) {
  Tables& tables = core_.tables;
  absl::MutexLock change(&core_.change_mutex);
  absl::ReaderMutexLock use(&tables.use);
  HeldRow row;
  ListNumber list = 0;
  ListNumber former = 0;
  absl::Time time;
  {
    absl::MutexLock lock(&tables.mutex);
    const SegmentState* state = tables.FindSegment(segment);
    if (state == nullptr) return DestinationNotFound();
    row.since = progress.since;
    row.clear_through = state->held->clear_through;
    row.unmapped = state->held->unmapped;
    list = state->row.list;
    former = state->row.former_list;
    time = tables.lists.at(list).held_time;
  }
  row.converting = false;
  row.translated = progress.through;
  const bool clears = progress.through == row.clear_through;
  if (clears) row.clear_through = 0;
  PendingRow copied;
  copied.commit_time = time;
  if (former != 0) {
    if (absl::Status s = WriteProgress(segment, progress, set); !s.ok()) {
      return s;
    }
    if (absl::Status s = CopyToFormer(list, former, commit, progress, &copied);
        !s.ok()) {
      return s;
    }
  }

  // Pending rows and counts are settled within a step, too.
  ExportProgress::Step step(progress_);
  int64_t former_bytes = 0;
  const auto add = [&](ListNumber to, int64_t bytes,
                       const std::vector<std::pair<uint32_t, Change>>& runs)
      -> absl::Status {
    const std::string key = NumberKey(kPendingKey, to, commit);
    absl::StatusOr<std::optional<std::string>> stored =
        core_.database.Get(Family::kCounters, key);
    if (!stored.ok()) return stored.status();
    PendingRow pending;
    pending.commit_time = time;
    if (stored->has_value()) {
      std::optional<PendingRow> known = DecodePending(**stored);
      if (!known.has_value()) {
        return Damaged("a stored index of runs is damaged");
      }
      pending = *std::move(known);
    }
    pending.bytes += bytes;
    pending.runs.insert(pending.runs.end(), runs.begin(), runs.end());
    set.Put(Family::kCounters, key, EncodePending(pending));
    return absl::OkStatus();
  };
  if (!progress.runs.empty()) {
    if (absl::Status s = add(list, progress.bytes, progress.runs); !s.ok()) {
      return s;
    }
  }
  if (!copied.runs.empty()) {
    former_bytes = copied.bytes;
    if (absl::Status s = add(former, copied.bytes, copied.runs); !s.ok()) {
      return s;
    }
  }
  for (Change kind : {Change::kRemove, Change::kAdd}) {
    set.DeleteRange(Family::kRuns,
                    HeldRunRange(list, kind, 0, progress.through));
  }
  // Behind what was put in for the records.
  if (clears) {
    set.DeleteRange(Family::kPeople,
                    PrefixRange(NumberKey(kHoldersKey, segment)));
  }
  set.Put(Family::kPeople, NumberKey(kHeldKey, segment), EncodeHeld(row));
  PassCounts counts;
  {
    absl::MutexLock lock(&tables.mutex);
    counts = tables.segments.at(segment).settled;
  }
  counts.superseded += progress.superseded;
  if (progress.superseded > 0) {
    set.Put(Family::kCounters, NumberKey(kPassKey, segment),
            EncodePassCounts(counts));
  }
  ReachCrashPoint(CrashPoint::kHoldersUnwritten);
  if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
      !s.ok()) {
    return s;
  }
  set.Clear();
  ReachCrashPoint(CrashPoint::kHoldersWritten);

  absl::MutexLock lock(&tables.mutex);
  SegmentState& state = tables.segments.at(segment);
  state.held = row;
  state.settled = counts;
  DestinationState& destination = tables.destinations.at(state.row.destination);
  *has_removals = std::any_of(
      progress.runs.begin(), progress.runs.end(),
      [](const auto& run) { return run.second == Change::kRemove; });
  ListState& own = tables.lists.at(list);
  own.translated = std::max(own.translated, progress.through);
  if (!progress.runs.empty()) {
    own.pending.Insert(commit, time, progress.bytes, *has_removals);
    tables.pending_lists.insert(list);
    destination.pending_bytes += progress.bytes;
  }
  if (!copied.runs.empty()) {
    tables.lists.at(former).pending.Insert(commit, time, former_bytes,
                                           /*has_removals=*/true);
    tables.pending_lists.insert(former);
    destination.pending_bytes += former_bytes;
  }
  return absl::OkStatus();
}

// The removals, to a list that was replaced as well. In writes of their own:
// nothing points to them before the last one.
absl::Status PeoplePart::CopyToFormer(ListNumber list, ListNumber former,
                                      CommitNumber commit,
                                      const HeldRow& progress,
                                      PendingRow* row) {
  for (const auto& [part, change] : progress.runs) {
    if (change != Change::kRemove) continue;
    absl::StatusOr<std::optional<std::string>> run =
        core_.database.Get(Family::kRuns, RunKey(list, change, commit, part));
    if (!run.ok()) return run.status();
    if (!run->has_value()) {
      return Damaged("a stored run is missing");
    }
    WriteSet set(core_.database);
    const std::string key = RunKey(former, change, commit, part);
    set.Put(Family::kRuns, key, **run);
    if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
        !s.ok()) {
      return s;
    }
    row->bytes += static_cast<int64_t>(key.size() + (*run)->size());
    row->runs.emplace_back(part, change);
  }
  return absl::OkStatus();
}

}  // namespace connector::membership
