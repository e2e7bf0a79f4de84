#include "identity_mapping/forget_forms.h"

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "identity_mapping/digest.h"

namespace identity_mapping {
namespace {

constexpr char kDevice[] = "6D92078A-8246-4BA4-AE5B-76104861E7DC";

std::string Hex(absl::string_view text, size_t size,
                void (*digest)(absl::string_view, uint8_t*)) {
  std::string bytes(size, '\0');
  digest(text, reinterpret_cast<uint8_t*>(bytes.data()));
  return absl::BytesToHexString(bytes);
}
std::string Sha256Hex(absl::string_view text) {
  return Hex(text, kSha256Size, Sha256);
}
std::set<std::string> AllDigests(absl::string_view text) {
  return {Sha256Hex(text), Hex(text, kSha1Size, Sha1),
          Hex(text, kMd5Size, Md5)};
}
std::set<std::string> Joined(std::set<std::string> a,
                             const std::set<std::string>& b) {
  a.insert(b.begin(), b.end());
  return a;
}

std::set<std::string> Texts(const std::vector<Record>& forms) {
  std::set<std::string> texts;
  for (const Record& form : forms) {
    std::string text;
    form.AppendWireText(&text);
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), forms.size());
  return texts;
}

std::set<std::string> Forms(const IdentityMapping& mapping,
                            absl::string_view name, absl::string_view value) {
  int row = mapping.FindRow(name);
  if (row < 0) row = mapping.FindRetiredRow(name);
  EXPECT_GE(row, 0);
  std::vector<Record> forms;
  RejectionReason reason;
  if (!FormsToForget(mapping, row, value, &forms, &reason)) return {};
  EXPECT_TRUE(std::is_sorted(forms.begin(), forms.end()));
  return Texts(forms);
}

IdentityMapping Default(std::vector<MappingRules> former = {}) {
  return *IdentityMapping::Create(DefaultMappingRules(), std::move(former));
}

TEST(FormsToForgetTest, AnAddressStandsForItsThreeDigests) {
  EXPECT_EQ(Forms(Default(), "Email", " Ann@Example.COM\n"),
            AllDigests("ann@example.com"));
  EXPECT_EQ(Forms(Default(), "pinterest_audience", "Ann@Example.COM"),
            AllDigests("ann@example.com"));
}

TEST(FormsToForgetTest, ADeviceIdStandsForItsDigestsInBothCases) {
  const std::set<std::string> all =
      Joined(AllDigests(kDevice), AllDigests(absl::AsciiStrToLower(kDevice)));
  EXPECT_EQ(all.size(), 6u);
  EXPECT_EQ(Forms(Default(), "IDFA", kDevice), all);
  EXPECT_EQ(Forms(Default(), "GAID", kDevice), all);
  EXPECT_EQ(Forms(Default(), "pinterest_audience", kDevice), all);
}

TEST(FormsToForgetTest, AHashStandsForItself) {
  const std::string hash = Sha256Hex("ann@example.com");
  EXPECT_EQ(Forms(Default(), "Email", absl::AsciiStrToUpper(hash)),
            std::set<std::string>{hash});
}

TEST(FormsToForgetTest, FormerMappingsCountAlsoWhereTodaysRefuses) {
  MappingRules former = DefaultMappingRules();
  former.rows.push_back({"old", IdentityKind::kEmail, false});
  EXPECT_EQ(Forms(Default({former}), "old", "ann@example.com"),
            AllDigests("ann@example.com"));
  // 32 digits: an MD5 today, a device id before.
  const std::string digits = "6d92078a82464ba4ae5b76104861e7dc";
  EXPECT_EQ(Forms(Default(), "pinterest_audience", digits).count(digits), 1u);
  EXPECT_EQ(Forms(Default(), "pinterest_audience", digits)
                .count(Sha256Hex(absl::AsciiStrToLower(kDevice))),
            1u);
}

TEST(FormsToForgetTest, WhatNoMappingTakesIsRefused) {
  EXPECT_TRUE(Forms(Default(), "Email", "no address").empty());
  EXPECT_TRUE(Forms(Default(), "Email", "").empty());
  EXPECT_TRUE(
      Forms(Default(), "IDFA", "00000000-0000-0000-0000-000000000000").empty());
}

TEST(RecordsOfWireTextTest, ReadsHashesAndWithOpaqueKindsTheirIds) {
  const std::string hash = Sha256Hex("x");
  EXPECT_EQ(Texts(RecordsOfWireText(absl::AsciiStrToUpper(hash), false)),
            std::set<std::string>{hash});
  EXPECT_TRUE(RecordsOfWireText("XY1234abc", false).empty());
  EXPECT_EQ(Texts(RecordsOfWireText("XY1234abc", true)),
            std::set<std::string>{"XY1234abc"});
  EXPECT_TRUE(RecordsOfWireText("a@example.com", true).empty());
  EXPECT_TRUE(RecordsOfWireText("", true).empty());
}

}  // namespace
}  // namespace identity_mapping
