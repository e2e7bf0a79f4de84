#ifndef CONNECTOR_MEMBERSHIP_RUN_H_
#define CONNECTOR_MEMBERSHIP_RUN_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "connector/membership/types.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// One change of one record.
struct RunEntry {
  identity_mapping::RecordView record;
  EventOrder order = 0;
  // Counts in PassCounts. The other forms that an event stands for do not.
  bool counted = true;
  // When the event happened at the host, if the run holds times. An addition
  // whose time is not known has the infinite future; a removal the same if it
  // is an exit, which then happened when it was committed, and the infinite
  // past if it is none (an addition removes other forms of its identity).
  std::optional<absl::Time> event_time;
  absl::Time commit_time;
  // Which profile holds the identity, if the run holds holders.
  std::optional<std::array<uint8_t, 16>> holder;
  // No event, but another try of a refused change: gives way to any event
  // (`order` is kReplayOrder), and means nothing once the record is no longer
  // refused.
  bool replay = false;
};

// Collects the changes that one batch brings to one list, in their order.
// Additions and removals are kept apart, as a removal must be found without
// reading the additions; where each stood among all is kept in intervals.
//
// Stored form of each of the two values (all integers little-endian varints):
//   byte version (1); byte flags (1 = event times, 2 = holders, 4 = replay,
//   8 = all entries have the order of the first);
//   commit time in Unix milliseconds;
//   order of the first change of the builder (additions and removals share it);
//   number of entries;
//   number of intervals, then for each (changes skipped since the end of the
//   interval before, number of entries): the order of an entry is the first
//   order plus the changes before it;
//   entries: byte (kind | 0x40 if it does not count), payload (with a length
//   byte before it if the kind has no fixed length);
//   with event times: a zigzag varint per entry, Unix microseconds;
//   with holders: 16 bytes per entry.
// The part from "number of entries" on is made by the builder, what stands
// before it by the committer.
class RunBuilder {
 public:
  // Appends a change after all others. `event_time` and `holder` must be given
  // for all changes of a kind or for none.
  void Add(Change change, identity_mapping::RecordView record, bool counted,
           std::optional<absl::Time> event_time = std::nullopt,
           const std::array<uint8_t, 16>* holder = nullptr);

  // Leaves out so many orders, of changes that are not there any more.
  void Skip(uint64_t changes) { total_ += changes; }

  // All changes are replays (RunEntry).
  void MarkAsReplay();

  // How many changes of a kind count.
  uint64_t counted(Change change) const { return part(change).counted; }

  bool empty() const { return total_ == 0; }
  // Changes of both kinds: the orders that a commit has to set aside.
  uint64_t total() const { return total_; }
  uint64_t count(Change change) const { return part(change).entries; }
  // Bytes that the stored values will have, nearly.
  size_t bytes() const;

  // The stored form from "number of entries" on; meaningless if count() is 0.
  std::string Body(Change change) const;
  uint8_t flags(Change change) const;
  // Some removal is an exit with a time: to be remembered.
  bool has_timed_exits() const { return has_timed_exits_; }
  // When the last of those exits happened, if they are committed now.
  absl::Time newest_exit(absl::Time commit_time) const {
    return has_exit_at_commit_ ? std::max(newest_exit_, commit_time)
                               : newest_exit_;
  }

 private:
  struct Part {
    uint64_t entries = 0;
    uint64_t counted = 0;
    uint64_t next_order = 0;
    std::vector<std::pair<uint64_t, uint64_t>> intervals;
    std::string records;
    std::string event_times;
    std::string holders;
  };
  const Part& part(Change change) const {
    return parts_[static_cast<int>(change)];
  }

  std::array<Part, 2> parts_;
  uint64_t total_ = 0;
  bool replay_ = false;
  bool has_timed_exits_ = false;
  bool has_exit_at_commit_ = false;
  absl::Time newest_exit_ = absl::InfinitePast();
};

// The head of a stored run value: what the committer adds.
std::string RunHead(uint8_t flags, absl::Time commit_time,
                    EventOrder first_order);

// In the flags of a run of which all entries have the first order.
inline constexpr uint8_t kRunOfOneOrder = 8;

// Reads one stored run value. The view in an entry holds until the next call of
// Next() and while `value` and the reader stay where they are.
class RunReader {
 public:
  // `value` must outlive the reader. DATA_LOSS if it is not a run.
  static absl::StatusOr<RunReader> Open(absl::string_view value);

  absl::Time commit_time() const { return commit_time_; }
  uint64_t count() const { return count_; }

  // The next entry; false at the end. DATA_LOSS shows in status().
  bool Next(RunEntry* entry);
  const absl::Status& status() const { return status_; }

 private:
  RunReader() = default;

  absl::Status status_;
  absl::Time commit_time_;
  uint64_t count_ = 0;
  uint64_t left_ = 0;
  uint64_t intervals_left_ = 0;
  uint64_t interval_entries_left_ = 0;
  EventOrder order_ = 0;
  absl::string_view intervals_;
  absl::string_view records_;
  absl::string_view event_times_;
  absl::string_view holders_;
  uint8_t flags_ = 0;
  // A record whose stored form is not its encoded form.
  std::array<char, 1 + identity_mapping::kMaxRecordPayload> scratch_ = {};
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_RUN_H_
