// Tables of deleted ranges go by themselves.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "connector/membership/database.h"
#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

constexpr int64_t kStale = 100'000;

class CompactionTest : public testing::Test {
 protected:
  CompactionTest() { Open(); }

  // What was written before is in tables then.
  void Open() {
    database_.reset();
    DatabaseOptions options;
    options.path = directory_.path();
    options.memory_budget = 8 << 20;
    options.stale_bytes = kStale;
    database_ = *Database::Open(options);
  }
  void Fill(int from, int to) {
    WriteSet set(*database_);
    for (int i = from; i < to; ++i) {
      set.Put(Family::kRuns, Key(i), std::string(1'000, 'x'));
    }
    ASSERT_TRUE(database_->Write(set, Database::Sync::kYes).ok());
    Open();
  }
  void Delete(int from, int to) {
    WriteSet set(*database_);
    set.DeleteRange(Family::kRuns, {Key(from), Key(to)});
    ASSERT_TRUE(database_->Write(set, Database::Sync::kYes).ok());
  }
  static std::string Key(int i) { return absl::StrCat(100'000 + i); }
  int64_t Bytes() { return database_->TableBytes(Family::kRuns); }
  // Whether the tables come to be smaller than this, within a while.
  bool ComeToBeSmallerThan(int64_t bytes, absl::Duration within) {
    const absl::Time deadline = absl::Now() + within;
    while (absl::Now() < deadline) {
      if (Bytes() < bytes) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return Bytes() < bytes;
  }
  int Rows() {
    int rows = 0;
    Scan scan(*database_, Family::kRuns, {Key(0), Key(800'000)});
    for (scan.SeekToFirst(); scan.valid(); scan.Next()) ++rows;
    return rows;
  }

  TempDirectory directory_;
  std::unique_ptr<Database> database_;
};

TEST_F(CompactionTest, WhatWasDeletedLeavesTheTables) {
  Fill(0, 1'000);
  ASSERT_GT(Bytes(), 1'000'000);
  Delete(0, 900);
  ASSERT_GT(Bytes(), 1'000'000);
  database_->CompactWhenStale(Family::kRuns, [&] { return int64_t{100'000}; });
  EXPECT_TRUE(ComeToBeSmallerThan(150'000, absl::Seconds(30))) << Bytes();
  EXPECT_EQ(Rows(), 100);
  // And again, when more was.
  Fill(1'000, 2'000);
  Delete(0, 2'000);
  database_->CompactWhenStale(Family::kRuns, [&] { return int64_t{0}; });
  EXPECT_TRUE(ComeToBeSmallerThan(50'000, absl::Seconds(30))) << Bytes();
  EXPECT_EQ(Rows(), 0);
}

TEST_F(CompactionTest, WhatIsMostlyAliveIsLeftAlone) {
  Fill(0, 1'000);
  Delete(0, 400);
  const int64_t before = Bytes();
  database_->CompactWhenStale(Family::kRuns, [&] { return int64_t{600'000}; });
  // Nor what is little.
  database_->CompactWhenStale(
      Family::kRuns, [&] { return int64_t{(before - kStale) / 2 + 1}; });
  // Closing waits for what is under way.
  Open();
  EXPECT_GE(Bytes(), before);
  EXPECT_EQ(Rows(), 600);
}

TEST_F(CompactionTest, ACloseEndsOneThatIsUnderWay) {
  for (int round = 0; round < 5; ++round) {
    Fill(0, 2'000);
    Delete(0, 1'900);
    database_->CompactWhenStale(Family::kRuns, [&] { return int64_t{0}; });
    Open();
    EXPECT_EQ(Rows(), 100);
  }
}

TEST_F(CompactionTest, CleaningIsNotDisturbedByOne) {
  for (int round = 0; round < 10; ++round) {
    Fill(0, 1'000);
    Delete(0, 1'000);
    database_->CompactWhenStale(Family::kRuns, [&] { return int64_t{0}; });
    ASSERT_TRUE(database_->Clean(Family::kRuns, {Key(0), Key(800'000)}).ok());
    // Neither has left anything.
    EXPECT_EQ(Bytes(), 0);
  }
}

}  // namespace
}  // namespace connector::membership
