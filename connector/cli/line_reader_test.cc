#include "connector/cli/line_reader.h"

#include <stdio.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace connector::cli {
namespace {

using Line = std::optional<absl::string_view>;

// A file with `content`, read from its start.
class TestFile {
 public:
  explicit TestFile(const std::string& content) : file_(tmpfile()) {
    EXPECT_EQ(fwrite(content.data(), 1, content.size(), file_), content.size());
    fflush(file_);
    lseek(fileno(file_), 0, SEEK_SET);
  }
  ~TestFile() { fclose(file_); }
  int fd() const { return fileno(file_); }

 private:
  FILE* file_;
};

// All lines; a bad one stands as "<bad>".
std::vector<std::string> ReadAll(LineReader& reader) {
  std::vector<std::string> lines;
  while (true) {
    auto line = reader.Next();
    if (!line.ok()) {
      lines.push_back("<bad>");
    } else if (line->has_value()) {
      lines.push_back(std::string(**line));
    } else {
      return lines;
    }
  }
}

TEST(LineReaderTest, SplitsAtLineFeeds) {
  TestFile file("one\n\nthree\r\nfour");
  LineReader reader(file.fd(), "f");
  EXPECT_EQ(ReadAll(reader),
            (std::vector<std::string>{"one", "", "three\r", "four"}));
  EXPECT_EQ(reader.line_number(), 4);
  EXPECT_EQ(reader.bytes_consumed(), 16);
}

TEST(LineReaderTest, AnEmptyFileHasNoLine) {
  TestFile file("");
  LineReader reader(file.fd(), "f");
  EXPECT_TRUE(ReadAll(reader).empty());
}

TEST(LineReaderTest, PassesOverAByteOrderMarkAtTheStartOnly) {
  TestFile file("\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n");
  LineReader reader(file.fd(), "f");
  EXPECT_EQ(ReadAll(reader),
            (std::vector<std::string>{"one", "\xEF\xBB\xBFtwo"}));
}

TEST(LineReaderTest, GoesOnAfterALineThatIsTooLong) {
  const std::string long_line(3'000'000, 'x');
  TestFile file("a\n" + long_line + "\nb\n" + std::string(11, 'y') + "\nc\n" +
                long_line);
  LineReader reader(file.fd(), "f", /*max_line=*/10);
  EXPECT_EQ(ReadAll(reader), (std::vector<std::string>{"a", "<bad>", "b",
                                                       "<bad>", "c", "<bad>"}));
  EXPECT_EQ(reader.line_number(), 6);
}

TEST(LineReaderTest, LinesLongerThanTheBufferComeWhole) {
  std::string content;
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    expected.push_back(
        std::string(i * 100'003, static_cast<char>('a' + i % 26)));
    content += expected.back() + "\n";
  }
  TestFile file(content);
  LineReader reader(file.fd(), "f");
  EXPECT_EQ(ReadAll(reader), expected);
  EXPECT_EQ(reader.bytes_consumed(), static_cast<int64_t>(content.size()));
}

TEST(LineReaderTest, AFileThatCannotBeReadIsAnErrorNotALine) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  LineReader reader(fds[1], "the pipe");  // open for writing only
  const auto line = reader.Next();
  EXPECT_EQ(line.status().code(), absl::StatusCode::kUnknown);
  close(fds[0]);
  close(fds[1]);
}

TEST(InputFileTest, KnowsWhetherAFileWasWrittenSince) {
  const std::string path = testing::TempDir() + "/changing";
  FILE* out = fopen(path.c_str(), "w");
  fputs("one\n", out);
  fflush(out);
  auto file = InputFile::Open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE((*file)->regular());
  EXPECT_EQ((*file)->size(), 4);
  EXPECT_FALSE((*file)->Changed());
  fputs("two\n", out);
  fclose(out);
  EXPECT_TRUE((*file)->Changed());
}

TEST(InputFileTest, NamesWhatIsMissing) {
  const auto file = InputFile::Open("/nonexistent/export.jsonl");
  EXPECT_EQ(file.status().message(),
            "/nonexistent/export.jsonl: cannot be opened: No such file or "
            "directory");
  EXPECT_FALSE(InputFile::Open("/").ok());
}

}  // namespace
}  // namespace connector::cli
