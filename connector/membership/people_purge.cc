// A record that has to be forgotten.

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/membership/damage.h"
#include "connector/membership/people_part.h"
#include "connector/membership/sorted_blocks.h"
#include "connector/membership/statement_run.h"

namespace connector::membership {

absl::Status PeoplePart::PurgePeople(
    DestinationNumber destination,
    absl::Span<const identity_mapping::Record> records) {
  // Nobody else writes these blocks meanwhile.
  absl::MutexLock one_at_a_time(&mutex_);
  std::vector<std::string> encoded;
  for (const identity_mapping::Record& record : records) {
    encoded.emplace_back(record.encoded());
  }
  std::sort(encoded.begin(), encoded.end());
  encoded.erase(std::unique(encoded.begin(), encoded.end()), encoded.end());
  std::vector<SegmentNumber> segments;
  {
    absl::MutexLock lock(&core_.tables.mutex);
    const DestinationState* state = core_.tables.FindDestination(destination);
    if (state == nullptr) return DestinationNotFound();
    segments = state->segments;
  }
  for (SegmentNumber segment : segments) {
    if (absl::Status s = RenameBlocks(destination, segment, encoded); !s.ok()) {
      return s;
    }
  }
  return PurgePersons(destination, encoded);
}

// A block of holders begins with a record's name, also when that is no longer
// in it.
absl::Status PeoplePart::RenameBlocks(DestinationNumber destination,
                                      SegmentNumber segment,
                                      const std::vector<std::string>& records) {
  const std::string prefix = NumberKey(kHoldersKey, segment);
  WriteSet set(core_.database);
  for (const std::string& record : records) {
    const std::string key = absl::StrCat(prefix, record);
    absl::StatusOr<std::optional<std::string>> value =
        core_.database.Get(Family::kPeople, key);
    if (!value.ok()) return value.status();
    if (!value->has_value()) continue;
    SortedBlockReader reader(**value);
    absl::string_view first;
    absl::string_view holders;
    const bool has_entry = reader.Next(&first, &holders);
    if (!has_entry && !reader.status().ok()) return reader.status();
    if (has_entry && first == record) continue;
    set.Delete(Family::kPeople, key);
    if (has_entry) {
      set.Put(Family::kPeople, absl::StrCat(prefix, first), **value);
    }
  }
  return WritePiece(destination, set);
}

absl::StatusOr<bool> PeoplePart::HasPair(SegmentNumber segment,
                                         const std::string& record,
                                         absl::string_view holder) {
  WriteSet unused(core_.database);
  SortedBlocks blocks(core_.database, core_.tuning,
                      NumberKey(kHoldersKey, segment), unused);
  absl::StatusOr<const absl::string_view*> found = blocks.Find(record);
  if (!found.ok()) return found.status();
  if (*found == nullptr) return false;
  const std::optional<std::set<Holder>> holders = DecodeHolders(**found);
  if (!holders.has_value()) return Damaged("stored holders are damaged");
  Holder key;
  if (holder.size() != key.size()) return Damaged("a stored person is damaged");
  std::copy(holder.begin(), holder.end(), key.begin());
  return holders->count(key) > 0;
}

absl::Status PeoplePart::PurgePersons(DestinationNumber destination,
                                      const std::vector<std::string>& records) {
  const std::string prefix = NumberKey(kPersonKey, destination);
  std::vector<std::string> stored(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    AppendStoredRecord(records[i], &stored[i]);
  }
  Scan scan(core_.database, Family::kPeople, PrefixRange(prefix),
            {.fill_cache = false, .readahead = 256 << 10});
  scan.SeekToFirst();
  while (scan.valid()) {
    WriteSet set(core_.database);
    SortedBlocks people(core_.database, core_.tuning, prefix, set);
    for (; scan.valid() && set.bytes() < core_.tuning.confirm_piece_bytes;
         scan.Next()) {
      // Few blocks have one of them.
      if (std::none_of(stored.begin(), stored.end(),
                       [&](const std::string& record) {
                         return absl::StrContains(scan.value(), record);
                       })) {
        continue;
      }
      SortedBlockReader reader(scan.value());
      absl::string_view key;
      absl::string_view value;
      while (reader.Next(&key, &value)) {
        std::optional<Person> person = DecodePerson(value);
        if (!person.has_value()) {
          return Damaged("a stored person is damaged");
        }
        size_t erased = 0;
        for (const std::string& record : records) {
          if (person->records.count(record) == 0) continue;
          // Whom a later event brought in again is held by it.
          bool held = false;
          for (SegmentNumber segment : person->segments) {
            absl::StatusOr<bool> has = HasPair(segment, record, key);
            if (!has.ok()) return has.status();
            held |= *has;
          }
          if (!held) erased += person->records.erase(record);
        }
        if (erased == 0) continue;
        auto found = people.Find(key);
        if (!found.ok()) return found.status();
        if (person->empty()) {
          people.Erase();
        } else {
          people.Put(EncodePerson(*person));
        }
      }
      if (!reader.status().ok()) return reader.status();
    }
    if (absl::Status s = scan.status(); !s.ok()) return s;
    if (absl::Status s = people.Finish(); !s.ok()) return s;
    if (absl::Status s = WritePiece(destination, set); !s.ok()) return s;
  }
  return scan.status();
}

absl::Status PeoplePart::WritePiece(DestinationNumber destination,
                                    WriteSet& set) {
  absl::ReaderMutexLock use(&core_.tables.use);
  {
    absl::MutexLock lock(&core_.tables.mutex);
    if (core_.tables.FindDestination(destination) == nullptr) {
      return DestinationNotFound();
    }
  }
  if (set.empty()) return absl::OkStatus();
  return core_.database.Write(set, Database::Sync::kNo);
}

}  // namespace connector::membership
