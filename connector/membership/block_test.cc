#include "connector/membership/block.h"

#include <algorithm>
#include <random>

#include "connector/membership/store_fixture.h"

namespace connector::membership {
namespace {

struct Given {
  Record record;
  DeliveredState state = DeliveredState::kThere;
  int64_t absent_since = 0;
};

std::vector<Given> Random(std::mt19937_64& generator, int entries) {
  std::vector<Given> given(entries);
  for (Given& each : given) {
    each.record =
        TestRecord(generator(), static_cast<RecordKind>(1 + generator() % 4));
    each.state = static_cast<DeliveredState>(1 + generator() % 4);
    if (each.state == DeliveredState::kAbsentSince) {
      each.absent_since = static_cast<int64_t>(generator() % 2'000'000'000);
    }
  }
  std::sort(given.begin(), given.end(),
            [](const Given& a, const Given& b) { return a.record < b.record; });
  return given;
}

EntryBytes Bytes(const std::vector<Given>& given) {
  EntryBytes bytes;
  for (const Given& each : given) {
    bytes.Append(each.record, each.state, each.absent_since);
  }
  return bytes;
}

TEST(BlockTest, ReadsWhatWasWritten) {
  std::mt19937_64 generator(3);
  for (int entries : {1, 2, 30, 200}) {
    const std::vector<Given> given = Random(generator, entries);
    const EntryBytes bytes = Bytes(given);
    ASSERT_EQ(bytes.entries(), given.size());
    const std::string value = bytes.Block(7, 0, bytes.entries());
    BlockReader reader(value);
    EXPECT_EQ(reader.epoch(), 7);
    EXPECT_EQ(reader.left(), given.size());
    BlockEntry entry;
    for (size_t i = 0; i < given.size(); ++i) {
      ASSERT_TRUE(reader.Next(&entry)) << reader.status();
      EXPECT_TRUE(CompareEntry(entry, given[i].record) == 0);
      EXPECT_EQ(entry.state, given[i].state);
      EXPECT_EQ(entry.absent_since, given[i].absent_since);
      EXPECT_FALSE(entry.unconfirmed);
      EXPECT_EQ(bytes.EncodedRecord(i), given[i].record.encoded());
    }
    EXPECT_FALSE(reader.Next(&entry));
    EXPECT_TRUE(reader.status().ok());
  }
}

TEST(BlockTest, EntriesCompareAsRecordsDo) {
  std::mt19937_64 generator(4);
  const std::vector<Given> given = Random(generator, 60);
  const EntryBytes bytes = Bytes(given);
  const std::string value = bytes.Block(1, 0, bytes.entries());
  BlockReader reader(value);
  BlockEntry entry;
  for (size_t i = 0; reader.Next(&entry); ++i) {
    for (size_t j = 0; j < given.size(); ++j) {
      EXPECT_TRUE(CompareEntry(entry, given[j].record) ==
                  (given[i].record <=> given[j].record));
    }
  }
}

TEST(BlockTest, KeepsEntriesAndMarksThem) {
  std::mt19937_64 generator(5);
  const std::vector<Given> given = Random(generator, 40);
  const EntryBytes bytes = Bytes(given);
  const std::string value = bytes.Block(1, 0, bytes.entries());
  EntryBytes kept;
  EntryBytes marked;
  BlockReader reader(value);
  BlockEntry entry;
  while (reader.Next(&entry)) {
    kept.AppendStored(entry);
    marked.AppendUnconfirmed(entry);
  }
  EXPECT_EQ(kept.Block(1, 0, kept.entries()), value);
  const std::string marked_value = marked.Block(2, 0, marked.entries());
  EXPECT_EQ(marked_value.size(), value.size());
  reader = BlockReader(marked_value);
  size_t i = 0;
  for (; reader.Next(&entry); ++i) {
    EXPECT_TRUE(entry.unconfirmed);
    EXPECT_EQ(entry.state, given[i].state);
    EXPECT_EQ(entry.absent_since, given[i].absent_since);
  }
  EXPECT_EQ(i, given.size());
}

TEST(BlockTest, CutsAndJoinsPieces) {
  std::mt19937_64 generator(6);
  const EntryBytes bytes = Bytes(Random(generator, 100));
  EntryBytes joined;
  size_t first = 0;
  while (first < bytes.entries()) {
    const size_t end = bytes.EndOfPiece(first, 200);
    ASSERT_GT(end, first);
    if (end < bytes.entries()) {
      EXPECT_GE(bytes.BytesOf(first, end), 200);
    }
    EXPECT_LE(bytes.BytesOf(first, end), 200 + 60);
    joined.AppendAll(bytes.Slice(first, end));
    first = end;
  }
  EXPECT_EQ(joined.Block(1, 0, joined.entries()),
            bytes.Block(1, 0, bytes.entries()));
}

// The format is fixed: these bytes are on disks.
TEST(BlockTest, StoredFormStaysAsItIs) {
  EntryBytes bytes;
  bytes.Append(EncodedRecord("\x03"
                             "0123456789abcdef"),
               DeliveredState::kThere, 0);
  bytes.Append(EncodedRecord("\x04"
                             "xyz"),
               DeliveredState::kAbsentSince, 300);
  EXPECT_EQ(bytes.Block(5, 0, 2), std::string("\x01\x00\x05\x02\x0b"
                                              "0123456789abcdef"
                                              "\x24\x03xyz\xac\x02",
                                              28));
}

void ReadAll(const std::string& value) {
  BlockReader reader(value);
  BlockEntry entry;
  uint64_t entries = 0;
  while (reader.Next(&entry)) ++entries;
  EXPECT_LE(entries, value.size());
  if (!reader.status().ok()) {
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(GetErrorDetail(reader.status()).reason, "STORE_DAMAGED");
  }
}

TEST(BlockTest, DamagedBlocksDoNotCrash) {
  std::mt19937_64 generator(8);
  const EntryBytes bytes = Bytes(Random(generator, 12));
  const std::string value = bytes.Block(3, 0, bytes.entries());
  for (size_t size = 0; size < value.size(); ++size) {
    const std::string cut = value.substr(0, size);
    BlockReader reader(cut);
    BlockEntry entry;
    while (reader.Next(&entry)) {
    }
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kDataLoss);
  }
  for (int i = 0; i < 50'000; ++i) {
    std::string damaged = value;
    for (int changes = 1 + generator() % 4; changes > 0; --changes) {
      damaged[generator() % damaged.size()] = generator();
    }
    ReadAll(damaged);
  }
  ReadAll(value + "x");
}

}  // namespace
}  // namespace connector::membership
