#include "connector/membership/audience_table.h"

#include <memory>
#include <string>

#include "connector/base/fake_clock.h"
#include "connector/membership/audience_rows.h"
#include "connector/membership/memory_disk.h"
#include "connector/membership/rocksdb_store.h"
#include "gtest/gtest.h"

namespace connector::membership {
namespace {

constexpr char kAccount[] = "549755885175";

AudienceRow FullRow() {
  AudienceRow row;
  row.audience_id = "2542600000001";
  row.rule = "4000001";
  row.name = "gold";
  row.description = "the best";
  row.creation_attempt_time = absl::FromUnixSeconds(5);
  row.attempted_rule = "4000002";
  row.status = "READY";
  row.size = 120;
  row.first_seen_time = absl::FromUnixSeconds(6);
  row.status_time = absl::FromUnixSeconds(7);
  row.last_poll_time = absl::FromUnixSeconds(8);
  row.last_error = "odd";
  row.twins = 3;
  row.wanted_name = "Gold";
  row.wanted_description = "";
  row.retired = true;
  row.retirement_confirmed = true;
  row.abandoned_ids = {"1", "2"};
  row.replace_if_ended = true;
  row.revive_time = absl::FromUnixSeconds(9);
  return row;
}

TEST(AudienceRowsTest, ReadsWhatItWrote) {
  for (const AudienceRow& row : {AudienceRow(), FullRow()}) {
    const auto read = DecodeAudience(EncodeAudience(row));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(EncodeAudience(*read), EncodeAudience(row));
    EXPECT_EQ(read->size, row.size);
    EXPECT_EQ(read->wanted_description, row.wanted_description);
    EXPECT_EQ(read->creation_attempt_time, row.creation_attempt_time);
  }
  const std::string value = EncodeAudience(FullRow());
  // A row of an earlier build ends before `revive_time`.
  AudienceRow earlier = FullRow();
  earlier.revive_time = absl::InfinitePast();
  int whole = 0;
  for (size_t size = 0; size < value.size(); ++size) {
    const auto cut = DecodeAudience(value.substr(0, size));
    if (!cut.has_value()) continue;
    ++whole;
    EXPECT_EQ(EncodeAudience(*cut), EncodeAudience(earlier));
  }
  EXPECT_EQ(whole, 1);
  EXPECT_FALSE(DecodeAudience(value + "x").has_value());
  ListCounterRow counters;
  counters.epoch = 7;
  counters.customer_list_id = "4000001";
  counters.has_base = true;
  counters.base = {1, 2, 3};
  counters.sent = {4, 5, 6};
  counters.open = {7, 8, 9};
  counters.foreign = {10, 11, 12};
  const auto read = DecodeListCounters(EncodeListCounters(counters));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(EncodeListCounters(*read), EncodeListCounters(counters));
  EXPECT_EQ(read->foreign.batches, 12);
}

TEST(AudienceRowsTest, KeysTellAudiencesApart) {
  AudienceKey segment;
  segment.destination = 3;
  segment.segment = 9;
  AudienceKey declared;
  declared.destination = 3;
  declared.type = "VISITOR";
  declared.name = "a name";
  for (const AudienceKey& key : {segment, declared}) {
    const auto parts = ParseAudienceKey(AudienceKeyBytes(key));
    ASSERT_TRUE(parts.has_value());
    EXPECT_TRUE(parts->audience == key);
    EXPECT_FALSE(ParseAudienceKey(AudienceKeyBytes(key) + "x").has_value());
  }
  const auto list = ParseAudienceKey(CounterKeyBytes(3, 9));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->list, 9u);
  EXPECT_FALSE(ParseAudienceKey("A").has_value());
}

class AudienceTableTest : public testing::Test {
 protected:
  void Open() {
    store_.reset();
    StoreOptions options;
    options.path = testing::TempDir() + "/audience-table";
    options.clock = &clock_;
    StoreTuning tuning;
    tuning.open_db = disk_.Opener();
    auto store = OpenRocksdbStore(options, tuning);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  FakeClock clock_;
  MemoryDisk disk_;
  std::unique_ptr<MembershipStore> store_;
};

TEST_F(AudienceTableTest, OutlivesTheProcessAndGoesWithTheDestination) {
  Open();
  const auto destination = store_->PutDestination(kAccount, "");
  const auto other = store_->PutDestination("549755885176", "");
  ASSERT_TRUE(destination.ok() && other.ok());
  const auto segment =
      store_->EnsureSegment(destination->number, "ups", "gold", "", 250);
  ASSERT_TRUE(segment.ok());
  AudienceKey key;
  key.destination = destination->number;
  key.segment = segment->number;
  AudienceKey declared;
  declared.destination = destination->number;
  declared.type = "VISITOR";
  declared.name = "v";
  EXPECT_FALSE(store_->FindAudience(key).has_value());
  ASSERT_TRUE(
      store_->ChangeAudience(key, [](AudienceRow& row) { row = FullRow(); })
          .ok());
  ASSERT_TRUE(store_
                  ->NoteAudience(declared,
                                 [](AudienceRow& row) { row.status = "READY"; })
                  .ok());
  ASSERT_TRUE(
      store_
          ->ChangeCounters(segment->list,
                           [](ListCounterRow& row) { row.told.uploaded = 5; })
          .ok());
  // Of another destination, or of none.
  AudienceKey wrong = key;
  wrong.destination = other->number;
  EXPECT_TRUE(absl::IsNotFound(
      store_->ChangeAudience(wrong, [](AudienceRow&) {}).status()));
  wrong.segment = 999;
  EXPECT_TRUE(absl::IsNotFound(
      store_->ChangeAudience(wrong, [](AudienceRow&) {}).status()));

  Open();
  ASSERT_TRUE(store_->FindAudience(key).has_value());
  EXPECT_EQ(store_->FindAudience(key)->audience_id, "2542600000001");
  EXPECT_EQ(store_->FindAudience(declared)->status, "READY");
  EXPECT_EQ(store_->FindCounters(segment->list)->told.uploaded, 5);
  EXPECT_EQ(store_->Audiences(destination->number).size(), 2u);
  EXPECT_TRUE(store_->Audiences(other->number).empty());

  ASSERT_TRUE(store_->DeleteAudience(declared).ok());
  EXPECT_FALSE(store_->FindAudience(declared).has_value());
  ASSERT_TRUE(store_->DeleteDestination(destination->number).ok());
  EXPECT_FALSE(store_->FindAudience(key).has_value());
  EXPECT_FALSE(store_->FindCounters(segment->list).has_value());
  EXPECT_TRUE(absl::IsNotFound(
      store_->ChangeCounters(segment->list, [](ListCounterRow&) {})));
  Open();
  EXPECT_FALSE(store_->FindAudience(key).has_value());
}

TEST_F(AudienceTableTest, WhatIsChangedDurablySurvivesALostLog) {
  Open();
  const auto destination = store_->PutDestination(kAccount, "");
  AudienceKey key;
  key.destination = destination->number;
  key.type = "VISITOR";
  key.name = "v";
  ASSERT_TRUE(
      store_
          ->ChangeAudience(key, [](AudienceRow& row) { row.audience_id = "1"; })
          .ok());
  ASSERT_TRUE(
      store_->NoteAudience(key, [](AudienceRow& row) { row.status = "READY"; })
          .ok());
  store_.reset();
  disk_.LoseUnsynced(0);
  Open();
  EXPECT_EQ(store_->FindAudience(key)->audience_id, "1");
  EXPECT_EQ(store_->FindAudience(key)->status, "");
}

}  // namespace
}  // namespace connector::membership
