#include "connector/membership/run.h"

#include <random>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

struct Given {
  Change change = Change::kAdd;
  Record record;
  bool counted = true;
  std::optional<absl::Time> event_time;
  std::optional<std::array<uint8_t, 16>> holder;
};

RunBuilder Build(const std::vector<Given>& given) {
  RunBuilder builder;
  for (const Given& each : given) {
    builder.Add(each.change, each.record, each.counted, each.event_time,
                each.holder.has_value() ? &*each.holder : nullptr);
  }
  return builder;
}

void ExpectReads(const std::vector<Given>& given, EventOrder first_order) {
  const RunBuilder builder = Build(given);
  const absl::Time time = absl::FromUnixMillis(1'700'000'000'123);
  EXPECT_EQ(builder.total(), given.size());
  size_t bytes = 0;
  for (Change change : {Change::kAdd, Change::kRemove}) {
    if (builder.count(change) == 0) continue;
    const std::string value =
        RunHead(builder.flags(change), time, first_order) +
        builder.Body(change);
    bytes += value.size();
    absl::StatusOr<RunReader> reader = RunReader::Open(value);
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ(reader->commit_time(), time);
    EXPECT_EQ(reader->count(), builder.count(change));
    RunEntry entry;
    for (size_t i = 0; i < given.size(); ++i) {
      if (given[i].change != change) continue;
      ASSERT_TRUE(reader->Next(&entry)) << reader->status();
      EXPECT_EQ(entry.record, given[i].record.view());
      EXPECT_EQ(entry.order, first_order + i);
      EXPECT_EQ(entry.counted, given[i].counted);
      EXPECT_EQ(entry.event_time, given[i].event_time);
      EXPECT_EQ(entry.holder, given[i].holder);
    }
    EXPECT_FALSE(reader->Next(&entry));
    EXPECT_TRUE(reader->status().ok()) << reader->status();
  }
  EXPECT_GE(builder.bytes() + 20, bytes);
  EXPECT_LE(builder.bytes(), bytes + 60 + 4 * given.size());
}

// `what`: bit 0 event times, bit 1 holders.
std::vector<Given> Random(std::mt19937_64& generator, int entries, int what) {
  std::vector<Given> given(entries);
  for (Given& each : given) {
    each.change = generator() % 4 == 0 ? Change::kRemove : Change::kAdd;
    each.record =
        TestRecord(generator(), static_cast<RecordKind>(1 + generator() % 4));
    each.counted = generator() % 3 != 0;
    if ((what & 1) != 0) {
      each.event_time = absl::FromUnixMicros(
          static_cast<int64_t>(generator() >> 12) - (int64_t{1} << 50));
    }
    if ((what & 2) != 0) {
      for (uint8_t& byte : each.holder.emplace()) byte = generator();
    }
  }
  return given;
}

TEST(RunTest, ReadsWhatWasBuilt) {
  std::mt19937_64 generator(7);
  for (int what = 0; what < 4; ++what) {
    for (int entries : {1, 2, 3, 20, 500}) {
      SCOPED_TRACE(absl::StrCat(what, " ", entries));
      ExpectReads(Random(generator, entries, what), 1 + generator() % 100'000);
    }
  }
}

TEST(RunTest, OneKindOfChangeTakesOneInterval) {
  RunBuilder builder;
  for (int i = 0; i < 1'000; ++i) {
    builder.Add(Change::kAdd, TestRecord(i), true);
  }
  EXPECT_TRUE(builder.Body(Change::kAdd).size() < 1'000 * 33 + 10);
  EXPECT_EQ(builder.count(Change::kRemove), 0);
}

// The format is fixed: these bytes are on disks.
TEST(RunTest, StoredFormStaysAsItIs) {
  RunBuilder builder;
  builder.Add(Change::kRemove,
              EncodedRecord("\x03"
                            "0123456789abcdef"),
              true);
  builder.Add(Change::kAdd,
              EncodedRecord("\x04"
                            "xyz"),
              false);
  builder.Add(Change::kAdd,
              EncodedRecord("\x03"
                            "fedcba9876543210"),
              true);
  EXPECT_EQ(builder.Body(Change::kRemove), std::string("\x01\x01\x00\x01\x03"
                                                       "0123456789abcdef",
                                                       21));
  EXPECT_EQ(builder.Body(Change::kAdd),
            "\x02\x01\x01\x02\x44\x03xyz\x03"
            "fedcba9876543210");
  EXPECT_EQ(RunHead(0, absl::FromUnixMillis(150), 300),
            std::string("\x01\x00\xac\x02\xac\x02", 6));
}

// A full sync is one place in the order of events.
TEST(RunTest, EntriesOfOneOrderHaveIt) {
  RunBuilder builder;
  builder.Add(Change::kRemove, TestRecord(1), true);
  builder.Add(Change::kAdd, TestRecord(2), true);
  builder.Add(Change::kRemove, TestRecord(3), false);
  builder.Add(Change::kAdd, TestRecord(4), false);
  EXPECT_EQ(builder.counted(Change::kAdd), 1);
  const std::string value =
      RunHead(kRunOfOneOrder, absl::FromUnixMillis(150), 300) +
      builder.Body(Change::kAdd);
  auto reader = RunReader::Open(value);
  ASSERT_TRUE(reader.ok()) << reader.status();
  RunEntry entry;
  for (uint64_t record : {2, 4}) {
    ASSERT_TRUE(reader->Next(&entry));
    EXPECT_EQ(Record::FromView(entry.record), TestRecord(record));
    EXPECT_EQ(entry.order, 300);
  }
  EXPECT_FALSE(reader->Next(&entry));
  EXPECT_TRUE(reader->status().ok());
}

// Bytes that are no run end in DATA_LOSS, or are read as some run, and never in
// a crash.
void ReadAll(const std::string& value) {
  absl::StatusOr<RunReader> reader = RunReader::Open(value);
  if (!reader.ok()) {
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(GetErrorDetail(reader.status()).reason, "STORE_DAMAGED");
    return;
  }
  RunEntry entry;
  uint64_t entries = 0;
  while (reader->Next(&entry)) {
    ++entries;
    EXPECT_FALSE(entry.record.encoded().empty());
  }
  EXPECT_LE(entries, value.size());
  if (reader->status().ok()) {
    EXPECT_EQ(entries, reader->count());
  } else {
    EXPECT_EQ(reader->status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(RunTest, DamagedRunsDoNotCrash) {
  std::mt19937_64 generator(11);
  for (int what = 0; what < 4; ++what) {
    const RunBuilder builder = Build(Random(generator, 12, what));
    const std::string value =
        RunHead(builder.flags(Change::kAdd), absl::UnixEpoch(), 5) +
        builder.Body(Change::kAdd);
    for (size_t size = 0; size < value.size(); ++size) {
      ReadAll(value.substr(0, size));
      EXPECT_FALSE([&] {
        auto reader = RunReader::Open(absl::string_view(value).substr(0, size));
        if (!reader.ok()) return false;
        RunEntry entry;
        while (reader->Next(&entry)) {
        }
        return reader->status().ok();
      }()) << "cut to "
           << size;
    }
    for (int i = 0; i < 20'000; ++i) {
      std::string damaged = value;
      for (int changes = 1 + generator() % 4; changes > 0; --changes) {
        damaged[generator() % damaged.size()] = generator();
      }
      ReadAll(damaged);
    }
  }
  for (int i = 0; i < 20'000; ++i) {
    std::string noise(generator() % 60, '\0');
    for (char& byte : noise) byte = generator() % 8;
    if (!noise.empty()) noise[0] = 1;
    ReadAll(noise);
  }
}

}  // namespace
}  // namespace connector::membership
