#ifndef CONNECTOR_MEMBERSHIP_FAULT_HISTORY_H_
#define CONNECTOR_MEMBERSHIP_FAULT_HISTORY_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/membership/fault_file_system.h"
#include "connector/membership/rocksdb_store.h"
#include "identity_mapping/record.h"
#include "rocksdb/env.h"

namespace connector::membership {

// What the store should hold, plain and small enough to be copied after every
// step. Records are places in FaultHistory::universe().
struct FaultModel {
  struct Entry {
    CommitNumber commit = 0;
    EventOrder order = 0;
    Change change = Change::kAdd;
    int record = 0;
    bool counted = true;
  };
  struct List {
    std::string segment;
    uint32_t epoch = 1;
    CommitNumber settled = 0;
    std::vector<Entry> runs;
    // State and epoch.
    std::map<int, std::pair<DeliveredState, uint32_t>> delivered;
    // Change, first and last record.
    std::map<DoubtNumber, std::pair<Change, std::pair<int, int>>> doubts;
    std::map<uint64_t, std::vector<int>> echoes;
    SyncCounts counts;
  };
  struct Export {
    // Of each batch its commit and its lists.
    std::vector<std::pair<CommitNumber, std::vector<ListNumber>>> batches;
    bool ended = false;
  };
  bool destination = false;
  std::map<ListNumber, List> lists;
  std::map<std::string, Export> exports;
  IntakeCounts without_segment;
  std::deque<std::string> rejections;
  CommitNumber commit = 0;
  EventOrder order = kFirstEventOrder;

  // All of it as text.
  std::string Dump() const;
};

// A random history of one host and one delivery on a store whose files can fail
// or lose what was not synced, against a plain model. What a crash may leave is
// the state after some prefix of the writes, at least as far as the last one
// that was acknowledged as durable: nothing else passes.
class FaultHistory {
 public:
  // `directory` is a real one (for the lock); the store's files are in memory.
  FaultHistory(uint64_t seed, std::string directory);
  ~FaultHistory();

  FaultFileSystem& files() { return *files_; }
  FakeRandom& random() { return random_; }
  MembershipStore& store() { return *store_; }
  StoreOptions& options() { return options_; }
  StoreTuning& tuning() { return tuning_; }

  // Opens the store, and checks that it is what it may be; the error of the
  // store if it does not open, INTERNAL if it holds something else.
  absl::Status Open();
  // Opens a store whose files were changed meanwhile: OK if it holds what it
  // held, OUT_OF_RANGE if it holds an older state, the one after a prefix of
  // the writes.
  absl::Status Reopen();
  bool is_open() const { return store_ != nullptr; }
  void Close() { store_.reset(); }

  // Does something; the error of the store if it was refused. After an error
  // the history must be closed.
  absl::Status Step();
  // As many until an error.
  absl::Status Steps(int steps);

  // How often the store said that it failed, and what it said last.
  int failures();
  absl::Status failure();
  // What was done, newest last, for messages.
  std::string Trail() const;

 private:
  using List = FaultModel::List;

  int Pick(int size) { return static_cast<int>(generator_() % size); }
  bool Chance(int percent) { return Pick(100) < percent; }
  const identity_mapping::Record& RecordAt(int i) const { return universe_[i]; }
  List* PickList();

  absl::Status StepCatalog();
  absl::Status StepCommit();
  absl::Status StepRequest();
  absl::Status StepRefuse();
  absl::Status StepSettle();
  absl::Status StepEpoch();
  absl::Status StepEndEcho();

  // The step did `status`; if it went well the model is `model_` now.
  absl::Status Done(const absl::Status& status, bool synced);
  absl::StatusOr<std::string> DumpStore();

  const std::string directory_;
  std::mt19937_64 generator_;
  FakeRandom random_;
  FakeClock clock_;
  std::shared_ptr<FaultFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
  StoreOptions options_;
  StoreTuning tuning_;
  std::vector<identity_mapping::Record> universe_;

  FaultModel model_;
  // The state after each step since the start.
  std::vector<FaultModel> past_;
  // What a crash may leave, in order; the first is the newest that is durable
  // for sure.
  std::vector<FaultModel> possible_;
  std::string history_id_;
  // The number that the next doubt or echo gets at least, since the opening.
  uint64_t next_request_ = 1;
  std::deque<std::string> trail_;
  ListNumber list_ = 0;

  absl::Mutex mutex_;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<MembershipStore> store_;
};

}  // namespace connector::membership

#endif  // CONNECTOR_MEMBERSHIP_FAULT_HISTORY_H_
