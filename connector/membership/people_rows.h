#ifndef CONNECTOR_MEMBERSHIP_PEOPLE_ROWS_H_
#define CONNECTOR_MEMBERSHIP_PEOPLE_ROWS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"

// The rows of the family "people" and the entries of its blocks (FORMAT.md).
namespace connector::membership {

// A held segment, and how far its changes are brought in.
struct HeldRow {
  // Its list's state is not in its holders yet: it became held with the commit
  // `since`.
  bool converting = true;
  CommitNumber since = 0;
  // Changes up to here are brought in.
  CommitNumber translated = 0;
  // The list was to be emptied of everything up to here: nobody holds anything
  // then. 0: no.
  CommitNumber clear_through = 0;
  // When its events were not taken: [from, to) in the order of events. Those of
  // which statements may still wait to be brought in.
  std::vector<std::pair<EventOrder, EventOrder>> unmapped;

  bool IsMapped(EventOrder order) const {
    for (const auto& [from, to] : unmapped) {
      if (from <= order && order < to) return false;
    }
    return true;
  }

  // What is under way; `through` is 0 if nothing is.
  CommitNumber through = 0;
  uint32_t piece = 0;
  // Encoded record of the last one that was dealt with.
  std::string position;
  // Counted changes that a later one overtook.
  int64_t superseded = 0;
  // Runs that were written, and their bytes.
  int64_t bytes = 0;
  std::vector<std::pair<uint32_t, Change>> runs;
};
std::string EncodeHeld(const HeldRow& row);
std::optional<HeldRow> DecodeHeld(absl::string_view value);

// How far the statements of a destination are joined with its people.
struct PeoplePassRow {
  CommitNumber through = 0;
  uint32_t piece = 0;
  // The last holder that was dealt with; 16 bytes or none.
  std::string position;
  // Lists that got removals, and bytes of the runs.
  std::map<ListNumber, int64_t> derived;
};
std::string EncodePeoplePass(const PeoplePassRow& row);
std::optional<PeoplePassRow> DecodePeoplePass(absl::string_view value);

// The statements of one commit.
struct StatementsRow {
  absl::Time commit_time;
  int64_t bytes = 0;
};
std::string EncodeStatements(const StatementsRow& row);
std::optional<StatementsRow> DecodeStatements(absl::string_view value);

// A profile: what it holds, and in which segments. Nobody who holds nothing,
// or is in no segment, needs to be known.
struct Person {
  std::set<std::string> records;  // encoded
  std::set<SegmentNumber> segments;
  bool empty() const { return records.empty() || segments.empty(); }
};
std::string EncodePerson(const Person& person);
std::optional<Person> DecodePerson(absl::string_view value);

// The holders of one record in one segment; kNoKey stands for events without a
// key.
std::string EncodeHolders(const std::set<Holder>& holders);
std::optional<std::set<Holder>> DecodeHolders(absl::string_view value);

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_PEOPLE_ROWS_H_
