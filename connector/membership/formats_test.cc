#include <algorithm>
#include <limits>
#include <random>

#include "connector/membership/forget_rows.h"
#include "connector/membership/keys.h"
#include "connector/membership/rows.h"
#include "connector/membership/store_fixture.h"
#include "connector/membership/wire.h"

namespace connector::membership {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(WireTest, ReadsWhatWasAppended) {
  const std::vector<uint64_t> numbers = {
      0, 1, 127, 128, 300, 1u << 31, ~uint64_t{0}, ~uint64_t{0} >> 1};
  const std::vector<int64_t> signed_numbers = {0, -1, 1, 63, -64, kMin, kMax};
  const std::vector<absl::Time> times = {
      absl::InfinitePast(), absl::InfiniteFuture(), absl::UnixEpoch(),
      absl::FromUnixMillis(-5), absl::FromUnixMillis(1'700'000'000'001)};
  std::string out;
  for (uint64_t number : numbers) {
    const size_t before = out.size();
    AppendVarint(&out, number);
    EXPECT_EQ(static_cast<int>(out.size() - before), VarintSize(number));
  }
  for (int64_t number : signed_numbers) AppendSigned(&out, number);
  for (absl::Time time : times) {
    AppendMillis(&out, time);
    AppendMicros(&out, time);
  }
  AppendBytes(&out, absl::string_view("a\0b", 3));
  AppendFixed32(&out, 0x01020304);
  AppendFixed64(&out, 0x0102030405060708);
  WireReader wire(out);
  for (uint64_t number : numbers) EXPECT_EQ(wire.Varint(), number);
  for (int64_t number : signed_numbers) EXPECT_EQ(wire.Signed(), number);
  for (absl::Time time : times) {
    EXPECT_EQ(wire.Millis(), time);
    EXPECT_EQ(wire.Micros(), time);
  }
  EXPECT_EQ(wire.Bytes(), absl::string_view("a\0b", 3));
  EXPECT_EQ(wire.Fixed32(), 0x01020304);
  EXPECT_EQ(wire.Fixed64(), 0x0102030405060708);
  EXPECT_TRUE(wire.done());
  wire.Byte();
  EXPECT_FALSE(wire.ok());
}

TEST(WireTest, RefusesWhatIsCutOrTooLong) {
  for (const std::string& text :
       {std::string(), std::string("\x80"), std::string(10, '\xff'),
        std::string(11, '\x80'),
        std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")}) {
    WireReader wire(text);
    EXPECT_EQ(wire.Varint(), 0);
    EXPECT_FALSE(wire.ok());
    EXPECT_FALSE(wire.done());
  }
  WireReader wire(
      "\x05"
      "abc");
  EXPECT_EQ(wire.Bytes(), "");
  EXPECT_FALSE(wire.ok());
}

TEST(KeysTest, SortAsTheirNumbersDo) {
  std::vector<std::string> keys;
  for (ListNumber list : {1u, 255u, 256u, 0xffffffffu}) {
    for (Change change : {Change::kRemove, Change::kAdd}) {
      for (CommitNumber commit :
           {uint64_t{1}, uint64_t{256}, uint64_t{1} << 40}) {
        for (uint32_t part : {0u, 1u, 300u}) {
          keys.push_back(RunKey(list, change, commit, part));
          EXPECT_EQ(keys.back().size(), 17);
        }
      }
    }
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST(KeysTest, RunRangesHoldTheirCommits) {
  const auto in = [](const KeyRange& range, const std::string& key) {
    return range.begin <= key && key < range.end;
  };
  const KeyRange range = RunRange(5, Change::kAdd, 10, 20);
  EXPECT_FALSE(in(range, RunKey(5, Change::kAdd, 10, 0xffffffff)));
  EXPECT_TRUE(in(range, RunKey(5, Change::kAdd, 11, 0)));
  EXPECT_TRUE(in(range, RunKey(5, Change::kAdd, 20, 0xffffffff)));
  EXPECT_FALSE(in(range, RunKey(5, Change::kAdd, 21, 0)));
  EXPECT_FALSE(in(range, RunKey(5, Change::kRemove, 15, 0)));
  EXPECT_FALSE(in(range, RunKey(6, Change::kAdd, 15, 0)));
  const KeyRange all = RunRange(5, Change::kAdd, 0, ~uint64_t{0});
  EXPECT_TRUE(in(all, RunKey(5, Change::kAdd, uint64_t{1} << 60, 0)));
}

TEST(KeysTest, PrefixRangesEndBehindTheirPrefix) {
  EXPECT_EQ(PrefixRange("ab").end, "ac");
  EXPECT_EQ(PrefixRange("a\xff").end, "b");
  const KeyRange range = PrefixRange(NumberKey('p', 0xffffffff));
  EXPECT_GT(range.end, NumberKey('p', 0xffffffff, ~uint64_t{0}));
  EXPECT_LE(range.end, std::string("q"));
}

TEST(KeysTest, ExportKeysKeepIdsApart) {
  const std::string id("a\0b", 3);
  const auto parts = ParseExportKey(ExportKey(7, id, 9));
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->destination, 7);
  EXPECT_EQ(parts->number, 9);
  EXPECT_LT(ExportKey(7, "a", ~uint64_t{0}), ExportKey(7, "b", 0));
  EXPECT_LT(ExportKey(7, "b", ~uint64_t{0}), ExportKey(7, "aa", 0));
  EXPECT_FALSE(ParseExportKey("abc").has_value());
  EXPECT_FALSE(ParseExportKey(ExportKey(7, id, 9) + "x").has_value());
}

// Every value, from its stored form back.
TEST(RowsTest, ReadWhatWasStored) {
  DestinationRow destination;
  destination.ad_account_id = "549";
  destination.history_id = "h-1";
  destination.config = std::string("c\0d", 3);
  destination.paused = true;
  const auto destination_read =
      DecodeDestination(EncodeDestination(destination));
  ASSERT_TRUE(destination_read.has_value());
  EXPECT_EQ(destination_read->ad_account_id, destination.ad_account_id);
  EXPECT_EQ(destination_read->history_id, destination.history_id);
  EXPECT_EQ(destination_read->config, destination.config);
  EXPECT_TRUE(destination_read->paused);

  ListRow list;
  list.destination = 4;
  list.segment = 5;
  list.customer_list_id = "643";
  list.epoch = 9;
  list.unknown_members = true;
  list.creation_attempt_time = absl::FromUnixSeconds(77);
  list.learnt_max_records = 500;
  list.settled = 1234567;
  const auto list_read = DecodeList(EncodeList(list));
  ASSERT_TRUE(list_read.has_value());
  EXPECT_EQ(list_read->destination, 4);
  EXPECT_EQ(list_read->segment, 5);
  EXPECT_EQ(list_read->customer_list_id, "643");
  EXPECT_EQ(list_read->epoch, 9);
  EXPECT_TRUE(list_read->unknown_members);
  EXPECT_EQ(list_read->creation_attempt_time, absl::FromUnixSeconds(77));
  EXPECT_EQ(list_read->learnt_max_records, 500);
  EXPECT_EQ(list_read->settled, 1234567);
  EXPECT_EQ(list_read->last_delivery_time, absl::InfinitePast());

  ListOperation operation;
  operation.kind = ListOperation::Kind::kReplace;
  operation.phase = ListOperation::Phase::kSending;
  operation.number = 7;
  operation.request_time = absl::FromUnixSeconds(78);
  operation.through = 12;
  operation.position = std::string("\1abc", 4);
  operation.customer_list_id = "644";
  operation.unknown_members = true;
  operation.keep_old_members = true;
  operation.then_empty = true;
  operation.source = 3;
  operation.sent = 1'000;
  operation.members = 2'000;
  const auto operation_read = DecodeOperation(EncodeOperation(operation));
  ASSERT_TRUE(operation_read.has_value());
  EXPECT_EQ(operation_read->kind, operation.kind);
  EXPECT_EQ(operation_read->phase, operation.phase);
  EXPECT_EQ(operation_read->number, 7);
  EXPECT_EQ(operation_read->request_time, operation.request_time);
  EXPECT_EQ(operation_read->through, 12);
  EXPECT_EQ(operation_read->position, operation.position);
  EXPECT_EQ(operation_read->customer_list_id, "644");
  EXPECT_TRUE(operation_read->unknown_members);
  EXPECT_TRUE(operation_read->keep_old_members);
  EXPECT_TRUE(operation_read->then_empty);
  EXPECT_EQ(operation_read->source, 3);
  EXPECT_EQ(operation_read->sent, 1'000);
  EXPECT_EQ(operation_read->members, 2'000);

  BatchRow batch;
  batch.commit = 99;
  batch.digest.fill(3);
  batch.lists = {1, 70'000};
  const auto batch_read = DecodeBatch(EncodeBatch(batch));
  ASSERT_TRUE(batch_read.has_value());
  EXPECT_EQ(batch_read->commit, 99);
  EXPECT_EQ(batch_read->digest, batch.digest);
  EXPECT_EQ(batch_read->lists, batch.lists);
  EXPECT_TRUE(batch_read->full_syncs.empty());
  const std::string without = EncodeBatch(batch);
  batch.full_syncs = {{7, 300}};
  EXPECT_EQ(DecodeBatch(EncodeBatch(batch))->full_syncs, batch.full_syncs);
  // What older builds wrote stands before what was added.
  EXPECT_EQ(EncodeBatch(batch).substr(0, without.size()), without);

  FullSync full_sync;
  full_sync.state = FullSyncState::kWaiting;
  full_sync.export_id = "e";
  full_sync.begin_sequence_number = 3;
  full_sync.begin_commit = 4;
  full_sync.release_commit = 5;
  full_sync.declared = 6;
  full_sync.bytes = 7;
  full_sync.members = 8;
  full_sync.removals = 9;
  full_sync.begin_time = absl::FromUnixSeconds(10);
  full_sync.decision_time = absl::FromUnixSeconds(11);
  full_sync.cleaned = true;
  const auto full_sync_read = DecodeFullSync(EncodeFullSync(full_sync));
  ASSERT_TRUE(full_sync_read.has_value());
  EXPECT_EQ(full_sync_read->state, FullSyncState::kWaiting);
  EXPECT_EQ(full_sync_read->export_id, "e");
  EXPECT_EQ(full_sync_read->begin_sequence_number, 3);
  EXPECT_EQ(full_sync_read->begin_commit, 4);
  EXPECT_EQ(full_sync_read->release_commit, 5);
  EXPECT_EQ(full_sync_read->declared, 6);
  EXPECT_EQ(full_sync_read->bytes, 7);
  EXPECT_EQ(full_sync_read->members, 8);
  EXPECT_EQ(full_sync_read->removals, 9);
  EXPECT_EQ(full_sync_read->begin_time, absl::FromUnixSeconds(10));
  EXPECT_EQ(full_sync_read->expire_time, absl::InfiniteFuture());
  EXPECT_EQ(full_sync_read->commit_time, absl::InfinitePast());
  EXPECT_EQ(full_sync_read->decision_time, absl::FromUnixSeconds(11));
  EXPECT_TRUE(full_sync_read->cleaned);

  JournalRejection refused;
  refused.time = absl::FromUnixMicros(1'700'000'000'000'001);
  refused.refused.emplace();
  refused.refused->segment = 3;
  refused.refused->refusal.record = TestRecord(1, RecordKind::kOpaque);
  refused.refused->refusal.change = Change::kRemove;
  refused.refused->refusal.http_status = 400;
  refused.refused->refusal.message = "no";
  refused.refused->refusal.request_id = "r";
  const auto refused_read = DecodeRejection(EncodeRejection(refused));
  ASSERT_TRUE(refused_read.has_value() && refused_read->refused.has_value());
  EXPECT_EQ(refused_read->time, refused.time);
  EXPECT_EQ(refused_read->refused->refusal.record,
            refused.refused->refusal.record);
  EXPECT_EQ(refused_read->refused->refusal.change, Change::kRemove);
  EXPECT_EQ(refused_read->refused->refusal.http_status, 400);
  EXPECT_EQ(refused_read->refused->refusal.request_id, "r");
}

// Rows of builds that did not know the newer fields.
TEST(RowsTest, OlderRowsHaveTheDefaults) {
  SegmentRow segment;
  segment.destination = 4;
  segment.segment_namespace = "ups";
  segment.segment_id = "gold";
  segment.list = 9;
  segment.replace_time = absl::FromUnixMicros(7);
  std::string value = EncodeSegment(segment);
  // Before replacements were told apart, and before segments had a life cycle.
  value.resize(value.size() - 1);
  const auto unreplaced = DecodeSegment(value);
  ASSERT_TRUE(unreplaced.has_value());
  EXPECT_EQ(unreplaced->list, 9);
  EXPECT_EQ(unreplaced->replace_time, absl::InfinitePast());
  value.resize(value.size() - 5);
  const auto old_segment = DecodeSegment(value);
  ASSERT_TRUE(old_segment.has_value());
  EXPECT_EQ(old_segment->list, 9);
  EXPECT_EQ(old_segment->mapping, MappingState::kMapped);
  segment.mapping = MappingState::kEmptied;
  segment.description = "d";
  segment.name_set = true;
  segment.former_list = 8;
  segment.audience_steps = 3;
  const auto new_segment = DecodeSegment(EncodeSegment(segment));
  ASSERT_TRUE(new_segment.has_value());
  EXPECT_EQ(new_segment->mapping, MappingState::kEmptied);
  EXPECT_EQ(new_segment->description, "d");
  EXPECT_TRUE(new_segment->name_set);
  EXPECT_EQ(new_segment->former_list, 8);
  EXPECT_EQ(new_segment->audience_steps, 3);
  EXPECT_EQ(new_segment->replace_time, segment.replace_time);

  ListRow list;
  list.destination = 4;
  list.customer_list_id = "643";
  value = EncodeList(list);
  value.resize(value.size() - 3);
  const auto old_list = DecodeList(value);
  ASSERT_TRUE(old_list.has_value());
  EXPECT_EQ(old_list->AudienceListId(), "643");
  list.ignored_through = "642";
  list.serving_list_id = "642";
  list.look_for_newer = true;
  const auto new_list = DecodeList(EncodeList(list));
  ASSERT_TRUE(new_list.has_value());
  EXPECT_EQ(new_list->ignored_through, "642");
  EXPECT_EQ(new_list->AudienceListId(), "642");
  EXPECT_TRUE(new_list->look_for_newer);
  value = EncodeList(list);
  value.resize(value.size() - 1);
  EXPECT_EQ(DecodeList(value)->serving_list_id, "642");
  EXPECT_FALSE(DecodeList(value)->look_for_newer);
}

TEST(RowsTest, ARequestToForgetRoundTrips) {
  ForgetRow row;
  row.forget.commit = 7;
  row.forget.phase = ForgetPhase::kPurging;
  row.forget.receipt_id = "receipt";
  row.forget.request_id = "request";
  row.forget.forms = 2;
  row.forget.request_time = absl::FromUnixSeconds(10);
  row.forget.confirm_time = absl::FromUnixSeconds(11);
  ForgetList& list = row.forget.lists.emplace_back();
  list.list = 3;
  list.segment = 4;
  list.outcome = ForgetList::Outcome::kGone;
  list.outcome_time = absl::FromUnixSeconds(12);
  list.customer_list_id = "643";
  list.later_event = true;
  row.records = {TestRecord(1), TestRecord(2, RecordKind::kOpaque)};
  const auto read = DecodeForget(EncodeForget(row));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->forget.commit, 7u);
  EXPECT_EQ(read->forget.phase, ForgetPhase::kPurging);
  EXPECT_EQ(read->forget.receipt_id, "receipt");
  EXPECT_EQ(read->forget.request_id, "request");
  EXPECT_EQ(read->forget.forms, 2);
  EXPECT_EQ(read->forget.request_time, absl::FromUnixSeconds(10));
  EXPECT_EQ(read->forget.confirm_time, absl::FromUnixSeconds(11));
  EXPECT_EQ(read->forget.purge_time, absl::InfinitePast());
  ASSERT_EQ(read->forget.lists.size(), 1u);
  EXPECT_EQ(read->forget.lists[0].list, 3u);
  EXPECT_EQ(read->forget.lists[0].segment, 4u);
  EXPECT_EQ(read->forget.lists[0].outcome, ForgetList::Outcome::kGone);
  EXPECT_EQ(read->forget.lists[0].outcome_time, absl::FromUnixSeconds(12));
  EXPECT_EQ(read->forget.lists[0].customer_list_id, "643");
  EXPECT_TRUE(read->forget.lists[0].later_event);
  EXPECT_EQ(read->records, row.records);
}

TEST(RowsTest, RandomBytesDoNotCrash) {
  std::mt19937_64 generator(2);
  for (int i = 0; i < 100'000; ++i) {
    std::string noise(generator() % 50, '\0');
    for (char& byte : noise) byte = generator() % (i % 2 == 0 ? 6 : 256);
    DecodeDestination(noise);
    DecodeSegment(noise);
    DecodeList(noise);
    DecodeOperation(noise);
    DecodeIntakeCounts(noise);
    DecodePassCounts(noise);
    DecodeExport(noise);
    DecodeBatch(noise);
    DecodePending(noise);
    DecodeDoubt(noise);
    DecodeEcho(noise);
    DecodeRejection(noise);
    DecodeFullSync(noise);
    DecodeForget(noise);
    ParseExportKey(noise);
  }
}

}  // namespace
}  // namespace connector::membership
