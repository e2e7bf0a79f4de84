// Profiles and holders in the store.

#include "connector/membership/people.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "connector/membership/database_options.h"
#include "connector/membership/sorted_blocks.h"
#include "connector/membership/statement_run.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

class MemorySorter final : public PeopleSorter {
 public:
  absl::Status Add(const Item& item) override {
    items_.emplace_back(std::string(item.key), item.order,
                        std::string(item.rest));
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    std::stable_sort(items_.begin(), items_.end(),
                     [](const auto& a, const auto& b) {
                       return std::tie(std::get<0>(a), std::get<1>(a)) <
                              std::tie(std::get<0>(b), std::get<1>(b));
                     });
    return absl::OkStatus();
  }
  absl::StatusOr<bool> Next(Item* item) override {
    if (next_ == items_.size()) return false;
    const auto& [key, order, rest] = items_[next_++];
    *item = {key, order, rest};
    return true;
  }

 private:
  std::vector<std::tuple<std::string, EventOrder, std::string>> items_;
  size_t next_ = 0;
};

class PeopleStoreTest : public StoreTest {
 protected:
  static Holder HolderOf(int key) {
    Holder holder = {};
    holder[0] = static_cast<uint8_t>(key);
    return holder;
  }
  // A batch of one profile, as the mapper makes it.
  static Batch Profile(const SegmentRow& segment, int key,
                       const std::vector<Record>& records,
                       std::optional<Change> change) {
    Batch batch;
    batch.destination = segment.destination;
    batch.max_backlog_bytes = int64_t{1} << 40;
    const Holder holder = HolderOf(key);
    std::vector<std::pair<SegmentNumber, Change>> memberships;
    if (change.has_value()) {
      SegmentChanges& changes = batch.segments.emplace_back();
      changes.segment = segment.number;
      changes.list = segment.list;
      changes.keyed = true;
      changes.counts.received = static_cast<int64_t>(records.size());
      changes.run.AdvanceTo(1);
      for (const Record& record : records) {
        changes.run.Add(*change, record, true, std::nullopt, &holder);
      }
      memberships.emplace_back(segment.number, *change);
    }
    batch.statements.Add(
        holder, 0, std::vector<RecordView>(records.begin(), records.end()),
        memberships);
    batch.places = 1 + records.size();
    return batch;
  }
  absl::Status BringUp(DestinationNumber destination) {
    People::BringUpOptions options;
    options.make_sorter = [] { return std::make_unique<MemorySorter>(); };
    return store_->BringUp(destination, options);
  }
  // Whether the bytes stand anywhere in the family.
  bool FamilyHas(absl::string_view bytes) {
    store_.reset();
    DatabaseOptions options;
    options.path = options_.path;
    auto database = Database::Open(options);
    EXPECT_TRUE(database.ok()) << database.status();
    bool has = false;
    {
      Scan scan(**database, Family::kPeople,
                {std::string(), std::string(8, '\xff')});
      for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
        has |= scan.key().find(bytes) != absl::string_view::npos ||
               scan.value().find(bytes) != absl::string_view::npos;
      }
      EXPECT_TRUE(scan.status().ok());
    }
    database->reset();
    Reopen();
    return has;
  }
};

TEST_F(PeopleStoreTest, NoPassGoesBeyondWhatIsBroughtIn) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  ASSERT_TRUE(Commit(MakeBatch(segment, {TestRecord(1)})).ok());
  EXPECT_EQ(store_->PassableCommit(segment.list), store_->SyncedCommit());
  ASSERT_TRUE(Commit(Profile(segment, 1, {TestRecord(2)}, Change::kAdd)).ok());
  EXPECT_EQ(store_->PassableCommit(segment.list), store_->SyncedCommit() - 1);
  EXPECT_FALSE(store_->FindPendingList(segment.list)->held_back);
  EXPECT_EQ(Runs(segment.list, Change::kAdd).size(), 1u);
  ASSERT_EQ(store_->WaitingForPeople().size(), 1u);
  Reopen();
  EXPECT_EQ(store_->PassableCommit(segment.list), store_->SyncedCommit() - 1);
  ASSERT_TRUE(BringUp(segment.destination).ok());
  EXPECT_EQ(store_->PassableCommit(segment.list), store_->SyncedCommit());
  EXPECT_EQ(Runs(segment.list, Change::kAdd).size(), 2u);
  EXPECT_TRUE(store_->WaitingForPeople().empty());
  Reopen();
  EXPECT_EQ(store_->PassableCommit(segment.list), store_->SyncedCommit());
  // A statement alone holds the lists of all held segments back.
  ASSERT_TRUE(SettleAll(segment.list).ok());
  ASSERT_TRUE(Commit(Profile(segment, 1, {}, std::nullopt)).ok());
  EXPECT_EQ(store_->PassableCommit(segment.list), store_->SyncedCommit() - 1);
  ASSERT_TRUE(BringUp(segment.destination).ok());
  EXPECT_EQ(Runs(segment.list, Change::kRemove),
            std::vector<Record>{TestRecord(2)});
}

TEST_F(PeopleStoreTest, WhatWaitsIsInTheBacklogAndGoesWithTheDestination) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  Batch first = Profile(segment, 1, {TestRecord(2)}, Change::kAdd);
  ASSERT_TRUE(Commit(std::move(first)).ok());
  Batch second = Profile(segment, 1, {}, std::nullopt);
  second.max_backlog_bytes = 60;
  EXPECT_EQ(CommitReason(std::move(second)), "BACKLOG_FULL");
  ASSERT_TRUE(BringUp(segment.destination).ok());
  ASSERT_TRUE(Commit(Profile(segment, 2, {TestRecord(3)}, Change::kAdd)).ok());
  ASSERT_TRUE(store_->DeleteDestination(segment.destination).ok());
  EXPECT_TRUE(store_->WaitingForPeople().empty());
  EXPECT_FALSE(FamilyHas(TestRecord(2).payload()));
  EXPECT_FALSE(FamilyHas(TestRecord(3).payload()));
}

TEST_F(PeopleStoreTest, APurgedRecordIsInNoProfileAndInNoSegment) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(
        Commit(Profile(segment, i % 200, {TestRecord(i), TestRecord(i + 1)},
                       Change::kAdd))
            .ok());
  }
  ASSERT_TRUE(BringUp(segment.destination).ok());
  EXPECT_TRUE(FamilyHas(TestRecord(410).payload()));
  const std::vector<Record> purged = {TestRecord(410), TestRecord(9999)};
  // An exit without a key, as a request to forget makes it.
  ASSERT_TRUE(Commit(MakeBatch(segment, {}, purged)).ok());
  ASSERT_TRUE(BringUp(segment.destination).ok());
  ASSERT_TRUE(store_->PurgePeople(segment.destination, purged).ok());
  EXPECT_FALSE(FamilyHas(TestRecord(410).payload()));
  EXPECT_TRUE(FamilyHas(TestRecord(411).payload()));
  EXPECT_TRUE(store_->PurgePeople(99, purged).code() ==
              absl::StatusCode::kNotFound);
  // Its profile is still known by its other record, which another one shares.
  ASSERT_TRUE(SettleAll(segment.list).ok());
  ASSERT_TRUE(Commit(Profile(segment, 409 % 200, {}, std::nullopt)).ok());
  ASSERT_TRUE(BringUp(segment.destination).ok());
  EXPECT_TRUE(Runs(segment.list, Change::kRemove).empty());
  ASSERT_TRUE(Commit(Profile(segment, 408 % 200, {}, std::nullopt)).ok());
  ASSERT_TRUE(BringUp(segment.destination).ok());
  EXPECT_EQ(Runs(segment.list, Change::kRemove),
            std::vector<Record>{TestRecord(409)});
}

TEST_F(PeopleStoreTest, AFullSyncEndsWhereHoldersBegin) {
  const SegmentRow segment = MakeSegment(MakeDestination());
  Batch begin;
  begin.destination = segment.destination;
  begin.full_sync = FullSyncFrame{FullSyncFrame::Kind::kBegin, segment.number,
                                  segment.list, absl::Hours(1)};
  ASSERT_TRUE(Commit(Numbered(begin, "e", 1)).ok());
  ASSERT_TRUE(
      Commit(Numbered(MakeBatch(segment, {TestRecord(1)}), "e", 2)).ok());
  ASSERT_TRUE(Commit(Profile(segment, 1, {TestRecord(2)}, Change::kAdd)).ok());
  ASSERT_EQ(store_->FindFullSyncs(segment.list).size(), 1u);
  EXPECT_EQ(store_->FindFullSyncs(segment.list)[0].state,
            FullSyncState::kDiscarded);
  // Taken as ordinary ones its additions would be half of what it declared.
  ASSERT_TRUE(
      Commit(Numbered(MakeBatch(segment, {TestRecord(3)}), "e", 3)).ok());
  EXPECT_EQ(CommitReason(Numbered(begin, "e", 4)), "SEGMENT_NOT_TAKEN");
  ASSERT_TRUE(BringUp(segment.destination).ok());
  EXPECT_EQ(Runs(segment.list, Change::kAdd),
            std::vector<Record>{TestRecord(2)});
  ASSERT_TRUE(SettleAll(segment.list, {.delivered = 1}).ok());
  EXPECT_EQ(store_->Report(segment.destination)->segments[0].counts.pending(),
            0);
}

TEST_F(PeopleStoreTest, AStoreOfAnEarlierBuildOpens) {
  store_.reset();
  // All families but the newest one.
  TempDirectory directory;
  std::filesystem::create_directories(directory.path());
  DatabaseSetup setup = SetUpDatabase(8 << 20, 0, rocksdb::Env::Default());
  ASSERT_EQ(setup.families.back().name, "people");
  setup.families.pop_back();
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  ASSERT_TRUE(rocksdb::DB::Open(setup.options, directory.path() + "/rocksdb",
                                setup.families, &handles, &db)
                  .ok());
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  ASSERT_TRUE(db->Close().ok());
  delete db;
  std::filesystem::permissions(directory.path(),
                               std::filesystem::perms::owner_all);
  options_.path = directory.path();
  Reopen();
  ASSERT_NE(store_, nullptr);
  const SegmentRow segment = MakeSegment(MakeDestination());
  ASSERT_TRUE(Commit(Profile(segment, 1, {TestRecord(2)}, Change::kAdd)).ok());
  ASSERT_TRUE(BringUp(segment.destination).ok());
  EXPECT_EQ(Runs(segment.list, Change::kAdd).size(), 1u);
  store_.reset();
}

TEST(StatementRun, ReadsAsItWasWritten) {
  StatementBuilder builder;
  EXPECT_TRUE(builder.empty());
  const Holder holder = {1, 2, 3};
  const std::vector<Record> records = {TestRecord(5, RecordKind::kOpaque),
                                       TestRecord(1, RecordKind::kMd5),
                                       TestRecord(5, RecordKind::kOpaque)};
  const std::vector<RecordView> views(records.begin(), records.end());
  const std::vector<std::pair<SegmentNumber, Change>> memberships = {
      {9, Change::kAdd}, {4, Change::kAdd}, {9, Change::kRemove}};
  builder.Add(holder, 3, views, memberships);
  builder.Add(kNoKey, 10, {}, {});
  const std::string value = builder.Value(100);
  StatementReader reader(value);
  Holder read;
  EventOrder order = 0;
  absl::string_view body;
  ASSERT_TRUE(reader.Next(&read, &order, &body));
  EXPECT_EQ(read, holder);
  EXPECT_EQ(order, 103u);
  auto statement = DecodeStatement(body);
  ASSERT_TRUE(statement.ok());
  EXPECT_EQ(statement->records,
            (std::vector<std::string>{std::string(records[1].encoded()),
                                      std::string(records[0].encoded())}));
  EXPECT_EQ(statement->memberships,
            (std::vector<std::pair<SegmentNumber, Change>>{
                {4, Change::kAdd}, {9, Change::kRemove}}));
  ASSERT_TRUE(reader.Next(&read, &order, &body));
  EXPECT_EQ(order, 110u);
  EXPECT_TRUE(DecodeStatement(body)->records.empty());
  EXPECT_FALSE(reader.Next(&read, &order, &body));
  EXPECT_TRUE(reader.status().ok());
  // What is cut off, or stands behind, is damage.
  for (size_t size = 0; size < value.size(); ++size) {
    StatementReader cut(absl::string_view(value).substr(0, size));
    while (cut.Next(&read, &order, &body)) {
    }
    EXPECT_FALSE(cut.status().ok()) << size;
  }
  const std::string longer = value + "x";
  StatementReader behind(longer);
  while (behind.Next(&read, &order, &body)) {
  }
  EXPECT_FALSE(behind.status().ok());
}

// Random walks over blocks, against a map.
TEST_F(PeopleStoreTest, BlocksHoldWhatAMapWould) {
  store_.reset();
  TempDirectory directory;
  DatabaseOptions options;
  options.path = directory.path();
  auto database = Database::Open(options);
  ASSERT_TRUE(database.ok());
  StoreTuning tuning;
  tuning.block_target_bytes = 300;
  tuning.block_max_bytes = 450;
  std::mt19937_64 random(5);
  std::map<std::string, std::string> model;
  const std::string prefix = "h0001";
  WriteSet others(**database);
  others.Put(Family::kPeople, "h0000zz", "neighbour");
  others.Put(Family::kPeople, "h0002", "neighbour");
  ASSERT_TRUE((*database)->Write(others, Database::Sync::kNo).ok());
  for (int walk = 0; walk < 300; ++walk) {
    std::map<std::string, int> touched;
    const int keys =
        1 + static_cast<int>(random() % (walk % 10 == 0 ? 3000 : 20));
    for (int i = 0; i < keys; ++i) {
      touched[absl::StrCat(random() % 4000)] =
          static_cast<int>(random() % (walk % 40 > 30 ? 4 : 10));
    }
    WriteSet set(**database);
    SortedBlocks blocks(**database, tuning, prefix, set);
    for (const auto& [key, what] : touched) {
      auto found = blocks.Find(key);
      ASSERT_TRUE(found.ok()) << found.status();
      const auto known = model.find(key);
      ASSERT_EQ(*found != nullptr, known != model.end());
      if (*found != nullptr) {
        ASSERT_EQ(**found, known->second);
      }
      if (what < 3) {
        blocks.Erase();
        model.erase(key);
      } else if (what < 9) {
        // Some are larger than a block may be.
        const std::string value(random() % (random() % 200 == 0 ? 90'000 : 60),
                                static_cast<char>('a' + random() % 26));
        blocks.Put(value);
        model[key] = value;
      }
    }
    ASSERT_TRUE(blocks.Finish().ok());
    ASSERT_TRUE((*database)->Write(set, Database::Sync::kNo).ok());
    std::map<std::string, std::string> stored;
    std::string last;
    Scan scan(**database, Family::kPeople, PrefixRange(prefix));
    for (scan.SeekToFirst(); scan.valid(); scan.Next()) {
      SortedBlockReader reader(scan.value());
      absl::string_view key;
      absl::string_view value;
      while (reader.Next(&key, &value)) {
        ASSERT_LE(scan.key().substr(prefix.size()), key);
        ASSERT_TRUE(stored.empty() || last < std::string(key));
        last = std::string(key);
        stored[last] = std::string(value);
      }
      ASSERT_TRUE(reader.status().ok());
    }
    ASSERT_EQ(stored == model, true) << "walk " << walk;
  }
}

}  // namespace
}  // namespace connector::membership
