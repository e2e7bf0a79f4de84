#include "connector/membership/block_change.h"

#include <map>
#include <random>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

struct Known {
  DeliveredState state = DeliveredState::kThere;
  int64_t absent_since = 0;
  uint32_t epoch = 0;
};
using Model = std::map<std::string, Known>;

// What a block holds; an entry that is not believed has epoch 0.
Model Read(const std::string& block) {
  Model model;
  BlockReader reader(block);
  BlockEntry entry;
  while (reader.Next(&entry)) {
    std::string record(1, static_cast<char>(entry.kind));
    record += std::string(entry.payload);
    EXPECT_TRUE(model.empty() || model.rbegin()->first < record);
    model[record] = {entry.state, entry.absent_since,
                     entry.unconfirmed ? 0 : reader.epoch()};
  }
  EXPECT_TRUE(reader.status().ok()) << reader.status();
  return model;
}

void ExpectIs(const std::string& block, const Model& model, uint32_t epoch) {
  const Model read = Read(block);
  ASSERT_EQ(read.size(), model.size());
  for (const auto& [record, known] : model) {
    const auto found = read.find(record);
    ASSERT_NE(found, read.end());
    EXPECT_EQ(found->second.state, known.state);
    EXPECT_EQ(found->second.absent_since, known.absent_since);
    EXPECT_EQ(found->second.epoch, known.epoch < epoch ? 0 : epoch);
  }
}

// A map says what is right, whatever is put together first.
TEST(BlockChangeTest, ChangesDoTheSameInAnyGrouping) {
  std::mt19937_64 generator(11);
  std::vector<Record> universe;
  for (int i = 0; i < 60; ++i) {
    universe.push_back(TestRecord(i, static_cast<RecordKind>(1 + i % 4)));
  }
  const std::vector<RecordView> sorted = Sorted(universe);
  for (int round = 0; round < 300; ++round) {
    Model model;
    uint32_t epoch = 1 + generator() % 3;
    EntryBytes entries;
    for (RecordView record : sorted) {
      if (generator() % 2 == 0) continue;
      entries.Append(record, DeliveredState::kThere, 0);
      model[std::string(record.encoded())] = {DeliveredState::kThere, 0, epoch};
    }
    const std::string base = entries.Block(epoch, 0, entries.entries());

    std::vector<std::string> changes;
    const size_t count = 1 + generator() % 6;
    while (changes.size() < count) {
      if (generator() % 4 == 0) ++epoch;
      entries.Clear();
      for (RecordView record : sorted) {
        const std::string encoded(record.encoded());
        if (generator() % 6 != 0) continue;
        if (generator() % 3 == 0) {
          entries.AppendGone(record);
          model.erase(encoded);
          continue;
        }
        const auto state = static_cast<DeliveredState>(1 + generator() % 4);
        const int64_t since = state == DeliveredState::kAbsentSince
                                  ? static_cast<int64_t>(generator() % 1'000)
                                  : 0;
        entries.Append(record, state, since);
        model[encoded] = {state, since, epoch};
      }
      changes.push_back(entries.Change(epoch));
    }

    const std::vector<absl::string_view> all(changes.begin(), changes.end());
    const auto at_once = ApplyBlockChanges(base, all);
    ASSERT_TRUE(at_once.has_value());
    ExpectIs(*at_once, model, epoch);
    if (testing::Test::HasFatalFailure()) return;

    std::string one_by_one = base;
    for (const std::string& change : changes) {
      one_by_one = *ApplyBlockChanges(one_by_one, {change});
    }
    EXPECT_EQ(one_by_one, *at_once);

    const size_t from = generator() % changes.size();
    const size_t until = from + 1 + generator() % (changes.size() - from);
    const auto joined =
        JoinBlockChanges(absl::MakeConstSpan(all).subspan(from, until - from));
    ASSERT_TRUE(joined.has_value());
    std::vector<absl::string_view> fewer(all.begin(), all.begin() + from);
    fewer.push_back(*joined);
    fewer.insert(fewer.end(), all.begin() + until, all.end());
    EXPECT_EQ(*ApplyBlockChanges(base, fewer), *at_once);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "round " << round;
      return;
    }
  }
}

TEST(BlockChangeTest, TheFormIsHeldAsBytes) {
  EntryBytes entries;
  const Record record = TestRecord(1, RecordKind::kOpaque);
  entries.AppendGone(record);
  const std::string payload(record.payload());
  EXPECT_EQ(entries.Change(5), std::string("\1\1\5\1\4", 5) +
                                   static_cast<char>(payload.size()) + payload);
}

TEST(BlockChangeTest, WhatCannotBeReadIsRefused) {
  EntryBytes entries;
  entries.Append(TestRecord(1), DeliveredState::kThere, 0);
  const std::string block = entries.Block(1, 0, 1);
  const std::string change = entries.Change(1);
  EXPECT_TRUE(ApplyBlockChanges(block, {change}).has_value());
  // Neither is the other.
  EXPECT_FALSE(ApplyBlockChanges(change, {change}).has_value());
  EXPECT_FALSE(ApplyBlockChanges(block, {block}).has_value());
  EXPECT_FALSE(JoinBlockChanges({change, block}).has_value());
  for (size_t size = 0; size < change.size(); ++size) {
    EXPECT_FALSE(ApplyBlockChanges(block, {change.substr(0, size)}).has_value())
        << size;
  }
  // A block has no entry that is gone.
  entries.Clear();
  entries.AppendGone(TestRecord(1));
  EXPECT_TRUE(JoinBlockChanges({entries.Change(1)}).has_value());
  EXPECT_FALSE(ApplyBlockChanges(entries.Block(1, 0, 1), {change}).has_value());
}

}  // namespace
}  // namespace connector::membership
