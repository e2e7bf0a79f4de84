#include "connector/membership/loader.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "connector/membership/audience_rows.h"
#include "connector/membership/damage.h"

namespace connector::membership {
namespace {

absl::Status Unreadable(absl::string_view what) {
  return Damaged(absl::StrCat(what, " does not read"));
}

// Calls `take` with each key and value of a range.
absl::Status ForEach(
    Core& core, Family family, KeyRange range,
    const std::function<absl::Status(absl::string_view, absl::string_view)>&
        take) {
  Scan scan(core.database, family, std::move(range));
  for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
    if (absl::Status s = take(scan.key(), scan.value()); !s.ok()) return s;
  }
  return scan.status();
}

// The same for the keys of one letter, with their numbers.
absl::Status ForEachNumber(
    Core& core, Family family, char letter,
    const std::function<absl::Status(const NumberKeyParts&, absl::string_view)>&
        take) {
  return ForEach(core, family, PrefixRange(absl::string_view(&letter, 1)),
                 [&](absl::string_view key, absl::string_view value) {
                   const auto parts = ParseNumberKey(key);
                   if (!parts.has_value()) return Unreadable("a key");
                   return take(*parts, value);
                 });
}

// Reads as the newest one: nothing in it is of another form.
constexpr uint64_t kFormatWithoutBlockChanges = 1;

absl::Status LoadFormat(Core& core) {
  absl::StatusOr<std::optional<std::string>> format =
      core.database.Get(Family::kMeta, kFormatKey);
  if (!format.ok()) return format.status();
  if (format->has_value()) {
    const std::optional<uint64_t> version = DecodeNumber(**format);
    if (version != kFormatVersion && version != kFormatWithoutBlockChanges) {
      return absl::FailedPreconditionError(
          absl::StrCat("the state directory has format ",
                       version.has_value() ? absl::StrCat(*version) : "unknown",
                       ", this build of the connector reads formats up to ",
                       kFormatVersion, "; use a build that knows it"));
    }
    absl::StatusOr<std::optional<std::string>> history =
        core.database.Get(Family::kMeta, kHistoryKey);
    if (!history.ok()) return history.status();
    if (!history->has_value()) return Unreadable("the history id");
    core.history = **history;
    if (version == kFormatVersion) return absl::OkStatus();
    // Before the first of what an earlier build does not know.
    WriteSet set(core.database);
    set.Put(Family::kMeta, kFormatKey, EncodeNumber(kFormatVersion));
    return core.database.Write(set, Database::Sync::kYes);
  }
  core.history = absl::StrFormat("%016x", core.random.Next());
  WriteSet set(core.database);
  set.Put(Family::kMeta, kFormatKey, EncodeNumber(kFormatVersion));
  set.Put(Family::kMeta, kHistoryKey, core.history);
  return core.database.Write(set, Database::Sync::kYes);
}

// No other thread is there yet; the lock only keeps the annotations true.
absl::Status LoadMeta(Core& core) {
  Tables& tables = core.tables;
  absl::MutexLock lock(&tables.mutex);
  absl::StatusOr<std::optional<std::string>> next =
      core.database.Get(Family::kMeta, kNextNumbersKey);
  if (!next.ok()) return next.status();
  if (next->has_value()) {
    std::optional<NextNumbers> numbers = DecodeNextNumbers(**next);
    if (!numbers.has_value()) return Unreadable("the next numbers");
    tables.next = *numbers;
  }
  absl::StatusOr<std::optional<std::string>> newest =
      core.database.Get(Family::kCounters, kNewestCommitKey);
  if (!newest.ok()) return newest.status();
  if (newest->has_value()) {
    std::optional<NewestCommit> numbers = DecodeNewestCommit(**newest);
    if (!numbers.has_value()) return Unreadable("the newest commit");
    tables.newest = *numbers;
  }

  absl::Status status = ForEachNumber(
      core, Family::kMeta, kDestinationKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        std::optional<DestinationRow> row = DecodeDestination(value);
        if (!row.has_value()) return Unreadable("a destination");
        row->number = key.number;
        tables.destinations_by_account[row->ad_account_id] = key.number;
        tables.destinations[key.number].row = *std::move(row);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEach(core, Family::kMeta,
                   PrefixRange(absl::string_view(&kCredentialKey, 1)),
                   [&](absl::string_view key, absl::string_view value) {
                     tables.mutex.AssertHeld();
                     const std::string id(key.substr(1));
                     tables.credentials[id] = {id, std::string(value)};
                     return absl::OkStatus();
                   });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kMeta, kForgetKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        std::optional<ForgetRow> row = DecodeForget(value);
        if (!row.has_value() || tables.destinations.count(key.number) == 0) {
          return Unreadable("a request to forget");
        }
        row->forget.destination = key.number;
        row->forget.number = key.second;
        tables.forgets[{key.number, key.second}] = *std::move(row);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kMeta, kListKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        std::optional<ListRow> row = DecodeList(value);
        if (!row.has_value()) return Unreadable("a list");
        row->number = key.number;
        tables.lists.try_emplace(key.number, core.tuning.pending_spans)
            .first->second.row = *std::move(row);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status =
      ForEachNumber(core, Family::kMeta, kFullSyncKey,
                    [&](const NumberKeyParts& key, absl::string_view value) {
                      tables.mutex.AssertHeld();
                      std::optional<FullSync> row = DecodeFullSync(value);
                      const auto list = tables.lists.find(key.number);
                      if (!row.has_value() || list == tables.lists.end()) {
                        return Unreadable("a full sync");
                      }
                      row->list = key.number;
                      row->number = key.second;
                      if (!row->ended())
                        tables.full_sync_lists.insert(key.number);
                      list->second.full_syncs[key.second] = *std::move(row);
                      return absl::OkStatus();
                    });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kMeta, kOperationKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        std::optional<ListOperation> operation = DecodeOperation(value);
        if (!operation.has_value() || tables.lists.count(key.number) == 0) {
          return Unreadable("an operation on a list");
        }
        tables.next_request =
            std::max(tables.next_request, operation->number + 1);
        tables.operations[key.number] = *std::move(operation);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kMeta, kSegmentKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        std::optional<SegmentRow> row = DecodeSegment(value);
        if (!row.has_value()) return Unreadable("a segment");
        row->number = key.number;
        const auto destination = tables.destinations.find(row->destination);
        if (destination == tables.destinations.end() ||
            tables.lists.count(row->list) == 0) {
          return Unreadable("what a segment belongs to");
        }
        destination->second.segments.push_back(key.number);
        destination->second.segments_by_name[SegmentName(
            row->segment_namespace, row->segment_id)] = key.number;
        if (row->audience_steps != 0) tables.audience_work.insert(key.number);
        tables.segments[key.number].row = *std::move(row);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return ForEach(
      core, Family::kMeta, PrefixRange(absl::string_view(&kAudienceKey, 1)),
      [&](absl::string_view key, absl::string_view value) {
        tables.mutex.AssertHeld();
        std::optional<AudienceKeyParts> parts = ParseAudienceKey(key);
        if (!parts.has_value()) return Unreadable("a key");
        const auto destination = tables.destinations.find(parts->destination);
        if (destination == tables.destinations.end()) {
          return Unreadable("what an audience belongs to");
        }
        if (parts->list.has_value()) {
          const auto list = tables.lists.find(*parts->list);
          std::optional<ListCounterRow> row = DecodeListCounters(value);
          if (list == tables.lists.end() || !row.has_value()) {
            return Unreadable("the counters of a list");
          }
          list->second.counters = *std::move(row);
          return absl::OkStatus();
        }
        std::optional<AudienceRow> row = DecodeAudience(value);
        if (!row.has_value()) return Unreadable("an audience");
        destination->second.audiences[std::string(key)] = {
            *std::move(parts->audience), *std::move(row)};
        return absl::OkStatus();
      });
}

// What a pending row says of a held segment; the segments are loaded before.
void LoadHeld(Tables& tables, ListState& list, CommitNumber commit,
              const PendingRow& row) {
  tables.mutex.AssertHeld();
  if (row.held == 0) return;
  if (commit > list.translated && !list.has_held()) {
    list.held_time = row.commit_time;
  }
  list.held_last = std::max(list.held_last, commit);
  if ((row.held & PendingRow::kDerived) != 0) {
    CommitNumber& newest =
        tables.destinations.at(list.row.destination).derived[list.row.number];
    newest = std::max(newest, commit);
  }
}

absl::Status LoadPeople(Core& core) {
  Tables& tables = core.tables;
  absl::MutexLock lock(&tables.mutex);
  absl::Status status = ForEachNumber(
      core, Family::kPeople, kHeldKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        std::optional<HeldRow> row = DecodeHeld(value);
        const auto segment = tables.segments.find(key.number);
        if (!row.has_value() || segment == tables.segments.end()) {
          return Unreadable("a held segment");
        }
        ListState& list = tables.lists.at(segment->second.row.list);
        list.translated = std::max(row->translated, list.row.settled);
        segment->second.held = *std::move(row);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return ForEachNumber(
      core, Family::kPeople, kStatementsKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        const std::optional<StatementsRow> row = DecodeStatements(value);
        const auto destination = tables.destinations.find(key.number);
        if (!row.has_value() || destination == tables.destinations.end()) {
          return Unreadable("an index of statements");
        }
        destination->second.statements.emplace_back(key.second, *row);
        destination->second.pending_bytes += row->bytes;
        return absl::OkStatus();
      });
}

absl::Status LoadCounters(Core& core) {
  Tables& tables = core.tables;
  absl::MutexLock lock(&tables.mutex);
  const auto load_segment = [&](char letter, auto decode, auto member) {
    return ForEachNumber(
        core, Family::kCounters, letter,
        [&](const NumberKeyParts& key, absl::string_view value) {
          tables.mutex.AssertHeld();
          auto counts = decode(value);
          const auto segment = tables.segments.find(key.number);
          if (!counts.has_value() || segment == tables.segments.end()) {
            return Unreadable("a counter");
          }
          segment->second.*member = *counts;
          return absl::OkStatus();
        });
  };
  if (absl::Status s =
          load_segment(kIntakeKey, DecodeIntakeCounts, &SegmentState::intake);
      !s.ok()) {
    return s;
  }
  if (absl::Status s =
          load_segment(kPassKey, DecodePassCounts, &SegmentState::settled);
      !s.ok()) {
    return s;
  }
  absl::Status status = ForEach(
      core, Family::kCounters,
      PrefixRange(absl::string_view(&kCallHistoryKey, 1)),
      [&](absl::string_view key, absl::string_view value) {
        tables.mutex.AssertHeld();
        tables.call_histories[std::string(key.substr(1))] = std::string(value);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kCounters, kNoSegmentKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        const std::optional<IntakeCounts> counts = DecodeIntakeCounts(value);
        const auto destination = tables.destinations.find(key.number);
        if (!counts.has_value() || destination == tables.destinations.end()) {
          return Unreadable("a counter");
        }
        destination->second.counts_without_segment = *counts;
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kCounters, kMembersKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        const std::optional<uint64_t> members = DecodeNumber(value);
        const auto list = tables.lists.find(key.number);
        if (!members.has_value() || list == tables.lists.end()) {
          return Unreadable("a counter");
        }
        list->second.members = static_cast<int64_t>(*members);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kCounters, kExitsKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        const std::optional<PendingRow> row = DecodePending(value);
        const auto list = tables.lists.find(key.number);
        if (!row.has_value() || list == tables.lists.end()) {
          return Unreadable("an index of exits");
        }
        list->second.exit_bytes += row->bytes;
        tables.exit_lists.insert(key.number);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kCounters, kKeptKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        const std::optional<PendingRow> row = DecodePending(value);
        const auto list = tables.lists.find(key.number);
        if (!row.has_value() || list == tables.lists.end()) {
          return Unreadable("an index of kept runs");
        }
        list->second.kept_bytes += row->bytes;
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ForEachNumber(
      core, Family::kCounters, kPendingKey,
      [&](const NumberKeyParts& key, absl::string_view value) {
        tables.mutex.AssertHeld();
        const std::optional<PendingRow> row = DecodePending(value);
        const auto list = tables.lists.find(key.number);
        if (!row.has_value() || list == tables.lists.end()) {
          return Unreadable("an index of runs");
        }
        const bool has_removals = HasRemovals(*row);
        list->second.pending.Push(key.second, row->commit_time, row->bytes,
                                  has_removals);
        LoadHeld(tables, list->second, key.second, *row);
        tables.pending_lists.insert(key.number);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  for (const auto& [number, list] : tables.lists) {
    DestinationState& destination = tables.destinations[list.row.destination];
    destination.pending_bytes += BacklogBytes(list);
    destination.full_sync_bytes += FullSyncBytes(list);
  }
  return absl::OkStatus();
}

absl::Status LoadRequests(Core& core) {
  Tables& tables = core.tables;
  absl::MutexLock lock(&tables.mutex);
  return ForEach(
      core, Family::kDoubts, {std::string(1, kDoubtKey), "f"},
      [&](absl::string_view key, absl::string_view value) {
        tables.mutex.AssertHeld();
        const auto parts = ParseNumberKey(key);
        const auto list = parts.has_value() ? tables.lists.find(parts->number)
                                            : tables.lists.end();
        if (list == tables.lists.end()) return Unreadable("a doubt");
        tables.next_request = std::max(tables.next_request, parts->second + 1);
        if (key[0] != kEchoKey) return absl::OkStatus();
        const std::optional<absl::Time> time = DecodeEchoTime(value);
        if (!time.has_value()) return Unreadable("an echo");
        list->second.echoes.emplace(*time, parts->second);
        tables.echo_lists.insert(parts->number);
        return absl::OkStatus();
      });
}

absl::Status LoadRejections(Core& core) {
  absl::MutexLock lock(&core.tables.mutex);
  for (auto& [number, state] : core.tables.destinations) {
    Scan scan(core.database, Family::kJournal, PrefixRange(PlainKey(number)));
    scan.SeekToFirst();
    if (!scan.valid()) {
      if (absl::Status s = scan.status(); !s.ok()) return s;
      continue;
    }
    const std::optional<NumberKeyParts> first = ParsePlainKey(scan.key());
    scan.SeekToLast();
    if (absl::Status s = scan.status(); !s.ok()) return s;
    const std::optional<NumberKeyParts> last = ParsePlainKey(scan.key());
    if (!first.has_value() || !last.has_value()) return Unreadable("a key");
    state.first_rejection = first->second;
    state.next_rejection = last->second + 1;
  }
  return absl::OkStatus();
}

// Goes from export to export; of the batches only the first one is looked at.
absl::Status LoadExports(Core& core, std::vector<ExportName>* waiting) {
  const absl::Time now = core.clock.Now();
  Tables& tables = core.tables;
  absl::MutexLock lock(&tables.mutex);
  WriteSet expired(core.database);
  Scan scan(core.database, Family::kExports,
            {std::string(), std::string(4, '\xff')});
  scan.SeekToFirst();
  while (scan.valid()) {
    const std::optional<ExportKeyParts> key = ParseExportKey(scan.key());
    const std::optional<ExportRow> row = DecodeExport(scan.value());
    if (!key.has_value() || key->number != 0 || !row.has_value() ||
        tables.destinations.count(key->destination) == 0) {
      return Unreadable("an export");
    }
    const DestinationNumber destination = key->destination;
    ExportState* state = tables.exports.Create(destination, key->export_id);
    state->durable = row->durable;
    state->ended = row->ended;
    state->digest = row->digest;
    state->last_activity = row->last_commit_time;
    state->stored = true;
    state->released = state->durable;

    scan.Next();
    const std::optional<ExportKeyParts> batch =
        scan.valid() ? ParseExportKey(scan.key()) : std::nullopt;
    if (batch.has_value() && batch->number != 0) {
      if (batch->destination != destination || batch->export_id != state->id) {
        return Unreadable("a batch of an export");
      }
      state->released = static_cast<int64_t>(batch->number) - 1;
      scan.Seek(ExportKey(destination, state->id,
                          std::numeric_limits<uint64_t>::max()));
    }
    state->delivered = state->released;
    if (state->released < state->durable) {
      waiting->emplace_back(destination, state->id);
    } else if (state->Forgettable(now, core.export_expiry)) {
      expired.Delete(Family::kExports, ExportKey(destination, state->id, 0));
      tables.exports.Erase(state);
    }
  }
  if (absl::Status s = scan.status(); !s.ok()) return s;
  if (expired.empty()) return absl::OkStatus();
  return core.database.Write(expired, Database::Sync::kNo);
}

}  // namespace

absl::Status LoadTables(Core& core, std::vector<ExportName>* waiting) {
  if (absl::Status s = LoadFormat(core); !s.ok()) return s;
  if (absl::Status s = LoadMeta(core); !s.ok()) return s;
  if (absl::Status s = LoadPeople(core); !s.ok()) return s;
  if (absl::Status s = LoadCounters(core); !s.ok()) return s;
  if (absl::Status s = LoadRequests(core); !s.ok()) return s;
  if (absl::Status s = LoadRejections(core); !s.ok()) return s;
  return LoadExports(core, waiting);
}

}  // namespace connector::membership
