#include "connector/cli/csv_reader.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/cli/chunk_source.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

// A record with the line it begins on; a bad one has no fields.
using Record = std::pair<int64_t, std::vector<std::string>>;
using Records = std::vector<Record>;

Records ReadAll(ByteSource& source, char delimiter = ',',
                size_t max_record = CsvReader::kDefaultMaxRecord) {
  CsvReader reader(&source, delimiter, max_record);
  Records records;
  while (true) {
    auto more = reader.Next();
    if (more.ok() && !*more) return records;
    Record& record =
        records.emplace_back(reader.line_number(), std::vector<std::string>());
    if (!more.ok()) {
      EXPECT_TRUE(absl::IsInvalidArgument(more.status())) << more.status();
      if (!absl::IsInvalidArgument(more.status())) return records;
      continue;
    }
    for (absl::string_view field : reader.fields()) {
      record.second.emplace_back(field);
    }
  }
}

Records Read(const std::string& text, char delimiter = ',') {
  ChunkSource source(text);
  return ReadAll(source, delimiter);
}

TEST(CsvReaderTest, PlainRecords) {
  EXPECT_EQ(Read("a,b\r\nc,\n,d"),
            (Records{{1, {"a", "b"}}, {2, {"c", ""}}, {3, {"", "d"}}}));
}

TEST(CsvReaderTest, NothingIsNoRecord) {
  EXPECT_EQ(Read(""), Records{});
  EXPECT_EQ(Read("\n\r\n\n"), Records{});
  EXPECT_EQ(Read("\xEF\xBB\xBF"), Records{});
  EXPECT_EQ(Read("\xEF\xBB\xBF\n\na\n"), (Records{{3, {"a"}}}));
}

TEST(CsvReaderTest, QuotedFields) {
  EXPECT_EQ(Read("\"a,\"\"b\"\"\",\"line\r\nend\"\n\"\"\n\"x\"\r\n"),
            (Records{{1, {"a,\"b\"", "line\r\nend"}}, {3, {""}}, {4, {"x"}}}));
  EXPECT_EQ(Read("\xEF\xBB\xBF\"a\";b,c", ';'), (Records{{1, {"a", "b,c"}}}));
}

TEST(CsvReaderTest, ABadRecordCostsItsLine) {
  EXPECT_EQ(Read("a\n\"b\"x\nc\nd\"d\ne"),
            (Records{{1, {"a"}}, {2, {}}, {3, {"c"}}, {4, {}}, {5, {"e"}}}));
  // An opening quote that nothing closes.
  EXPECT_EQ(Read("\"a\nb\nc\n"), (Records{{1, {}}, {2, {"b"}}, {3, {"c"}}}));
}

TEST(CsvReaderTest, TooLongIsBadAndTheNextIsRead) {
  const std::string longer(20, 'x');
  for (size_t piece : {1, 7, 1000}) {
    ChunkSource source(absl::StrCat("a\n", longer, "\nb\n\"", longer, "\"\nc"),
                       [piece] { return piece; });
    EXPECT_EQ(ReadAll(source, ',', 10),
              (Records{{1, {"a"}}, {2, {}}, {3, {"b"}}, {4, {}}, {5, {"c"}}}))
        << piece;
  }
}

TEST(CsvReaderTest, ACarriageReturnIsNotOfTheRecordsLength) {
  const std::string longest(10, 'x');
  for (size_t piece : {1, 1000}) {
    ChunkSource source(longest + "\r\ny", [piece] { return piece; });
    EXPECT_EQ(ReadAll(source, ',', 10), (Records{{1, {longest}}, {2, {"y"}}}))
        << piece;
  }
}

TEST(CsvReaderTest, MessagesHoldNoContent) {
  for (const char* text : {"\"secret\"x", "sec\"ret", "\"secret"}) {
    ChunkSource source(text);
    CsvReader reader(&source, ',');
    EXPECT_EQ(reader.Next().status().message().find("sec"),
              absl::string_view::npos);
  }
}

TEST(CsvReaderTest, Utf16IsSaidSo) {
  ChunkSource source(
      "\xFF\xFE"
      "a");
  CsvReader reader(&source, ',');
  EXPECT_TRUE(absl::IsUnknown(reader.Next().status()));
}

// The same rules, one character after another.
Records Model(std::string s, char delimiter) {
  if (s.substr(0, 3) == "\xEF\xBB\xBF") s.erase(0, 3);
  Records records;
  int64_t line = 1;
  size_t at = 0;
  while (at < s.size()) {
    const size_t feed = std::min(s.find('\n', at), s.size());
    std::string first = s.substr(at, feed - at);
    const size_t after_line = std::min(feed + 1, s.size());
    if (first.empty() || first == "\r") {
      line += feed < s.size() ? 1 : 0;
      at = after_line;
      continue;
    }
    std::vector<std::string> fields;
    size_t i = at;
    bool bad = false;
    bool done = false;
    while (!done && !bad) {
      std::string field;
      if (i < s.size() && s[i] == '"') {
        ++i;
        while (true) {
          if (i >= s.size()) {
            bad = true;
            break;
          }
          if (s[i] != '"') {
            field += s[i++];
          } else if (i + 1 < s.size() && s[i + 1] == '"') {
            field += '"';
            i += 2;
          } else {
            ++i;
            break;
          }
        }
        if (bad) break;
        if (i < s.size() && s[i] == '\r' &&
            (i + 1 >= s.size() || s[i + 1] == '\n')) {
          ++i;
        }
      } else {
        while (i < s.size() && s[i] != delimiter && s[i] != '\n') {
          bad = bad || s[i] == '"';
          field += s[i++];
        }
        if ((i >= s.size() || s[i] == '\n') && !field.empty() &&
            field.back() == '\r') {
          field.pop_back();
        }
      }
      fields.push_back(field);
      if (i >= s.size()) {
        done = true;
      } else if (s[i] == '\n') {
        ++i;
        done = true;
      } else if (s[i] == delimiter) {
        ++i;
      } else {
        bad = true;
      }
    }
    if (bad) {
      fields.clear();
      i = after_line;
    }
    records.emplace_back(line, fields);
    line += std::count(s.begin() + at, s.begin() + i, '\n');
    at = i;
  }
  return records;
}

TEST(CsvReaderProperty, AnyTextInAnyPiecesIsReadAsTheModelReadsIt) {
  std::mt19937_64 random(1);
  constexpr char kAlphabet[] = "\"\"\"\",,,;\r\n\n\nab \xC3";
  for (int i = 0; i < 30'000; ++i) {
    std::string text = i % 10 == 0 ? "\xEF\xBB\xBF" : "";
    for (size_t n = random() % 40; n > 0; --n) {
      text += kAlphabet[random() % (sizeof kAlphabet - 1)];
    }
    const char delimiter = random() % 2 ? ',' : ';';
    const size_t most = 1 + random() % 8;
    ChunkSource source(text, [&] { return 1 + random() % most; });
    ASSERT_EQ(ReadAll(source, delimiter), Model(text, delimiter))
        << testing::PrintToString(text);
  }
}

TEST(CsvReaderProperty, ATableThatIsWrittenIsReadBack) {
  std::mt19937_64 random(2);
  constexpr char kAlphabet[] = "abc@.\" ,;\t\r\n\xC3\xA9";
  for (int i = 0; i < 3'000; ++i) {
    const char delimiter = ",;\t|"[random() % 4];
    const size_t columns = 1 + random() % 4;
    Records table;
    std::string text = random() % 4 == 0 ? "\xEF\xBB\xBF" : "";
    int64_t line = 1;
    const size_t rows = random() % 30;
    for (size_t row = 0; row < rows; ++row) {
      Record& record = table.emplace_back(line, std::vector<std::string>());
      for (size_t column = 0; column < columns; ++column) {
        std::string field;
        for (size_t n = random() % 12; n > 0; --n) {
          field += kAlphabet[random() % (sizeof kAlphabet - 1)];
        }
        record.second.push_back(field);
        line += std::count(field.begin(), field.end(), '\n');
        const bool quote =
            random() % 3 == 0 || (field.empty() && columns == 1) ||
            field.find_first_of(absl::StrCat(
                "\"\r\n", std::string(1, delimiter))) != std::string::npos;
        if (column > 0) text += delimiter;
        if (quote) text += '"';
        for (char c : field) {
          text += c;
          if (quote && c == '"') text += '"';
        }
        if (quote) text += '"';
      }
      if (row + 1 < rows || random() % 2) {
        text += random() % 2 ? "\r\n" : "\n";
        ++line;
      }
    }
    const size_t most = random() % 2 ? 5 : 100'000;
    ChunkSource source(text, [&] { return 1 + random() % most; });
    ASSERT_EQ(ReadAll(source, delimiter), table) << i;
  }
}

// Larger than the reader's first buffer.
TEST(CsvReaderTest, AFileIsReadToItsEnd) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) {
    absl::StrAppend(&text, i % 100 == 0 ? "\"" : "", "person", i,
                    i % 100 == 0 ? "\"\"\r\n\"" : "", ",x\r\n");
  }
  ChunkSource source(text);
  CsvReader reader(&source, ',');
  int count = 0;
  while (true) {
    auto more = reader.Next();
    ASSERT_TRUE(more.ok()) << more.status();
    if (!*more) break;
    ASSERT_EQ(reader.fields().size(), 2u);
    ASSERT_EQ(reader.line_number(), count + 1 + (count + 99) / 100);
    ++count;
  }
  EXPECT_EQ(count, 300'000);
}

}  // namespace
}  // namespace connector::cli
