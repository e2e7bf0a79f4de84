#ifndef CONNECTOR_MEMBERSHIP_STORE_MODEL_H_
#define CONNECTOR_MEMBERSHIP_STORE_MODEL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "connector/membership/store.h"
#include "identity_mapping/record.h"

namespace connector::membership {

// What the store should hold, in the plainest form there is. For tests.
struct StoreModel {
  struct Entry {
    CommitNumber commit = 0;
    Change change = Change::kAdd;
    identity_mapping::Record record;
    bool counted = true;
  };
  struct Delivered {
    DeliveredState state = DeliveredState::kThere;
    // Under which epoch it was confirmed.
    uint32_t epoch = 0;
  };
  struct EchoModel {
    absl::Time time;
    std::vector<identity_mapping::Record> records;
  };
  struct List {
    SegmentRow segment;
    uint32_t epoch = 1;
    CommitNumber settled = 0;
    std::vector<Entry> runs;
    std::map<CommitNumber, absl::Time> commit_times;
    std::map<identity_mapping::Record, Delivered> delivered;
    std::map<DoubtNumber, Doubt> doubts;
    std::map<uint64_t, EchoModel> echoes;
    SyncCounts counts;

    int64_t members() const {
      int64_t members = 0;
      for (const auto& [record, entry] : delivered) {
        members += entry.state == DeliveredState::kThere;
      }
      return members;
    }
  };
  struct SentBatch {
    CommitNumber commit = 0;
    std::vector<ListNumber> lists;
    std::array<uint8_t, 16> digest = {};
  };
  struct Export {
    uint64_t fence = 0;
    bool ended = false;
    std::vector<SentBatch> batches;
    // Had something stored; lost by reopening if not.
    bool stored = false;
  };
  struct Destination {
    std::string account;
    std::map<ListNumber, List> lists;
    std::map<std::string, Export> exports;
    IntakeCounts without_segment;
    // Oldest first; each line as text.
    std::deque<std::string> journal;

    // How many batches are delivered.
    int64_t Delivered(const Export& sent) const {
      int64_t delivered = 0;
      for (const SentBatch& batch : sent.batches) {
        for (ListNumber list : batch.lists) {
          if (lists.at(list).settled < batch.commit) return delivered;
        }
        ++delivered;
      }
      return delivered;
    }
  };
  std::map<DestinationNumber, Destination> destinations;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_STORE_MODEL_H_
