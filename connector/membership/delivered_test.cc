#include <map>

#include "connector/membership/block_updater.h"
#include "connector/membership/delivered_cursor.h"
#include "connector/membership/keys.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

constexpr ListNumber kList = 5;

class DeliveredTest : public testing::Test {
 protected:
  DeliveredTest() {
    Open();
    // Neighbours in the key space must not be touched.
    WriteSet set(*database_);
    set.Put(Family::kBlocks, BlockKey(kList - 1, ""), "before");
    set.Put(Family::kBlocks, BlockKey(kList + 1, ""), "behind");
    EXPECT_TRUE(database_->Write(set, Database::Sync::kNo).ok());
  }

  // Also again: what is in the log is in tables then.
  void Open() {
    database_.reset();
    DatabaseOptions options;
    options.path = directory_.path();
    options.memory_budget = 8 << 20;
    database_ = *Database::Open(options);
  }

  void Update(const std::vector<BlockUpdate>& updates, uint32_t epoch = 1) {
    WriteSet set(*database_);
    BlockUpdater updater(*database_, tuning_, kList, epoch, set);
    const auto write = [&] {
      members_ += updater.TakeMembersDelta();
      pieces_ += 1;
      bytes_ += set.bytes();
      absl::Status status = database_->Write(set, Database::Sync::kNo);
      set.Clear();
      return status;
    };
    absl::Status status = updater.Apply(updates, write);
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_TRUE(write().ok());
  }

  struct Shape {
    int blocks = 0;
    size_t bytes = 0;
    size_t largest = 0;
    size_t entries = 0;
  };
  // Also checks that blocks are in order, each within its bounds, none empty.
  Shape Inspect() {
    Shape shape;
    std::string last;
    Scan scan(*database_, Family::kBlocks, PrefixRange(PlainKey(kList)));
    for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
      ++shape.blocks;
      shape.bytes += scan.key().size() + scan.value().size();
      shape.largest = std::max(shape.largest, scan.value().size());
      BlockReader reader(scan.value());
      EXPECT_GT(reader.left(), 0);
      if (!last.empty()) {
        EXPECT_LT(last, std::string(BlockLowerBound(scan.key())));
      }
      BlockEntry entry;
      while (reader.Next(&entry)) {
        std::string record(1, static_cast<char>(entry.kind));
        record += std::string(entry.payload);
        EXPECT_LT(last, record);
        EXPECT_GE(record, std::string(BlockLowerBound(scan.key())));
        last = record;
        ++shape.entries;
      }
      EXPECT_TRUE(reader.status().ok()) << reader.status();
    }
    return shape;
  }

  TempDirectory directory_;
  StoreTuning tuning_;
  std::unique_ptr<Database> database_;
  int64_t members_ = 0;
  int pieces_ = 0;
  size_t bytes_ = 0;

  void ExpectItHoldsWhatAMapHolds();
};

std::vector<BlockUpdate> Adds(const std::vector<RecordView>& records) {
  std::vector<BlockUpdate> updates;
  for (RecordView record : records) {
    updates.push_back({record, DeliveredState::kThere, 0});
  }
  return updates;
}

TEST_F(DeliveredTest, ABulkLoadInOrderLeavesFullBlocks) {
  std::vector<Record> records;
  for (int i = 0; i < 100'000; ++i) records.push_back(TestRecord(i));
  const std::vector<RecordView> sorted = Sorted(records);
  for (size_t i = 0; i < sorted.size(); i += 10'000) {
    Update(Adds({sorted.begin() + i, sorted.begin() + i + 10'000}));
  }
  const Shape shape = Inspect();
  EXPECT_EQ(shape.entries, 100'000);
  EXPECT_EQ(members_, 100'000);
  EXPECT_LE(shape.largest, tuning_.block_max_bytes + 16);
  // 33 bytes an entry, and little beside.
  EXPECT_LT(shape.bytes, 100'000 * 34);
  EXPECT_GT(shape.bytes / shape.blocks, 3'900);
}

TEST_F(DeliveredTest, ALoadInAnyOrderLeavesNoSmallBlocks) {
  for (int i = 0; i < 50; ++i) {
    std::vector<Record> records;
    for (int j = 0; j < 1'000; ++j)
      records.push_back(TestRecord(i * 1'000 + j));
    Update(Adds(Sorted(records)));
  }
  const Shape shape = Inspect();
  EXPECT_EQ(shape.entries, 50'000);
  EXPECT_LE(shape.largest, tuning_.block_max_bytes + 16);
  EXPECT_GT(shape.bytes / shape.blocks, 2'700);
}

TEST_F(DeliveredTest, BlocksThatWereEmptiedAreJoined) {
  std::vector<Record> records;
  for (int i = 0; i < 20'000; ++i) records.push_back(TestRecord(i));
  const std::vector<RecordView> sorted = Sorted(records);
  Update(Adds(sorted));
  const int before = Inspect().blocks;
  std::vector<BlockUpdate> updates;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i % 50 != 0) updates.push_back({sorted[i], std::nullopt, 0});
  }
  Update(updates);
  const Shape shape = Inspect();
  EXPECT_EQ(shape.entries, 400);
  EXPECT_EQ(members_, 400);
  EXPECT_LT(shape.blocks, before / 10);
  updates.clear();
  for (RecordView record : sorted) updates.push_back({record, std::nullopt, 0});
  Update(updates);
  EXPECT_EQ(Inspect().blocks, 0);
  EXPECT_EQ(members_, 0);
}

TEST_F(DeliveredTest, ConfirmingWhatIsThereWritesNothing) {
  std::vector<Record> records;
  for (int i = 0; i < 1'000; ++i) records.push_back(TestRecord(i));
  const std::vector<BlockUpdate> updates = Adds(Sorted(records));
  Update(updates);
  WriteSet set(*database_);
  BlockUpdater updater(*database_, tuning_, kList, 1, set);
  ASSERT_TRUE(updater.Apply(updates, [] { return absl::OkStatus(); }).ok());
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(updater.TakeMembersDelta(), 0);
}

TEST_F(DeliveredTest, LargeUpdatesAreWrittenInPieces) {
  std::vector<Record> records;
  for (int i = 0; i < 30'000; ++i) records.push_back(TestRecord(i));
  const std::vector<RecordView> sorted = Sorted(records);
  Update(Adds(sorted));
  tuning_.confirm_piece_bytes = 100'000;
  pieces_ = 0;
  // A quarter of each block, so each is rewritten.
  std::vector<BlockUpdate> updates;
  for (size_t i = 0; i < sorted.size(); i += 4) {
    updates.push_back({sorted[i], DeliveredState::kAbsentSince, 7});
  }
  Update(updates);
  EXPECT_GT(pieces_, 5);
  EXPECT_EQ(Inspect().entries, 30'000);
}

TEST_F(DeliveredTest, OneChangeOfABlockWritesNoBlock) {
  std::vector<Record> records;
  for (int i = 0; i < 30'000; ++i) records.push_back(TestRecord(i));
  const std::vector<RecordView> sorted = Sorted(records);
  Update(Adds(sorted));
  const Shape before = Inspect();
  // Three times, as an exit, a refusal, and an addition.
  const std::optional<DeliveredState> states[] = {
      std::nullopt, DeliveredState::kRefusedAdd, DeliveredState::kThere};
  for (int round = 0; round < 3; ++round) {
    std::vector<BlockUpdate> updates;
    for (size_t i = 0; i < sorted.size(); i += 300) {
      updates.push_back({sorted[i], states[round], 0});
    }
    bytes_ = 0;
    Update(updates);
    // The record, its block's key, and little beside.
    EXPECT_LT(bytes_, updates.size() * 110);
    const size_t gone = round == 0 ? updates.size() : 0;
    EXPECT_EQ(Inspect().entries, sorted.size() - gone);
    {
      BlockCursor cursor(*database_, kList, 1);
      for (const BlockUpdate& update : updates) {
        EXPECT_EQ(cursor.Find(update.record)->state, states[round]);
      }
    }
    Open();
  }
  // Together again in the files, too.
  ASSERT_TRUE(
      database_->Clean(Family::kBlocks, PrefixRange(PlainKey(kList))).ok());
  const Shape after = Inspect();
  EXPECT_EQ(after.entries, before.entries);
  EXPECT_EQ(after.bytes, before.bytes);
}

// Each pass over a list may change the same block a little.
TEST_F(DeliveredTest, ManyChangesOfOneBlock) {
  std::vector<Record> records;
  for (int i = 0; i < 100; ++i) records.push_back(TestRecord(i));
  const std::vector<RecordView> sorted = Sorted(records);
  Update(Adds(sorted));
  for (int i = 0; i < 2'000; ++i) {
    const RecordView record = sorted[i * 37 % 100];
    const bool leaves = (i / 100) % 2 == 0;
    BlockUpdate update{record, std::nullopt, 0};
    if (!leaves) update.state = DeliveredState::kThere;
    Update({update});
    BlockCursor cursor(*database_, kList, 1);
    EXPECT_EQ(cursor.Find(record)->state.has_value(), !leaves);
  }
  EXPECT_EQ(members_, 100);
  EXPECT_EQ(Inspect().entries, 100);
}

TEST_F(DeliveredTest, AChangeThatCannotBeReadIsDataLoss) {
  Update(Adds({TestRecord(1).view()}));
  WriteSet set(*database_);
  set.ChangeBlock(BlockKey(kList, ""), "\x01\x01");
  ASSERT_TRUE(database_->Write(set, Database::Sync::kNo).ok());
  BlockCursor cursor(*database_, kList, 1);
  EXPECT_EQ(cursor.Find(TestRecord(1)).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(DeliveredTest, ADamagedBlockIsDataLoss) {
  WriteSet set(*database_);
  set.Put(Family::kBlocks, BlockKey(kList, ""), "\x01");
  ASSERT_TRUE(database_->Write(set, Database::Sync::kNo).ok());
  BlockCursor cursor(*database_, kList, 1);
  EXPECT_EQ(cursor.Find(TestRecord(1)).status().code(),
            absl::StatusCode::kDataLoss);
  WriteSet update(*database_);
  BlockUpdater updater(*database_, tuning_, kList, 1, update);
  const Record record = TestRecord(1);
  EXPECT_EQ(
      updater.Apply(Adds({record.view()}), [] { return absl::OkStatus(); })
          .code(),
      absl::StatusCode::kDataLoss);
}

TEST_F(DeliveredTest, HoldsWhatAMapHolds) { ExpectItHoldsWhatAMapHolds(); }

TEST_F(DeliveredTest, HoldsWhatAMapHoldsMostlyOfChanges) {
  tuning_.block_change_share = 2;
  ExpectItHoldsWhatAMapHolds();
}

TEST_F(DeliveredTest, HoldsWhatAMapHoldsWithoutChanges) {
  tuning_.block_change_share = 1'000'000;
  ExpectItHoldsWhatAMapHolds();
}

// Random updates, small blocks, against a map.
void DeliveredTest::ExpectItHoldsWhatAMapHolds() {
  tuning_.block_target_bytes = 200;
  tuning_.block_max_bytes = 300;
  tuning_.block_small_bytes = 100;
  tuning_.confirm_piece_bytes = 700;
  std::mt19937_64 generator(9);
  std::vector<Record> all;
  for (int i = 0; i < 600; ++i) {
    all.push_back(TestRecord(i, static_cast<RecordKind>(1 + i % 4)));
  }
  const std::vector<RecordView> universe = Sorted(all);
  struct Known {
    DeliveredState state;
    uint32_t epoch;
  };
  std::map<RecordView, Known> model;
  uint32_t epoch = 1;
  for (int step = 0; step < 1'000; ++step) {
    if (generator() % 40 == 0) ++epoch;
    std::vector<BlockUpdate> updates;
    const int percent = generator() % 3 == 0 ? 70 : 3;
    const size_t from = generator() % universe.size();
    const size_t end = generator() % 2 == 0
                           ? universe.size()
                           : std::min(universe.size(), from + 40);
    const bool removing = generator() % 2 == 0;
    for (size_t i = from; i < end; ++i) {
      if (static_cast<int>(generator() % 100) >= percent) continue;
      BlockUpdate& update = updates.emplace_back();
      update.record = universe[i];
      if (removing && generator() % 8 != 0) {
        model.erase(universe[i]);
        continue;
      }
      update.state = static_cast<DeliveredState>(1 + generator() % 4);
      update.absent_since = update.state == DeliveredState::kAbsentSince
                                ? static_cast<int64_t>(generator() % 1'000)
                                : 0;
      model[universe[i]] = {*update.state, epoch};
    }
    Update(updates, epoch);
    if (HasFatalFailure()) return;
    if (generator() % 30 == 0) Open();
    if (generator() % 150 == 0) {
      ASSERT_TRUE(
          database_->Clean(Family::kBlocks, PrefixRange(PlainKey(kList))).ok());
    }

    const Shape shape = Inspect();
    ASSERT_EQ(shape.entries, model.size());
    EXPECT_LE(shape.largest, 300 + 60);
    int64_t members = 0;
    for (const auto& [record, known] : model) {
      members += known.state == DeliveredState::kThere;
    }
    EXPECT_EQ(members_, members);
    for (int wanted : {100, 2}) {
      BlockCursor cursor(*database_, kList, epoch);
      for (RecordView record : universe) {
        if (static_cast<int>(generator() % 100) >= wanted) continue;
        absl::StatusOr<DeliveredEntry> entry = cursor.Find(record);
        ASSERT_TRUE(entry.ok()) << entry.status();
        const auto known = model.find(record);
        ASSERT_EQ(entry->state.has_value(), known != model.end());
        if (known == model.end()) continue;
        EXPECT_EQ(*entry->state, known->second.state);
        EXPECT_EQ(entry->unconfirmed, known->second.epoch < epoch);
      }
    }
    if (HasFailure()) {
      ADD_FAILURE() << "step " << step;
      return;
    }
  }
}

}  // namespace
}  // namespace connector::membership
