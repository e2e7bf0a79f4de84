#include "identity_mapping/record.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash_testing.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace identity_mapping {
namespace {

// No raw value becomes a record by accident, nor by a cast.
template <typename T, typename... From>
inline constexpr bool kMakesNone = (!std::is_constructible_v<T, From> && ...) &&
                                   (!std::is_assignable_v<T&, From> && ...);
static_assert(kMakesNone<Record, std::string, std::string&&, absl::string_view,
                         const char*, char*, std::vector<char>,
                         absl::Span<const char>, std::nullptr_t>);
static_assert(kMakesNone<RecordView, std::string, absl::string_view,
                         const char*, char*, absl::Span<const char>>);
static_assert(!std::is_constructible_v<Record, const char*, size_t>);
static_assert(!std::is_constructible_v<Record, RecordKind, absl::string_view>);
static_assert(!std::is_constructible_v<RecordView, const char*, size_t>);
static_assert(!std::is_aggregate_v<Record> && !std::is_aggregate_v<RecordView>);
// A record is a view of itself; the other way copies and so is spelled out.
static_assert(std::is_convertible_v<Record, RecordView>);
static_assert(!std::is_convertible_v<RecordView, Record>);

std::string Encoded(char kind, size_t size, char fill = 'x') {
  return std::string(1, kind) + std::string(size, fill);
}

TEST(RecordView, TakesOnlyKnownKindsOfTheirLength) {
  for (int kind = 0; kind < 256; ++kind) {
    for (size_t size = 0; size < 200; ++size) {
      const std::string encoded = Encoded(static_cast<char>(kind), size);
      const bool good =
          (kind == 1 && size == 32) || (kind == 2 && size == 20) ||
          (kind == 3 && size == 16) || (kind == 4 && size >= 1 && size <= 126);
      EXPECT_EQ(RecordView::FromEncoded(encoded).has_value(), good)
          << kind << " " << size;
    }
  }
  EXPECT_FALSE(RecordView::FromEncoded("").has_value());
}

TEST(RecordView, ShowsItsParts) {
  const std::string encoded = Encoded(2, 20, '\xAB');
  const RecordView view = *RecordView::FromEncoded(encoded);
  EXPECT_EQ(view.encoded(), encoded);
  EXPECT_EQ(view.encoded().data(), encoded.data());
  EXPECT_EQ(view.kind(), RecordKind::kSha1);
  EXPECT_EQ(view.payload(), std::string(20, '\xAB'));
}

TEST(RecordView, WireTextOfADigestIsLowerCaseHex) {
  std::string encoded = "\x01";
  std::string expected = "before,";
  const char* digits = "0123456789abcdef";
  for (int start = 0; start < 256; start += 32) {
    encoded.resize(1);
    expected.resize(7);
    for (int i = start; i < start + 32; ++i) {
      encoded += static_cast<char>(i);
      expected += digits[i / 16];
      expected += digits[i % 16];
    }
    const RecordView view = *RecordView::FromEncoded(encoded);
    std::string wire = "before,";
    view.AppendWireText(&wire);
    EXPECT_EQ(wire, expected);
    EXPECT_EQ(view.WireSize(), 64u);
  }
}

TEST(RecordView, WireTextOfAnOpaqueIdIsTheId) {
  const std::string encoded = "\x04XyZ-1";
  const RecordView view = *RecordView::FromEncoded(encoded);
  std::string wire;
  view.AppendWireText(&wire);
  EXPECT_EQ(wire, "XyZ-1");
  EXPECT_EQ(view.WireSize(), 5u);
}

TEST(RecordView, WritesExactlyItsWireSize) {
  for (const std::string& encoded :
       {Encoded(1, 32), Encoded(2, 20), Encoded(3, 16), Encoded(4, 1),
        Encoded(4, 126)}) {
    const RecordView view = *RecordView::FromEncoded(encoded);
    std::string buffer(200, '#');
    const char* end = view.WriteWireText(buffer.data());
    EXPECT_EQ(static_cast<size_t>(end - buffer.data()), view.WireSize());
    EXPECT_EQ(buffer.substr(view.WireSize()),
              std::string(200 - view.WireSize(), '#'));
  }
}

TEST(Record, CopiesTheBytesOfAView) {
  for (const std::string& encoded :
       {Encoded(1, 32), Encoded(3, 16), Encoded(4, 1), Encoded(4, 126)}) {
    std::string source = encoded;
    const Record record = Record::FromView(*RecordView::FromEncoded(source));
    source.assign(source.size(), '!');
    EXPECT_EQ(record.encoded(), encoded);
    const Record copy = record;
    EXPECT_EQ(copy, record);
    const RecordView view = copy;
    EXPECT_EQ(view.encoded().data(), copy.encoded().data());
  }
}

TEST(Record, DefaultIsNoRecord) {
  EXPECT_EQ(Record().encoded(), "");
  EXPECT_EQ(RecordView().encoded(), "");
  EXPECT_EQ(Record::FromView(RecordView()), Record());
}

TEST(Record, ComparesAndHashesAsItsBytes) {
  std::vector<std::string> encoded = {
      Encoded(1, 32, '\x00'), Encoded(1, 32, '\x7F'), Encoded(1, 32, '\xFF'),
      Encoded(2, 20, '\x00'), Encoded(3, 16, '\xFF'), Encoded(4, 1, 'a'),
      Encoded(4, 2, 'a'),     Encoded(4, 1, 'b')};
  ASSERT_TRUE(std::is_sorted(encoded.begin(), encoded.end()));
  std::vector<Record> records;
  for (const std::string& e : encoded) {
    records.push_back(Record::FromView(*RecordView::FromEncoded(e)));
  }
  for (size_t i = 0; i < encoded.size(); ++i) {
    for (size_t j = 0; j < encoded.size(); ++j) {
      const RecordView a = *RecordView::FromEncoded(encoded[i]);
      EXPECT_EQ(a == records[j], i == j);
      EXPECT_EQ(a < records[j], i < j);
      EXPECT_EQ(records[i] < records[j], i < j);
      EXPECT_EQ(records[i] >= a, true);
    }
  }
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(records));
  absl::flat_hash_set<Record> set(records.begin(), records.end());
  EXPECT_EQ(set.size(), records.size());
}

}  // namespace
}  // namespace identity_mapping
