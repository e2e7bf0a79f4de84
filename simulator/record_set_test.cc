#include "simulator/record_set.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace simulator {
namespace {

using ::testing::ElementsAre;

const std::string kHash(64, 'a');

TEST(RecordSetTest, HoldsRecordsExactlyAsSent) {
  RecordSet set;
  EXPECT_TRUE(set.Add(kHash));
  EXPECT_FALSE(set.Add(kHash));
  EXPECT_TRUE(set.Add(std::string(64, 'A')));
  EXPECT_TRUE(set.Add(std::string(40, '1')));
  EXPECT_TRUE(set.Add("someone@example.com"));
  EXPECT_TRUE(set.Add(" someone@example.com"));
  EXPECT_EQ(set.size(), 5u);
  EXPECT_TRUE(set.Contains(kHash));
  EXPECT_FALSE(set.Contains(std::string(64, 'b')));
  EXPECT_THAT(set.Sorted(),
              ElementsAre(" someone@example.com", std::string(40, '1'),
                          std::string(64, 'A'), kHash, "someone@example.com"));
}

TEST(RecordSetTest, CountsWhatIsNotALowerCaseHexDigest) {
  RecordSet set;
  set.Add(kHash);
  set.Add(std::string(40, '0'));
  set.Add(std::string(32, 'f'));
  EXPECT_EQ(set.unhashed(), 0u);
  set.Add(std::string(64, 'F'));
  set.Add(std::string(63, 'f'));
  set.Add(std::string(63, 'f') + "g");
  set.Add("a@b.example");
  EXPECT_EQ(set.unhashed(), 4u);
  set.Add("a@b.example");
  EXPECT_EQ(set.unhashed(), 4u);
  set.Remove("a@b.example");
  set.Remove("not there");
  EXPECT_EQ(set.unhashed(), 3u);
}

TEST(RecordSetTest, SplitsAtCommasAndLeavesEmptyRecordsOut) {
  std::vector<std::string> seen;
  auto visit = [&](absl::string_view record) { seen.emplace_back(record); };
  EXPECT_EQ(ForEachRecord("a,,b,", visit), 2u);
  EXPECT_THAT(seen, ElementsAre("a", "b"));
  EXPECT_EQ(ForEachRecord("", visit), 0u);
  EXPECT_EQ(ForEachRecord(",,", visit), 0u);
  EXPECT_EQ(ForEachRecord("one", visit), 1u);
}

// A plain std::set says what is right, over random adds and removals.
TEST(RecordSetTest, AgreesWithAPlainSet) {
  std::mt19937_64 random(7);
  std::vector<std::string> pool;
  for (int i = 0; i < 300; ++i) {
    std::string record;
    size_t length = std::vector<size_t>{64, 64, 64, 40, 32, 7}[random() % 6];
    // Few digits, so that near misses and repeats happen.
    for (size_t j = 0; j < length; ++j)
      record += "01afAg"[random() % (i % 6 + 1)];
    pool.push_back(record);
  }
  RecordSet set;
  std::set<std::string> model;
  for (int i = 0; i < 20000; ++i) {
    const std::string& record = pool[random() % pool.size()];
    if (random() % 2 == 0) {
      ASSERT_EQ(set.Add(record), model.insert(record).second);
    } else {
      ASSERT_EQ(set.Remove(record), model.erase(record) == 1);
    }
    ASSERT_EQ(set.Contains(record), model.count(record) == 1);
    ASSERT_EQ(set.size(), model.size());
  }
  EXPECT_EQ(set.Sorted(), std::vector<std::string>(model.begin(), model.end()));
  size_t unhashed = 0;
  for (const std::string& record : model) unhashed += !IsHexDigest(record);
  EXPECT_EQ(set.unhashed(), unhashed);
}

// Large enough to be split twice.
TEST(RecordSetTest, ALargeSetHoldsTheSameAsASmallOne) {
  std::mt19937_64 random(8);
  const auto make = [&] {
    std::string record;
    for (int word = 0; word < 4; ++word) {
      record += absl::StrCat(absl::Hex(random(), absl::kZeroPad16));
    }
    return record;
  };
  RecordSet set;
  std::set<std::string> model = {"not a digest"};
  set.Add("not a digest");
  for (int i = 0; i < 150'000; ++i) {
    const std::string record = make();
    ASSERT_EQ(set.Add(record), model.insert(record).second);
    ASSERT_FALSE(set.Add(record));
    if (i % 5 == 0) {
      // Some that came before a split.
      const std::string gone = *model.lower_bound(make().substr(0, 4));
      ASSERT_EQ(set.Remove(gone), model.erase(gone) == 1);
      ASSERT_FALSE(set.Contains(gone));
    }
  }
  EXPECT_EQ(set.size(), model.size());
  for (const std::string& record : model) ASSERT_TRUE(set.Contains(record));
  EXPECT_EQ(set.Sorted(), std::vector<std::string>(model.begin(), model.end()));
}

}  // namespace
}  // namespace simulator
