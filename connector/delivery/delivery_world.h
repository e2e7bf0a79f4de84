#ifndef CONNECTOR_DELIVERY_DELIVERY_WORLD_H_
#define CONNECTOR_DELIVERY_DELIVERY_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "audience_sync/v1/destination.pb.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/config/registry.h"
#include "connector/delivery/deliverer.h"
#include "connector/delivery/fake_pinterest.h"
#include "connector/delivery/forget_runner.h"
#include "connector/membership/memory_disk.h"
#include "connector/membership/rocksdb_store.h"
#include "connector/membership/store.h"

namespace connector::delivery {

// A whole store and a real deliverer without threads, a fake Pinterest and a
// clock that stands still: what a delivery test needs. Beside it stands the
// model: for each segment the last event of each record.
class DeliveryWorld {
 public:
  static constexpr char kAdAccount[] = "549755885175";

  // What the store stands on: a RocksDB in a directory (in memory where the
  // system has such a place: these tests are about order, not about disks, and
  // sync at every step), or a MemoryDisk, which opens a hundred times faster
  // and can lose what was not synced.
  enum class Backend { kRocksdb, kMemory };

  struct Event {
    std::string segment;
    int record = 0;
    membership::Change change = membership::Change::kAdd;
    // False: another form of an identity, which does not count.
    bool counted = true;
    // When it happened at the host, in seconds after the world began; also
    // kNoTime, and kAtCommit for an exit whose time is not known.
    int time = kNoTime;

    static constexpr int kNoTime = -1;
    static constexpr int kAtCommit = -2;
  };
  // The time of an event as a run holds it.
  static absl::Time TimeOf(const Event& event);

  explicit DeliveryWorld(uint64_t seed, Backend backend = Backend::kRocksdb);
  ~DeliveryWorld();

  // What the destination is configured with; takes effect with the next Open.
  audience_sync::v1::ConnectorConfig& config() { return config_; }

  // Starts on what the directory holds; ends whatever ran. A kill between two
  // steps of delivery looks the same to the store.
  void Open();

  // Makes a batch of events durable; updates the model.
  void Commit(const std::vector<Event>& events);

  // The same for another destination, outside the model.
  void CommitTo(const std::string& ad_account,
                const std::vector<Event>& events);
  // The same without a check of the outcome.
  absl::Status TryCommitTo(const std::string& ad_account,
                           const std::vector<Event>& events) {
    return TryCommitTo(ad_account, events, "");
  }
  // The next batch of an export; unnumbered if its id is empty.
  absl::Status TryCommitTo(const std::string& ad_account,
                           const std::vector<Event>& events,
                           const std::string& export_id);
  // The next frame of an export: begins or commits a full sync.
  absl::Status TryFullSyncFrame(const std::string& ad_account,
                                const std::string& export_id,
                                const std::string& segment,
                                membership::FullSyncFrame::Kind kind,
                                absl::Duration expire_after);
  absl::Status TryEndExport(const std::string& ad_account,
                            const std::string& export_id);
  absl::Status TryDecide(const membership::FullSyncDecision& decision);

  // The next batch of an export to be filled; unnumbered if its id is empty.
  membership::Batch MakeBatch(const std::string& ad_account,
                              const std::string& export_id);
  absl::Status CommitAndWait(membership::Batch batch,
                             membership::CommitOutcome* outcome = nullptr);
  // What the model is to say of a record.
  void Expect(const std::string& segment, int record,
              membership::Change change) {
    model_[segment][record] = change;
  }
  // Asks for records to be forgotten; updates the model. Brought on by
  // RunForgetting() only.
  absl::StatusOr<membership::CommitOutcome> TryForget(
      const std::vector<int>& records, const std::string& request_id);
  // What forgetting can do now; false if that is nothing.
  bool RunForgetting() { return forget_runner_->RunReadyStep(); }
  // Runs everything, the clock as well, until nothing is left to be forgotten
  // and nothing waits.
  bool RunUntilForgotten(absl::Duration at_most = absl::Hours(24));

  // Closes what Open() opened. With a memory disk, only the first `kept` of the
  // writes that were not synced are left.
  void Close(size_t kept = SIZE_MAX);

  // Puts something between the store and delivery, to break it; takes effect
  // with the next Open. It must outlive the world.
  void set_ledger_wrapper(
      std::function<membership::Ledger*(membership::Ledger*)> wrapper) {
    ledger_wrapper_ = std::move(wrapper);
  }

  // The same: from how many members on a full sync may have to be confirmed.
  void set_min_members_to_confirm(int64_t members) {
    min_members_to_confirm_ = members;
  }

  // The same: changes the numbers of the store.
  void set_tuning(std::function<void(membership::StoreTuning&)> tuning) {
    tuning_ = std::move(tuning);
  }

  // Takes effect with the next Open.
  void set_max_passes(int max_passes) { max_passes_ = max_passes; }

  // Does what audiences would have to be told; false if there was nothing.
  bool TellAudiences();

  // Runs steps that are due now, and what audiences are told then; returns how
  // many were run.
  int RunSteps(int at_most = 1'000'000);
  // Runs steps and moves the clock to whatever is due next, until nothing
  // waits any more or `at_most` has passed. True if nothing waits.
  bool RunUntilQuiet(absl::Duration at_most = absl::Hours(24));

  // Everything is settled, every list holds what the model says, no segment has
  // two lists, the counters add up.
  void ExpectConverged();

  // What happened to one record, for a failure's message.
  std::string HistoryOf(const std::string& segment, int record);

  // Records of a segment's list at Pinterest, by number.
  std::set<int> OnList(const std::string& segment);
  // The same, with nobody on a list that is not there.
  std::set<int> OnListOrEmpty(const std::string& segment);
  // How many calls of a kind ("ADD") there were since the last ClearCalls.
  int CallCount(const std::string& what);
  membership::SyncCounts Counts(const std::string& segment);

  static std::string WireText(int record);
  // As the store takes it.
  static identity_mapping::Record RecordOf(int record);
  static std::string Name(const std::string& segment) {
    return "cdp/ups/" + segment;
  }

  // Where the store is.
  const std::string& directory() const { return directory_; }
  // nullptr with a RocksDB.
  membership::MemoryDisk* disk() { return disk_.get(); }
  FakeClock& clock() { return clock_; }
  FakePinterest& pinterest() { return pinterest_; }
  // Whether the last Open() went well.
  bool is_open() const { return deliverer_ != nullptr; }
  membership::MembershipStore& store() { return *store_; }
  config::Registry& registry() { return *registry_; }
  Deliverer& deliverer() { return *deliverer_; }
  membership::DestinationNumber destination();
  membership::ListNumber ListOf(const std::string& segment);
  std::vector<DeliveryEvent>& events() { return events_; }

 private:
  const std::string directory_;
  FakeClock clock_;
  FakeRandom random_;
  FakePinterest pinterest_;
  const std::unique_ptr<membership::MemoryDisk> disk_;
  audience_sync::v1::ConnectorConfig config_;
  std::unique_ptr<membership::MembershipStore> store_;
  std::unique_ptr<config::Registry> registry_;
  std::unique_ptr<Deliverer> deliverer_;
  std::unique_ptr<ForgetRunner> forget_runner_;
  int max_passes_ = 48;
  int64_t min_members_to_confirm_ = 100;
  std::function<membership::Ledger*(membership::Ledger*)> ledger_wrapper_;
  std::function<void(membership::StoreTuning&)> tuning_;
  std::vector<DeliveryEvent> events_;
  std::map<std::string, std::map<int, membership::Change>> model_;
  std::vector<std::pair<absl::Time, Event>> commits_;
  std::vector<absl::Time> opened_;
};

}  // namespace connector::delivery

#endif  // CONNECTOR_DELIVERY_DELIVERY_WORLD_H_
