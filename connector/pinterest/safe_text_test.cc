#include "connector/pinterest/safe_text.h"

#include <random>
#include <string>
#include <vector>

#include "connector/pinterest/utf8.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

TEST(SafeTextTest, MasksWhatMayBePersonalAndKeepsTheRest) {
  struct Case {
    std::string text;
    std::string expected;
  };
  const std::string hash(64, 'a');
  const std::vector<Case> cases = {
      {"", ""},
      {"AdAccount not found.", "AdAccount not found."},
      {"Account 549756359984, list 643: ads_read_app_id_user_id",
       "Account 549756359984, list 643: ads_read_app_id_user_id"},
      {"bad record ann@example.com.", "bad record [address]"},
      {"<Ann@Example.COM>,(b@c)", "<[address]>,([address])"},
      {"{\"email\":\"ann@example.com\",\"n\":1}",
       "{\"email\":\"[address]\",\"n\":1}"},
      {"ann%40example.com", "[address]"},
      {"ann\\u0040example.com", "[address]"},
      {"ann\xEF\xBC\xA0"
       "example.com",
       "[address]"},
      {"ann\xE2\x80\x8B@\xE2\x80\x8B"
       "example.com",
       "[address]"},
      {"m\xC3\xBCller@example.com x", "[address] x"},
      {"hash " + hash + "!", "hash [id]!"},
      {"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha1:[id]"},
      {"md5: D41D8CD98F00B204E9800998ECF8427E", "md5: [id]"},
      {"md5=D41D8CD98F00B204E9800998ECF8427E", "[opaque]"},
      {"id {AEBE52E7-03EE-455A-B3C4-E57283966239}", "id {[id]}"},
      {"38400000-8cf0-11bd-b23e-10b96e40000d", "[id]"},
      {"x" + hash, "x[id]"},
      {hash + "," + hash, "[id],[id]"},
      {"31 digits aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
       "31 digits aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
      {"token pina_ABC.def-123 is old", "token [token] is old"},
      {"Bearer PINR_x", "Bearer [token]"},
      {"spin_up xpinA_b", "spin_up x[token]"},
      {"Zm9vYmFyQGV4YW1wbGUuY29tZm9vYmFy", "[opaque]"},
      {"a very_long_word_without_any_digit_in_it_at_all",
       "a very_long_word_without_any_digit_in_it_at_all"},
      {"line\r\nbreak\tand\x01\x7F bell", "line  break and bell"},
      {"bidi \xE2\x80\xAE off", "bidi  off"},
      {"c1 \xC2\x85 control", "c1  control"},
      {"bad \xFF\xC0 utf8", "bad ?? utf8"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(SafeText(c.text, 300), c.expected) << c.text;
  }
}

TEST(SafeTextTest, MasksTheGivenSecret) {
  EXPECT_EQ(SafeText("got opensesame1 twice: opensesame1", 300, "opensesame1"),
            "got  [token]  twice:  [token]");
  EXPECT_EQ(SafeText("a word", 300, "a"), "a word");
}

TEST(SafeTextTest, CutsAtACharacter) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "\xE2\x82\xAC";
  for (size_t max = 16; max < 40; ++max) {
    const std::string cut = SafeText(text, max);
    EXPECT_LE(cut.size(), max);
    EXPECT_GT(cut.size(), max - 4);
    EXPECT_EQ(cut.substr(cut.size() - 3), "...");
    EXPECT_TRUE(IsPlainUtf8(cut));
  }
}

TEST(SafeTextTest, HalfADigestAtTheEndOfWhatIsLookedAtIsDropped) {
  // The bound of the input falls into the middle of the last digest.
  for (size_t shift = 0; shift < 130; ++shift) {
    std::string text(shift, 'x');
    while (text.size() < (16 << 10) + 100) {
      text += " 0123456789abcdef0123456789abcdef0123456789abcdef";
    }
    const std::string safe = SafeText(text, 1 << 20);
    EXPECT_EQ(safe.find("0123456789"), std::string::npos);
  }
}

TEST(SafeTextTest, WhateverComesInHoldsNoSecretAndIsPlain) {
  std::mt19937_64 random(3);
  const std::vector<std::string> parts = {
      "ann@example.com",
      "38400000-8cf0-11bd-b23e-10b96e40000d",
      "B94D27B9934D3E08A52E52D7DA7DABFAC484EFE37A5380EE9088F7ACE2EFCDE9",
      "pina_secret-part",
      "\xFF",
      "\xE2\x80\x8B",
      " ",
      "word",
      "\n",
      "\"",
      ";",
      ":",
      "{",
      "\xC3\xA4"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (size_t i = random() % 30; i > 0; --i) {
      text += parts[random() % parts.size()];
    }
    const size_t max = 16 + random() % 400;
    const std::string safe = SafeText(text, max);
    EXPECT_LE(safe.size(), max);
    EXPECT_TRUE(IsPlainUtf8(safe)) << text;
    for (const char* leak : {"ann", "example", "8cf0", "8CF0", "b94d", "B94D",
                             "secret-part", "@"}) {
      EXPECT_EQ(safe.find(leak), std::string::npos) << text << " -> " << safe;
    }
  }
}

TEST(Utf8Test, TellsWellFormedFromMalformed) {
  for (const char* good : {"", "abc", "\xC3\xA4", "\xE2\x82\xAC",
                           "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsPlainUtf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x80\x80",
        "\xE2\x82", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "a\nb", "\x7F", "\xC2\x80"}) {
    EXPECT_FALSE(IsPlainUtf8(bad)) << bad;
  }
}

}  // namespace
}  // namespace connector::pinterest
