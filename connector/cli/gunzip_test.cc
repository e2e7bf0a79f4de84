#include "connector/cli/gunzip.h"

#include <stdio.h>
#include <unistd.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "connector/cli/chunk_source.h"
#include "connector/cli/decoded_input.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "zlib.h"

namespace connector::cli {
namespace {

using testing::HasSubstr;

std::string Gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(
      deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = text.size();
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = out.size();
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Text(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i) {
    absl::StrAppend(&text, "person", i, "@example.com\n");
  }
  return text;
}

// All that comes out before the end or an error.
absl::Status ReadAll(ByteSource& source, std::string* out,
                     size_t piece = 1000) {
  std::string buffer(piece, '\0');
  while (true) {
    auto got = source.Read(buffer.data(), buffer.size());
    if (!got.ok()) return got.status();
    if (*got == 0) return absl::OkStatus();
    out->append(buffer.data(), *got);
  }
}

absl::Status Gunzip(const std::string& compressed, std::string* out,
                    size_t piece = 1000) {
  ChunkSource source(compressed, [piece] { return piece; });
  GunzipSource gunzip(&source);
  return ReadAll(gunzip, out, piece);
}

TEST(GunzipTest, MembersInARowAreOneText) {
  const std::string a = Text(1000);
  const std::string b = Text(10);
  for (size_t piece : {1, 3, 100, 1'000'000}) {
    std::string out;
    ASSERT_TRUE(Gunzip(Gzip(a) + Gzip("") + Gzip(b), &out, piece).ok());
    EXPECT_EQ(out, a + b) << piece;
  }
}

TEST(GunzipTest, PaddingIsPassedOverAndNothingElse) {
  std::string out;
  EXPECT_TRUE(Gunzip(Gzip("text") + std::string(700, '\0'), &out).ok());
  EXPECT_EQ(out, "text");
  for (const std::string& behind :
       {std::string("x"), std::string("\0x", 2), std::string("\x1f\x8b")}) {
    out.clear();
    EXPECT_TRUE(absl::IsUnknown(Gunzip(Gzip("text") + behind, &out)));
  }
}

TEST(GunzipTest, CutOffAnywhereIsAnErrorWithThePlace) {
  const std::string whole = Gzip(Text(200));
  for (size_t size = 0; size < whole.size(); ++size) {
    std::string out;
    const absl::Status status = Gunzip(whole.substr(0, size), &out);
    ASSERT_TRUE(absl::IsUnknown(status)) << size;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("ends in the middle, at byte ", size)));
  }
}

TEST(GunzipTest, DamageNeverGivesAnotherText) {
  const std::string text = Text(200);
  const std::string whole = Gzip(text);
  int found = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    std::string out;
    if (Gunzip(damaged, &out).ok()) {
      EXPECT_EQ(out, text) << i;  // the header's time and system
    } else {
      ++found;
    }
  }
  EXPECT_GT(found, static_cast<int>(whole.size()) - 10);
}

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

TEST(DecodedInputTest, ToldByItsFirstBytes) {
  const std::string text = Text(1000);
  for (bool gzip : {false, true}) {
    for (bool peek : {false, true}) {
      const std::string content = gzip ? Gzip(text) : text;
      TestFile file(content);
      DecodedInput input(file.fd());
      if (peek) {
        EXPECT_EQ(*input.Peek(), text.substr(0, 4096));
        EXPECT_EQ(*input.Peek(), text.substr(0, 4096));
      }
      std::string out;
      ASSERT_TRUE(ReadAll(input, &out).ok());
      EXPECT_EQ(out, text);
      EXPECT_EQ(input.gzip(), gzip);
      EXPECT_EQ(input.raw_position(), static_cast<int64_t>(content.size()));
    }
  }
}

TEST(DecodedInputTest, ShortFiles) {
  for (const char* text : {"", "a", "\x1f", "ab"}) {
    TestFile file(text);
    DecodedInput input(file.fd());
    EXPECT_EQ(*input.Peek(), text);
    std::string out;
    ASSERT_TRUE(ReadAll(input, &out).ok());
    EXPECT_EQ(out, text);
  }
}

}  // namespace
}  // namespace connector::cli
