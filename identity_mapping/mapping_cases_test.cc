// Runs every case of testdata/identity_mapping.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "identity_mapping/case_file.h"
#include "identity_mapping/mapping.h"

namespace identity_mapping {
namespace {

using ::testing::UnorderedElementsAreArray;

std::string WireText(RecordView record) {
  std::string text;
  record.AppendWireText(&text);
  return text;
}

template <typename Records>
std::vector<std::string> WireTexts(const Records& records) {
  std::vector<std::string> texts;
  for (const Record& record : records) texts.push_back(WireText(record));
  return texts;
}

std::vector<MappingCase> ReadAllCases() {
  std::vector<MappingCase> all;
  for (const auto& entry :
       std::filesystem::directory_iterator("testdata/identity_mapping")) {
    if (entry.path().extension() != ".test") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    absl::StatusOr<std::vector<MappingCase>> cases =
        ParseCaseFile(entry.path().filename().string(), text);
    EXPECT_TRUE(cases.ok()) << cases.status();
    if (!cases.ok()) continue;
    EXPECT_FALSE(cases->empty()) << entry.path() << " has no case";
    all.insert(all.end(), cases->begin(), cases->end());
  }
  return all;
}

void RunCase(const MappingCase& c) {
  SCOPED_TRACE(c.where + ": " + c.name);
  const absl::StatusOr<IdentityMapping> mapping =
      IdentityMapping::Create(c.current, c.former);
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  int row = mapping->FindRow(c.source_namespace);
  const int retired_row = mapping->FindRetiredRow(c.source_namespace);
  if (c.excluded) {
    EXPECT_EQ(row, -1);
    EXPECT_EQ(retired_row, -1);
    return;
  }
  if (row < 0) {
    row = retired_row;
    EXPECT_EQ(c.refused.empty(), false) << "the namespace has no row";
  } else {
    EXPECT_EQ(retired_row, -1);
  }
  ASSERT_GE(row, 0) << "excluded";

  MappedIdentity identity;
  RejectionReason reason;
  if (mapping->Map(row, c.value, &identity, &reason)) {
    EXPECT_EQ(WireText(identity.primary), c.wire);
    EXPECT_EQ(c.refused, "");
  } else {
    EXPECT_EQ(RejectionReasonName(reason), c.refused);
    EXPECT_EQ(identity.primary.encoded(), "");
  }
  EXPECT_THAT(WireTexts(identity.former_forms),
              UnorderedElementsAreArray(c.former_forms));
  EXPECT_THAT(WireTexts(identity.twin_forms),
              UnorderedElementsAreArray(c.twin_forms));
}

TEST(MappingCases, EveryCaseHolds) {
  const std::vector<MappingCase> cases = ReadAllCases();
  ASSERT_GE(cases.size(), 400u) << "test data is missing";
  for (const MappingCase& c : cases) RunCase(c);
}

TEST(MappingCases, EveryReasonIsCovered) {
  std::set<std::string> covered;
  for (const MappingCase& c : ReadAllCases()) covered.insert(c.refused);
  for (RejectionReason reason : AllRejectionReasons()) {
    EXPECT_TRUE(covered.count(std::string(RejectionReasonName(reason))))
        << RejectionReasonName(reason);
  }
}

TEST(MappingCases, NamesAreUniqueInAFile) {
  std::set<std::string> seen;
  for (const MappingCase& c : ReadAllCases()) {
    const std::string file = c.where.substr(0, c.where.find(':'));
    EXPECT_TRUE(seen.insert(file + c.name).second) << c.where << c.name;
  }
}

TEST(CaseFile, RefusesWhatItCannotRead) {
  for (const char* text : {
           "case a\n",                                    // not whole
           "case a\nnamespace N\nvalue \"v\"\n",          // nothing expected
           "case a\nnamespace N\nwire 00\n",              // no value
           "case a\nvalue \"v\"\nwire 00\n",              // no namespace
           "value \"v\"\n",                               // outside a case
           "case a\nnamespace N\nvalue v\nwire 00\n",     // no quotes
           "case a\nnamespace N\nvalue \"\\q\"\nwire 0",  // unknown escape
           "case a\nnamespace N\nvalue \"\\xF\"\nwire 0",
           "case a\nnamespace N\nvalue \"\\u{}\"\nwire 0",
           "case a\nnamespace N\nvalue \"\\u{D800}\"\nwire 0",
           "case a\nnamespace N\nvalue \"\\{3:a\"\nwire 0",
           "case a\nnamespace N\nvalue \"v\"\nwire 0\nrefused X\n",
           "case a\nnamespace N\nvalue \"v\"\nexcluded\nwired 0\n",
           "mapping fast\n",
           "mapping\nrow Email MAIL\n",
       }) {
    EXPECT_FALSE(ParseCaseFile("f", text).ok()) << text;
  }
}

TEST(CaseFile, ReadsEscapes) {
  const auto cases = ParseCaseFile(
      "f",
      "# comment\n\nmapping\nrow \"a b\" GAID md5\nformer gaid=upper\n"
      "row x EMAIL\ncase one\nnamespace \"a b\"\n"
      "value \"\\\\\\\"\\n\\xFF\\u{e4}\\{2:a\\{2:\\t}}.\"\nwire 00\n"
      "twin_form 01\nformer_form 02\n");
  ASSERT_TRUE(cases.ok()) << cases.status();
  ASSERT_EQ(cases->size(), 1u);
  const MappingCase& c = cases->front();
  EXPECT_EQ(c.value,
            "\\\"\n\xFF\xC3\xA4"
            "a\t\ta\t\t.");
  EXPECT_EQ(c.source_namespace, "a b");
  ASSERT_EQ(c.current.rows.size(), 1u);
  EXPECT_TRUE(c.current.rows[0].accept_md5);
  ASSERT_EQ(c.former.size(), 1u);
  EXPECT_EQ(c.former[0].gaid_case, DeviceIdCase::kUpper);
  EXPECT_THAT(c.twin_forms, ::testing::ElementsAre("01"));
  EXPECT_THAT(c.former_forms, ::testing::ElementsAre("02"));
}

}  // namespace
}  // namespace identity_mapping
