#include "connector/membership/forget_part.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "connector/base/crash_point.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

using identity_mapping::Record;
using Outcome = ForgetList::Outcome;

// Echoes are looked at again this long after the first one was due.
constexpr absl::Duration kEchoSlack = absl::Seconds(1);

// What RocksDB appends to a key: a number and a type.
constexpr size_t kInternalKeyBytes = 8;

bool Ended(const Forget& forget) {
  return std::none_of(
      forget.lists.begin(), forget.lists.end(),
      [](const ForgetList& list) { return list.outcome == Outcome::kWaiting; });
}

}  // namespace

std::vector<Forget> ForgetPart::FindForgets(DestinationNumber destination) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<Forget> forgets;
  for (auto row = core_.tables.forgets.lower_bound({destination, 0});
       row != core_.tables.forgets.end() && row->first.first == destination;
       ++row) {
    forgets.push_back(row->second.forget);
  }
  std::reverse(forgets.begin(), forgets.end());
  return forgets;
}

std::vector<Forget> ForgetPart::UnfinishedForgets() {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<Forget> forgets;
  for (const auto& [key, row] : core_.tables.forgets) {
    if (!row.forget.done()) forgets.push_back(row.forget);
  }
  return forgets;
}

std::vector<Record> ForgetPart::ForcedRemovals(ListNumber list,
                                               CommitNumber settled,
                                               CommitNumber through) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<Record> records;
  const ListState* state = core_.tables.FindList(list);
  if (state == nullptr) return records;
  for (auto row = core_.tables.forgets.lower_bound({state->row.destination, 0});
       row != core_.tables.forgets.end() &&
       row->first.first == state->row.destination;
       ++row) {
    const Forget& forget = row->second.forget;
    if (forget.phase != ForgetPhase::kRemoving || forget.commit <= settled ||
        forget.commit > through) {
      continue;
    }
    records.insert(records.end(), row->second.records.begin(),
                   row->second.records.end());
  }
  std::sort(records.begin(), records.end());
  records.erase(std::unique(records.begin(), records.end()), records.end());
  return records;
}

std::vector<std::pair<ForgetPart::Key, ForgetRow>> ForgetPart::RowsIn(
    ForgetPhase phase, DestinationNumber destination) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<std::pair<Key, ForgetRow>> found;
  for (auto row = core_.tables.forgets.lower_bound({destination, 0});
       row != core_.tables.forgets.end() && row->first.first == destination;
       ++row) {
    if (row->second.forget.phase == phase) found.push_back(*row);
  }
  return found;
}

absl::Status ForgetPart::Store(
    const std::vector<std::pair<Key, ForgetRow>>& rows, Database::Sync sync) {
  absl::ReaderMutexLock use(&core_.tables.use);
  WriteSet set(core_.database);
  {
    absl::MutexLock lock(&core_.tables.mutex);
    for (const auto& [key, row] : rows) {
      if (core_.tables.FindDestination(key.first) == nullptr) continue;
      set.Put(Family::kMeta, NumberKey(kForgetKey, key.first, key.second),
              EncodeForget(row));
    }
  }
  if (set.empty()) return absl::OkStatus();
  if (absl::Status s = core_.database.Write(set, sync); !s.ok()) return s;
  absl::MutexLock lock(&core_.tables.mutex);
  for (const auto& [key, row] : rows) {
    if (core_.tables.FindDestination(key.first) == nullptr) continue;
    core_.tables.forgets[key] = row;
  }
  return absl::OkStatus();
}

absl::Status ForgetPart::NoteListGone(ListNumber list) {
  absl::MutexLock steps(&mutex_);
  std::vector<std::pair<Key, ForgetRow>> changed;
  const absl::Time now = FloorToMillis(core_.clock.Now());
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const ListState* state = core_.tables.FindList(list);
    if (state == nullptr) return absl::OkStatus();
    const DestinationNumber destination = state->row.destination;
    for (auto row = core_.tables.forgets.lower_bound({destination, 0});
         row != core_.tables.forgets.end() && row->first.first == destination;
         ++row) {
      if (row->second.forget.phase != ForgetPhase::kRemoving) continue;
      for (size_t i = 0; i < row->second.forget.lists.size(); ++i) {
        const ForgetList& each = row->second.forget.lists[i];
        if (each.list != list || each.outcome != Outcome::kWaiting) continue;
        changed.push_back(*row);
        ForgetList& gone = changed.back().second.forget.lists[i];
        gone.outcome = Outcome::kGone;
        gone.outcome_time = now;
        gone.customer_list_id = state->row.customer_list_id;
      }
    }
  }
  return Store(changed, Database::Sync::kYes);
}

absl::StatusOr<absl::Time> ForgetPart::FirstEchoOf(
    DestinationNumber destination, const std::vector<Record>& records) {
  std::vector<ListNumber> lists;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    for (ListNumber list : core_.tables.echo_lists) {
      const ListState* state = core_.tables.FindList(list);
      if (state != nullptr && state->row.destination == destination) {
        lists.push_back(list);
      }
    }
  }
  absl::Time first = absl::InfiniteFuture();
  for (ListNumber list : lists) {
    Scan scan(core_.database, Family::kDoubts,
              PrefixRange(NumberKey(kEchoKey, list)));
    for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
      const std::optional<Echo> echo = DecodeEcho(scan.value());
      if (!echo.has_value()) {
        return absl::DataLossError("a stored echo is damaged");
      }
      for (const Record& record : echo->records) {
        if (std::binary_search(records.begin(), records.end(), record)) {
          first = std::min(first, echo->time);
          break;
        }
      }
    }
    if (absl::Status s = scan.status(); !s.ok()) return s;
  }
  return first;
}

absl::StatusOr<bool> ForgetPart::NoteProgress() {
  absl::MutexLock steps(&mutex_);
  const absl::Time now = FloorToMillis(core_.clock.Now());
  std::vector<std::pair<Key, ForgetRow>> changed;
  std::vector<std::pair<Key, ForgetRow>> ended;
  Tables& tables = core_.tables;
  {
    absl::MutexLock lock(&tables.mutex);
    // Lists that were replaced.
    std::map<DestinationNumber, std::map<ListNumber, SegmentNumber>> former;
    bool looked = false;
    for (const auto& [key, row] : tables.forgets) {
      if (row.forget.phase != ForgetPhase::kRemoving) continue;
      for (auto list = tables.lists.begin();
           !looked && list != tables.lists.end(); ++list) {
        const ListRow& each = list->second.row;
        const auto segment = tables.segments.find(each.segment);
        if (segment != tables.segments.end() &&
            segment->second.row.list != list->first) {
          former[each.destination][list->first] = each.segment;
        }
      }
      looked = true;
      std::vector<ForgetList> lists = row.forget.lists;
      bool change = false;
      const auto waits = [&](const ListState& state) {
        // Its own commit may be gone from what waits: a later event overtook
        // all of it (LedgerPart::DropOvertaken).
        return !state.pending.empty() && state.row.settled < row.forget.commit;
      };
      // A list that was replaced meanwhile: the removal goes to both.
      for (const auto& [number, segment] : former[key.first]) {
        if (std::any_of(lists.begin(), lists.end(),
                        [number = number](const ForgetList& list) {
                          return list.list == number;
                        })) {
          continue;
        }
        ForgetList& added = lists.emplace_back();
        added.list = number;
        added.segment = segment;
        change = true;
        // Nothing is taken along from a list that vanished, so nothing waits
        // for it although something does for the one that took its place.
        const ListState& state = tables.lists.at(number);
        const ListState* own =
            tables.FindList(tables.segments.at(segment).row.list);
        if (own != nullptr && waits(*own) && state.pending.empty() &&
            state.row.settled < row.forget.commit) {
          added.outcome = Outcome::kGone;
          added.outcome_time = now;
          added.customer_list_id = state.row.customer_list_id;
        }
      }
      for (ForgetList& list : lists) {
        if (list.outcome != Outcome::kWaiting) continue;
        const ListState* state = tables.FindList(list.list);
        if (state != nullptr && waits(*state)) continue;
        list.outcome = Outcome::kNoList;
        if (state != nullptr && !state->row.customer_list_id.empty()) {
          list.outcome = Outcome::kRemoved;
          list.customer_list_id = state->row.customer_list_id;
        }
        list.outcome_time = now;
        change = true;
      }
      if (change) {
        changed.push_back({key, row});
        changed.back().second.forget.lists = std::move(lists);
        if (Ended(changed.back().second.forget)) {
          ended.push_back(changed.back());
          changed.pop_back();
        }
      } else if (Ended(row.forget)) {
        const auto later = echo_times_.find(key);
        if (later == echo_times_.end() || later->second <= now) {
          ended.push_back({key, row});
        }
      }
    }
  }
  bool any = !changed.empty();
  for (auto& [key, row] : ended) {
    absl::StatusOr<absl::Time> echo = FirstEchoOf(key.first, row.records);
    if (!echo.ok()) return echo.status();
    if (*echo != absl::InfiniteFuture()) {
      any |= echo_times_.count(key) == 0;
      echo_times_[key] = std::max(*echo, now) + kEchoSlack;
    } else {
      row.forget.phase = ForgetPhase::kPurging;
      row.forget.confirm_time = now;
      echo_times_.erase(key);
      any = true;
    }
    changed.push_back({key, std::move(row)});
  }
  if (!any) return false;
  ReachCrashPoint(CrashPoint::kForgetConfirmed);
  if (absl::Status s = Store(changed, Database::Sync::kYes); !s.ok()) return s;
  ReachCrashPoint(CrashPoint::kForgetPurging);
  return true;
}

std::vector<ListNumber> ForgetPart::ListsOf(DestinationNumber destination) {
  absl::MutexLock lock(&core_.tables.mutex);
  std::vector<ListNumber> lists;
  for (const auto& [number, list] : core_.tables.lists) {
    if (list.row.destination == destination) lists.push_back(number);
  }
  std::sort(lists.begin(), lists.end());
  return lists;
}

absl::Status ForgetPart::EndPurge(DestinationNumber destination,
                                  const std::vector<ForgetNumber>& numbers) {
  absl::MutexLock steps(&mutex_);
  const ForgottenForms forms = FormsFor(destination, /*list=*/0);
  if (absl::Status s = PurgeOutsideLists(destination, forms); !s.ok()) return s;
  const std::vector<SegmentNumber> held = HeldSegmentsOf(destination);
  if (!held.empty()) {
    std::vector<Record> records;
    for (const ForgottenForm& form : forms.all()) {
      records.push_back(form.record);
    }
    if (absl::Status s = people_.PurgePeople(destination, records); !s.ok()) {
      return s;
    }
  }
  for (const auto& [family, range] : RangesToClean(destination)) {
    if (absl::Status s = core_.database.Clean(family, range); !s.ok()) return s;
  }
  std::vector<std::string> texts;
  for (const ForgottenForm& form : forms.all()) {
    if (form.record.kind() != identity_mapping::RecordKind::kOpaque) {
      texts.emplace_back(form.record.payload());
      continue;
    }
    // May be a part of another id: the whole key of a block, with the length
    // before it.
    std::vector<std::string> keys;
    for (ListNumber list : ListsOf(destination)) {
      keys.push_back(BlockKey(list, form.record.encoded()));
    }
    for (SegmentNumber segment : held) {
      keys.push_back(
          absl::StrCat(NumberKey(kHoldersKey, segment), form.record.encoded()));
    }
    for (const std::string& key : keys) {
      std::string text;
      AppendVarint(&text, key.size() + kInternalKeyBytes);
      texts.push_back(text + key);
    }
  }
  if (absl::Status s = core_.database.CleanManifest(texts); !s.ok()) return s;
  ReachCrashPoint(CrashPoint::kForgetCleaned);
  auto rows = RowsIn(ForgetPhase::kPurging, destination);
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](const auto& row) {
                              return std::find(numbers.begin(), numbers.end(),
                                               row.first.second) ==
                                     numbers.end();
                            }),
             rows.end());
  for (auto& [key, row] : rows) {
    row.forget.phase = ForgetPhase::kErasing;
    row.forget.purge_time = FloorToMillis(core_.clock.Now());
    row.records = {};
  }
  if (absl::Status s = Store(rows, Database::Sync::kYes); !s.ok()) return s;
  ReachCrashPoint(CrashPoint::kForgetRecordsDropped);
  return absl::OkStatus();
}

absl::Status ForgetPart::EraseRows(DestinationNumber destination) {
  absl::MutexLock steps(&mutex_);
  auto rows = RowsIn(ForgetPhase::kErasing, destination);
  if (rows.empty()) return absl::OkStatus();
  // A start may have taken the rows that held the records into new tables.
  if (absl::Status s = core_.database.CleanLog(
          Family::kMeta, PrefixRange(NumberKey(kForgetKey, destination)));
      !s.ok()) {
    return s;
  }
  ReachCrashPoint(CrashPoint::kForgetErased);
  for (auto& [key, row] : rows) {
    row.forget.phase = ForgetPhase::kDone;
    row.forget.done_time = FloorToMillis(core_.clock.Now());
  }
  if (absl::Status s = Store(rows, Database::Sync::kYes); !s.ok()) return s;
  ReachCrashPoint(CrashPoint::kForgetDone);
  return absl::OkStatus();
}

}  // namespace connector::membership
