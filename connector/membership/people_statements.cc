// What statements about profiles lead to.

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/membership/damage.h"
#include "connector/membership/people_part.h"
#include "connector/membership/run.h"
#include "connector/membership/sorted_blocks.h"
#include "connector/membership/statement_run.h"

namespace connector::membership {
namespace {

using identity_mapping::RecordView;

absl::string_view Bytes(const Holder& holder) {
  return {reinterpret_cast<const char*>(holder.data()), holder.size()};
}

// The removals of one piece, by list.
class Derived {
 public:
  void Add(ListNumber list, RecordView record, EventOrder order,
           const Holder& holder) {
    OrderedRunBuilder& run = runs_[list];
    const size_t before = run.bytes();
    run.Add(record, /*counted=*/false, order, &holder);
    bytes_ += run.bytes() - before;
  }
  size_t bytes() const { return bytes_; }

  void Write(absl::Time time, PeoplePassRow& pass, WriteSet& set) {
    for (const auto& [list, run] : runs_) {
      const std::string key = HeldRunKey(list, Change::kRemove, pass.through,
                                         kPeoplePart | pass.piece);
      const std::string value = run.Value(time);
      set.Put(Family::kRuns, key, value);
      pass.derived[list] += static_cast<int64_t>(key.size() + value.size());
    }
    runs_.clear();
    bytes_ = 0;
    ++pass.piece;
  }

 private:
  std::map<ListNumber, OrderedRunBuilder> runs_;
  size_t bytes_ = 0;
};

}  // namespace

absl::Status PeoplePart::SortStatements(DestinationNumber destination,
                                        CommitNumber through,
                                        const BringUpOptions& options,
                                        PeopleSorter& sorter) {
  PeopleStop stop(options.stop);
  Scan scan(core_.database, Family::kPeople,
            StatementRange(destination, through),
            {.fill_cache = false, .readahead = 256 << 10});
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    StatementReader reader(scan.value());
    Holder holder;
    PeopleSorter::Item item;
    while (reader.Next(&holder, &item.order, &item.rest)) {
      if (absl::Status s = stop.Look(); !s.ok()) return s;
      item.key = Bytes(holder);
      if (absl::Status s = sorter.Add(item); !s.ok()) return s;
    }
    if (!reader.status().ok()) return reader.status();
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  return sorter.Finish();
}

absl::Status PeoplePart::TakeStatements(DestinationNumber destination,
                                        const BringUpOptions& options) {
  Tables& tables = core_.tables;
  PeoplePassRow pass;
  {
    absl::MutexLock lock(&tables.mutex);
    const DestinationState* state = tables.FindDestination(destination);
    if (state == nullptr) return DestinationNotFound();
    if (state->statements.empty()) return absl::OkStatus();
    pass.through = state->statements.back().first;
  }
  const std::string pass_key = NumberKey(kPeoplePassKey, destination);
  absl::StatusOr<std::optional<std::string>> stored =
      core_.database.Get(Family::kPeople, pass_key);
  if (!stored.ok()) return stored.status();
  if (stored->has_value()) {
    // A crash cut it off: the rest of the same statements.
    std::optional<PeoplePassRow> row = DecodePeoplePass(**stored);
    if (!row.has_value()) {
      return Damaged("a stored pass over people is damaged");
    }
    pass = *std::move(row);
  }
  const std::unique_ptr<PeopleSorter> sorter = options.make_sorter();
  if (absl::Status s =
          SortStatements(destination, pass.through, options, *sorter);
      !s.ok()) {
    return s;
  }

  // The held segments; one that became held later cannot have pairs of these
  // statements.
  std::map<SegmentNumber, std::pair<ListNumber, HeldRow>> lists;
  const auto look_for_lists = [&]() -> absl::Status {
    lists.clear();
    absl::MutexLock lock(&tables.mutex);
    const DestinationState* state = tables.FindDestination(destination);
    if (state == nullptr) return DestinationNotFound();
    for (SegmentNumber number : state->segments) {
      const SegmentState& segment = tables.segments.at(number);
      if (segment.held.has_value() && segment.held->since <= pass.through) {
        lists.emplace(number, std::make_pair(segment.row.list, *segment.held));
      }
    }
    return absl::OkStatus();
  };

  WriteSet set(core_.database);
  PeopleStop stop(options.stop);
  PeopleSorter::Item item;
  absl::StatusOr<bool> more = sorter->Next(&item);
  if (!more.ok()) return more.status();
  while (*more) {
    if (absl::Status s = look_for_lists(); !s.ok()) return s;
    SortedBlocks people(core_.database, core_.tuning,
                        NumberKey(kPersonKey, destination), set);
    Derived derived;
    size_t persons = 0;
    while (*more &&
           set.bytes() + derived.bytes() < core_.tuning.confirm_piece_bytes &&
           persons < core_.tuning.confirm_piece_records) {
      if (absl::Status s = stop.Look(); !s.ok()) return s;
      if (item.key <= absl::string_view(pass.position)) {
        more = sorter->Next(&item);
        if (!more.ok()) return more.status();
        continue;
      }
      Holder holder;
      std::memcpy(holder.data(), item.key.data(), holder.size());
      pass.position = std::string(item.key);
      ++persons;
      Person person;
      absl::StatusOr<const absl::string_view*> known =
          people.Find(pass.position);
      if (!known.ok()) return known.status();
      if (*known != nullptr) {
        std::optional<Person> read = DecodePerson(**known);
        if (!read.has_value()) {
          return Damaged("a stored person is damaged");
        }
        person = *std::move(read);
      }
      while (*more && item.key == absl::string_view(pass.position)) {
        absl::StatusOr<Statement> statement = DecodeStatement(item.rest);
        if (!statement.ok()) return statement.status();
        std::set<SegmentNumber> segments = person.segments;
        for (const auto& [segment, change] : statement->memberships) {
          segments.insert(segment);
        }
        std::set<std::string> records(statement->records.begin(),
                                      statement->records.end());
        for (const std::string& record : person.records) {
          if (records.count(record) > 0) continue;
          for (SegmentNumber segment : segments) {
            const auto list = lists.find(segment);
            if (list == lists.end() ||
                !list->second.second.IsMapped(item.order)) {
              continue;
            }
            derived.Add(list->second.first, *RecordView::FromEncoded(record),
                        item.order, holder);
          }
        }
        person.records = std::move(records);
        for (const auto& [segment, change] : statement->memberships) {
          if (change == Change::kAdd) {
            person.segments.insert(segment);
          } else {
            person.segments.erase(segment);
          }
        }
        if (person.empty()) person = Person();
        more = sorter->Next(&item);
        if (!more.ok()) return more.status();
      }
      if (person.empty()) {
        people.Erase();
      } else {
        people.Put(EncodePerson(person));
      }
    }
    if (absl::Status s = people.Finish(); !s.ok()) return s;
    derived.Write(core_.clock.Now(), pass, set);
    if (!*more) break;
    set.Put(Family::kPeople, pass_key, EncodePeoplePass(pass));
    absl::ReaderMutexLock use(&tables.use);
    {
      absl::MutexLock lock(&tables.mutex);
      if (tables.FindDestination(destination) == nullptr) {
        return DestinationNotFound();
      }
    }
    if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
        !s.ok()) {
      return s;
    }
    set.Clear();
    ReachCrashPoint(CrashPoint::kPeoplePieceWritten);
  }
  return EndStatements(destination, pass, set);
}

absl::Status PeoplePart::EndStatements(DestinationNumber destination,
                                       const PeoplePassRow& pass,
                                       WriteSet& set) {
  Tables& tables = core_.tables;
  std::vector<ExportName> waiting;
  std::function<void(ListNumber, bool)> listener;
  {
    absl::ReaderMutexLock use(&tables.use);
    // Pending rows of these lists are settled within a step, too.
    ExportProgress::Step step(progress_);
    absl::Time time;
    CommitNumber first = 0;
    {
      absl::MutexLock lock(&tables.mutex);
      const DestinationState* state = tables.FindDestination(destination);
      if (state == nullptr) return DestinationNotFound();
      first = state->statements.front().first;
      time = state->statements.front().second.commit_time;
    }
    for (const auto& [list, bytes] : pass.derived) {
      const std::string key = NumberKey(kPendingKey, list, pass.through);
      absl::StatusOr<std::optional<std::string>> stored =
          core_.database.Get(Family::kCounters, key);
      if (!stored.ok()) return stored.status();
      PendingRow row;
      row.commit_time = time;
      if (stored->has_value()) {
        std::optional<PendingRow> known = DecodePending(**stored);
        if (!known.has_value()) {
          return Damaged("a stored index of runs is damaged");
        }
        row = *std::move(known);
      }
      row.bytes += bytes;
      row.held |= PendingRow::kHeldRemovals | PendingRow::kDerived;
      set.Put(Family::kCounters, key, EncodePending(row));
    }
    set.Delete(Family::kPeople, NumberKey(kPeoplePassKey, destination));
    set.DeleteRange(Family::kPeople, StatementRange(destination, pass.through));
    set.DeleteRange(Family::kPeople,
                    {NumberKey(kStatementsKey, destination, 0),
                     NumberKey(kStatementsKey, destination, pass.through + 1)});
    ReachCrashPoint(CrashPoint::kPeopleUnwritten);
    if (absl::Status s = core_.database.Write(set, Database::Sync::kNo);
        !s.ok()) {
      return s;
    }
    set.Clear();
    ReachCrashPoint(CrashPoint::kPeopleWritten);
    absl::MutexLock lock(&tables.mutex);
    DestinationState& state = tables.destinations.at(destination);
    while (!state.statements.empty() &&
           state.statements.front().first <= pass.through) {
      state.pending_bytes -= state.statements.front().second.bytes;
      state.statements.pop_front();
    }
    for (const auto& [number, bytes] : pass.derived) {
      ListState& list = tables.lists.at(number);
      list.pending.Insert(pass.through, time, bytes, /*has_removals=*/true);
      tables.pending_lists.insert(number);
      state.pending_bytes += bytes;
      if (!list.has_held()) {
        list.translated = std::max(list.translated, first - 1);
        list.held_time = time;
      }
      list.held_last = std::max(list.held_last, pass.through);
      CommitNumber& newest = state.derived[number];
      newest = std::max(newest, pass.through);
    }
    for (ExportState* exported :
         tables.exports.TakeWaiting(PeopleOf(destination), pass.through)) {
      waiting.emplace_back(destination, exported->id);
    }
    listener = tables.commit_listener;
  }
  if (!waiting.empty()) {
    if (absl::Status s = progress_.Release(waiting); !s.ok()) return s;
  }
  // What was held back for the statements alone may be passed over now.
  if (!listener) return absl::OkStatus();
  std::vector<std::pair<ListNumber, bool>> lists;
  {
    absl::MutexLock lock(&tables.mutex);
    const DestinationState* state = tables.FindDestination(destination);
    if (state == nullptr) return absl::OkStatus();
    for (SegmentNumber number : state->segments) {
      const SegmentState& segment = tables.segments.at(number);
      if (!segment.held.has_value()) continue;
      for (ListNumber list : {segment.row.list, segment.row.former_list}) {
        const ListState* pending = list == 0 ? nullptr : tables.FindList(list);
        if (pending == nullptr || pending->pending.empty()) continue;
        lists.emplace_back(list, pending->pending.Total().has_removals);
      }
    }
  }
  for (const auto& [list, has_removals] : lists) listener(list, has_removals);
  return absl::OkStatus();
}

}  // namespace connector::membership
