#include "identity_mapping/text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <set>
#include <string>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace identity_mapping {
namespace {

std::string Utf8(UChar32 c) {
  char bytes[U8_MAX_LENGTH];
  int32_t size = 0;
  UBool error = false;
  U8_APPEND(bytes, size, U8_MAX_LENGTH, c, error);
  return error ? "" : std::string(bytes, size);
}

std::string Lower(absl::string_view text) {
  std::array<char, 256> buffer;
  const auto lower = ToLowerCase(text, absl::MakeSpan(buffer));
  return lower.has_value() ? std::string(*lower) : "does not fit";
}

TEST(Text, KnowsAscii) {
  for (size_t size = 0; size < 40; ++size) {
    std::string text(size, '\x7F');
    EXPECT_TRUE(IsAscii(text));
    for (size_t i = 0; i < size; ++i) {
      text[i] = '\x80';
      EXPECT_FALSE(IsAscii(text)) << size << " " << i;
      text[i] = '\x7F';
    }
  }
}

TEST(Text, CountsCodePointsOfWellFormedUtf8) {
  EXPECT_EQ(CountCodePoints(""), 0u);
  EXPECT_EQ(CountCodePoints("abc"), 3u);
  EXPECT_EQ(CountCodePoints("a\xC3\xA4\xE3\x81\x82\xF0\x9F\x98\x80"), 4u);
  EXPECT_EQ(CountCodePoints(absl::string_view("\0", 1)), 1u);
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\xAF", "\xC3", "\xE2\x80", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFE",
        "\xFF", "ok\xC3(", "\xE0\x80\x80", "\xF0\x80\x80\x80"}) {
    EXPECT_EQ(CountCodePoints(bad), std::nullopt) << bad;
  }
}

// The 25 code points of White_Space in Unicode 15's PropList.txt, and the five
// that README.md adds; written out to see a change of ICU's tables.
TEST(Text, TrimsExactlyTheBlanks) {
  std::set<UChar32> blanks = {0x20,   0x85,   0xA0,   0x1680, 0x2028,
                              0x2029, 0x202F, 0x205F, 0x3000, 0x200B,
                              0x200C, 0x200D, 0x2060, 0xFEFF};
  for (UChar32 c = 0x09; c <= 0x0D; ++c) blanks.insert(c);
  for (UChar32 c = 0x2000; c <= 0x200A; ++c) blanks.insert(c);
  for (UChar32 c = 0; c <= 0x10FFFF; ++c) {
    const std::string blank = Utf8(c);
    if (blank.empty()) continue;  // a surrogate
    const std::string text = blank + "a" + blank;
    const bool trims = blanks.count(c) > 0;
    ASSERT_EQ(TrimBlanks(text), trims ? "a" : text) << std::hex << c;
    ASSERT_EQ(TrimBlanks(blank).empty(), trims) << std::hex << c;
  }
}

TEST(Text, TrimsOnlyTheEnds) {
  EXPECT_EQ(TrimBlanks(""), "");
  EXPECT_EQ(TrimBlanks(" \t a b\r\n"), "a b");
  EXPECT_EQ(TrimBlanks(" \xC2\xA0 a\xC2\xA0 b \xE3\x80\x80 "), "a\xC2\xA0 b");
  EXPECT_EQ(TrimBlanks("\xC3\xA4 "), "\xC3\xA4");
}

TEST(Text, LowersAsciiAsUnicodeDoes) {
  for (int c = 0; c < 128; ++c) {
    const std::string text(1, static_cast<char>(c));
    // A letter beyond ASCII takes the other path.
    EXPECT_EQ(Lower(text) + "\xC3\xA4", Lower(text + "\xC3\x84")) << c;
  }
}

TEST(Text, LowersFully) {
  EXPECT_EQ(Lower("ÄÖÜẞ"), "äöüß");
  EXPECT_EQ(Lower("\u0130"), "i\u0307");
  EXPECT_EQ(Lower("ΟΔΥΣΣΕΥΣ"), "οδυσσευς");
  EXPECT_EQ(Lower("ΣΑ"), "σα");
  EXPECT_EQ(Lower("\U00010400"), "\U00010428");
}

TEST(Text, LowerCasingNeverNeedsMoreThanHalfAsMuchAgain) {
  for (UChar32 c = 0; c <= 0x10FFFF; ++c) {
    const std::string text = Utf8(c);
    if (text.empty()) continue;
    const std::string lower = Lower(text);
    ASSERT_LE(2 * lower.size(), 3 * text.size()) << std::hex << c;
    // What was lowered once stays.
    ASSERT_EQ(Lower(lower), lower) << std::hex << c;
  }
}

TEST(Text, SaysWhenTheBufferIsTooSmall) {
  std::array<char, 4> buffer;
  EXPECT_TRUE(ToLowerCase("ABCD", absl::MakeSpan(buffer)).has_value());
  EXPECT_FALSE(ToLowerCase("ABCDE", absl::MakeSpan(buffer)).has_value());
  EXPECT_TRUE(ToLowerCase("ÄÖ", absl::MakeSpan(buffer)).has_value());
  EXPECT_FALSE(ToLowerCase("ÄÖA", absl::MakeSpan(buffer)).has_value());
}

TEST(Text, FindsWhatCannotBeSeen) {
  EXPECT_FALSE(HasBlankOrInvisible(""));
  EXPECT_FALSE(HasBlankOrInvisible("jürgen@例え.テスト"));
  EXPECT_FALSE(HasBlankOrInvisible("a\u200Cb\u200Dc"));
  for (const char* hidden :
       {" ", "\t", "\x01", "\x7F", "\u0085", "\u0090", "\u00A0", "\u00AD",
        "\u061C", "\u180E", "\u200B", "\u200E", "\u202E", "\u2060", "\u2066",
        "\u3000", "\uFEFF", "\U000E0020"}) {
    EXPECT_TRUE(HasBlankOrInvisible(std::string("ä") + hidden + "b")) << hidden;
  }
}

}  // namespace
}  // namespace identity_mapping
