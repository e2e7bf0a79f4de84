#include "connector/membership/memory_disk.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/membership/database.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

using Sync = Database::Sync;

class MemoryDiskTest : public testing::Test {
 protected:
  static std::unique_ptr<Database> Open(const DatabaseOptions& options) {
    auto database = Database::Open(options);
    EXPECT_TRUE(database.ok()) << database.status();
    return *std::move(database);
  }
  std::unique_ptr<Database> OpenMemory() {
    DatabaseOptions options;
    options.open_db = disk_.Opener();
    return Open(options);
  }

  static absl::Status Put(Database& database, const std::string& key,
                          const std::string& value, Sync sync) {
    WriteSet set(database);
    set.Put(Family::kRuns, key, value);
    return database.Write(set, sync);
  }
  static std::string Get(Database& database, const std::string& key) {
    auto value = database.Get(Family::kRuns, key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value->value_or("nothing");
  }

  int Pick(int size) { return static_cast<int>(generator_() % size); }
  std::string PickKey() { return absl::StrCat("k", 10 + Pick(60)); }
  static std::string Show(const Scan& scan) {
    if (!scan.valid()) return "end";
    return absl::StrCat(scan.key(), "=", scan.value());
  }

  MemoryDisk disk_;
  std::mt19937_64 generator_{7};
};

// Call by call the same as a RocksDB on a disk, with both opened anew in
// between.
TEST_F(MemoryDiskTest, DoesWhatRocksdbDoes) {
  TempDirectory directory;
  DatabaseOptions options;
  options.path = directory.path();
  for (int life = 0; life < 4; ++life) {
    std::unique_ptr<Database> real = Open(options);
    std::unique_ptr<Database> memory = OpenMemory();
    for (int step = 0; step < 400; ++step) {
      const Family family = Pick(2) == 0 ? Family::kRuns : Family::kBlocks;
      WriteSet real_set(*real);
      WriteSet memory_set(*memory);
      // Made before the write: must not see it.
      KeyRange range{PickKey(), PickKey()};
      if (range.begin > range.end) std::swap(range.begin, range.end);
      Scan real_before(*real, family, range);
      Scan memory_before(*memory, family, range);
      for (int i = Pick(4); i >= 0; --i) {
        const std::string key = PickKey();
        const std::string value = absl::StrCat(generator_() % 1000);
        switch (Pick(8)) {
          case 0: {
            KeyRange gone{key, PickKey()};
            if (gone.begin > gone.end) std::swap(gone.begin, gone.end);
            real_set.DeleteRange(family, gone);
            memory_set.DeleteRange(family, gone);
            break;
          }
          case 1:
          case 2:
            real_set.Delete(family, key);
            memory_set.Delete(family, key);
            break;
          case 3:
            real_set.Put(family, key, "head", value);
            memory_set.Put(family, key, "head", value);
            break;
          default:
            real_set.Put(family, key, value);
            memory_set.Put(family, key, value);
        }
      }
      const Sync sync = Pick(3) == 0 ? Sync::kYes : Sync::kNo;
      ASSERT_TRUE(real->Write(real_set, sync).ok());
      ASSERT_TRUE(memory->Write(memory_set, sync).ok());
      const std::string key = PickKey();
      ASSERT_EQ(*real->Get(family, key), *memory->Get(family, key));
      Scan real_after(*real, family, range);
      Scan memory_after(*memory, family, range);
      for (auto [a, b] : {std::make_pair(&real_before, &memory_before),
                          std::make_pair(&real_after, &memory_after)}) {
        for (int move = 0; move < 12; ++move) {
          const std::string target = PickKey();
          switch (a->valid() ? Pick(6) : Pick(4)) {
            case 0:
              a->SeekToFirst();
              b->SeekToFirst();
              break;
            case 1:
              a->SeekToLast();
              b->SeekToLast();
              break;
            case 2:
              a->Seek(target);
              b->Seek(target);
              break;
            case 3:
              a->SeekForPrev(target);
              b->SeekForPrev(target);
              break;
            case 4:
              a->Next();
              b->Next();
              break;
            default:
              a->Prev();
              b->Prev();
          }
          ASSERT_EQ(Show(*a), Show(*b)) << "range " << range.begin << " to "
                                        << range.end << " target " << target;
        }
      }
    }
  }
}

TEST_F(MemoryDiskTest, LosesWhatWasNotSyncedFromTheEnd) {
  {
    auto database = OpenMemory();
    ASSERT_TRUE(Put(*database, "a", "1", Sync::kNo).ok());
    ASSERT_TRUE(Put(*database, "b", "1", Sync::kYes).ok());
    ASSERT_TRUE(Put(*database, "a", "2", Sync::kNo).ok());
    ASSERT_TRUE(Put(*database, "c", "1", Sync::kNo).ok());
    ASSERT_TRUE(Put(*database, "a", "3", Sync::kNo).ok());
    WriteSet set(*database);
    set.DeleteRange(Family::kRuns, {"a", "c"});
    ASSERT_TRUE(database->Write(set, Sync::kNo).ok());
    EXPECT_EQ(Get(*database, "b"), "nothing");
  }
  EXPECT_EQ(disk_.unsynced_writes(), 4);
  disk_.LoseUnsynced(2);
  auto database = OpenMemory();
  EXPECT_EQ(Get(*database, "a"), "2");
  EXPECT_EQ(Get(*database, "b"), "1");
  EXPECT_EQ(Get(*database, "c"), "1");
  EXPECT_EQ(disk_.unsynced_writes(), 0);
}

TEST_F(MemoryDiskTest, DiesBeforeOrAfterAWrite) {
  for (bool after : {false, true}) {
    auto database = OpenMemory();
    ASSERT_TRUE(Put(*database, "a", "old", Sync::kYes).ok());
    disk_.DieAtWrite(2, after);
    EXPECT_TRUE(Put(*database, "b", "1", Sync::kYes).ok());
    EXPECT_FALSE(disk_.dead());
    EXPECT_FALSE(Put(*database, "a", "new", Sync::kYes).ok());
    EXPECT_TRUE(disk_.dead());
    EXPECT_EQ(disk_.died_after_write(), after);
    EXPECT_FALSE(Put(*database, "c", "1", Sync::kYes).ok());
    database = nullptr;
    database = OpenMemory();
    EXPECT_FALSE(disk_.dead());
    EXPECT_EQ(Get(*database, "a"), after ? "new" : "old");
    EXPECT_EQ(Get(*database, "b"), "1");
    EXPECT_EQ(Get(*database, "c"), "nothing");
    EXPECT_TRUE(Put(*database, "c", "2", Sync::kYes).ok());
    WriteSet set(*database);
    set.Delete(Family::kRuns, "c");
    EXPECT_TRUE(database->Write(set, Sync::kYes).ok());
  }
}

}  // namespace
}  // namespace connector::membership
