#ifndef CONNECTOR_MEMBERSHIP_PEOPLE_H_
#define CONNECTOR_MEMBERSHIP_PEOPLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

// People, not only identities. An export that says that its profiles are
// complete brings, beside the changes of segments, *statements*: profile k has
// these identities now. A segment that got changes with a holder is *held*:
// what is desired of it is a set of pairs (record, holder), and a record is on
// the list as long as it has a holder.
//
// Changes of a held segment are put aside on their way in, and statements too:
// nothing is read there. BringUp() brings them in, in two steps:
//
// 1. Statements are joined with what is known of each profile. Each identity
//    that is not in a profile any more leads to the removal of that pair from
//    each of the profile's segments, at the place of the statement among the
//    events.
// 2. The changes of each held segment are joined with its pairs, and for each
//    record that they name, what it is now (a member or not) goes into the runs
//    of the list like any other change.
//
// No pass over a list of a held segment goes beyond what was brought in
// (Ledger::PassableCommit): so nothing is ever settled that a statement may
// still change.
namespace connector::membership {

// Sorts items by key (byte by byte), those of one key by their order; items
// with the same key and order stay as they came. Add all, Finish, then read.
// Not thread-safe.
class PeopleSorter {
 public:
  struct Item {
    absl::string_view key;
    EventOrder order = 0;
    absl::string_view rest;
  };
  virtual ~PeopleSorter() = default;
  // At most 255 bytes of key.
  virtual absl::Status Add(const Item& item) = 0;
  virtual absl::Status Finish() = 0;
  // False at the end. Views hold until the next call.
  virtual absl::StatusOr<bool> Next(Item* item) = 0;
};

// A destination in which something waits to be brought in.
struct WaitingPeople {
  DestinationNumber destination = 0;
  // When the oldest of it was committed.
  absl::Time oldest_time;
  // Bytes of statements, and the oldest commit with some; 0: there are none.
  int64_t bytes = 0;
  CommitNumber oldest_statements = 0;
  // A list is to be emptied as soon as it is brought in.
  bool urgent = false;
};

class People {
 public:
  virtual ~People() = default;

  virtual std::vector<WaitingPeople> WaitingForPeople() = 0;

  struct BringUpOptions {
    std::function<std::unique_ptr<PeopleSorter>()> make_sorter;
    // As in config: how long an exit holds back additions that are older than
    // it by their time.
    absl::Duration late_addition_window;
    // Looked at now and then; may be nullptr.
    const std::atomic<bool>* stop = nullptr;
  };
  // Brings in what was committed until now. Goes on where a crash cut an
  // earlier one off; in pieces, so memory is bounded by the sorter. UNAVAILABLE
  // HOLDERS_WAIT while a segment that has just got its first holders waits for
  // a full sync to be applied; everything else was brought in then. CANCELLED
  // once `stop` is set. One call at a time.
  virtual absl::Status BringUp(DestinationNumber destination,
                               const BringUpOptions& options) = 0;

  // For a request to forget, whose exit without a key has cleared the holders
  // of these records: takes them out of each profile that has them, but for
  // those that a later event brought in again (who holds them somewhere). Only
  // directly behind a BringUp() that was OK and took that exit: what a profile
  // says and what it holds then belong together. Reads all profiles of the
  // destination. In pieces; may be repeated. Not synced. The bytes are gone
  // from the disk when the family "people" was compacted.
  virtual absl::Status PurgePeople(
      DestinationNumber destination,
      absl::Span<const identity_mapping::Record> records) = 0;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_PEOPLE_H_
