#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "identity_mapping/mapping.h"

namespace identity_mapping {
namespace {

using ::testing::StartsWith;

MappingRules Rules(std::vector<MappingRow> rows) {
  MappingRules rules;
  rules.rows = std::move(rows);
  return rules;
}

// The error of a mapping, or "OK".
std::string ErrorOf(MappingRules current,
                    std::vector<MappingRules> former = {}) {
  const auto mapping =
      IdentityMapping::Create(std::move(current), std::move(former));
  if (mapping.ok()) return "OK";
  EXPECT_EQ(mapping.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(mapping.status().message());
}

std::string ListTypeOfKinds(const std::vector<IdentityKind>& kinds) {
  MappingRules rules;
  for (IdentityKind kind : kinds) {
    rules.rows.push_back({absl::StrCat("n", rules.rows.size()), kind});
  }
  const auto mapping = IdentityMapping::Create(rules);
  EXPECT_TRUE(mapping.ok()) << mapping.status();
  return mapping.ok() ? std::string(mapping->ListType()) : "";
}

TEST(MappingRules, DefaultsAreThePlatformsNamespaces) {
  const auto mapping = IdentityMapping::Create(DefaultMappingRules());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  for (const char* name :
       {"Email", "Email_LC_SHA256", "GAID", "IDFA", "pinterest_audience"}) {
    EXPECT_GE(mapping->FindRow(name), 0) << name;
    EXPECT_EQ(mapping->FindRetiredRow(name), -1) << name;
  }
  EXPECT_EQ(mapping->FindRow("ECID"), -1);
  EXPECT_EQ(mapping->ListType(), "EMAIL");
}

TEST(MappingRules, ErrorsNameTheField) {
  EXPECT_THAT(ErrorOf(Rules({})), StartsWith("mapping.rows: "));
  EXPECT_THAT(ErrorOf(Rules({{"a"}, {""}})),
              StartsWith("mapping.rows[1].source_namespace: "));
  EXPECT_THAT(ErrorOf(Rules({{"a"}, {"b"}, {"A"}})),
              StartsWith("mapping.rows[2].source_namespace: "));
  EXPECT_THAT(ErrorOf(Rules({{std::string(256, 'n')}})),
              StartsWith("mapping.rows[0].source_namespace: "));
  EXPECT_THAT(ErrorOf(Rules({{" a"}})),
              StartsWith("mapping.rows[0].source_namespace: "));
  EXPECT_THAT(ErrorOf(Rules({{"a\u00A0"}})),
              StartsWith("mapping.rows[0].source_namespace: "));
  EXPECT_THAT(ErrorOf(Rules({{"a\nb"}})),
              StartsWith("mapping.rows[0].source_namespace: "));
  EXPECT_THAT(ErrorOf(Rules({{"\xFF"}})),
              StartsWith("mapping.rows[0].source_namespace: "));
  EXPECT_THAT(ErrorOf(Rules({{"a", IdentityKind::kEmail, true}})),
              StartsWith("mapping.rows[0].accept_md5: "));
  EXPECT_THAT(ErrorOf(DefaultMappingRules(),
                      {DefaultMappingRules(), Rules({{"a"}, {"a"}})}),
              StartsWith("former_mappings[1].rows[1].source_namespace: "));
  EXPECT_THAT(ErrorOf(DefaultMappingRules(),
                      std::vector<MappingRules>(17, DefaultMappingRules())),
              StartsWith("former_mappings: "));
}

TEST(MappingRules, OpaqueKindsStandAlone) {
  const IdentityKind opaque[] = {IdentityKind::kLrId, IdentityKind::kDlxId,
                                 IdentityKind::kHashedPinnerId};
  for (IdentityKind kind : opaque) {
    EXPECT_EQ(ErrorOf(Rules({{"a", kind}, {"b", kind}})), "OK");
    EXPECT_THAT(ErrorOf(Rules({{"a", kind}, {"b", IdentityKind::kEmail}})),
                StartsWith("mapping.rows[1].kind: "));
    EXPECT_THAT(ErrorOf(Rules({{"a", IdentityKind::kGaid}, {"b", kind}})),
                StartsWith("mapping.rows[1].kind: "));
    for (IdentityKind other : opaque) {
      EXPECT_EQ(ErrorOf(Rules({{"a", kind}, {"b", other}})) == "OK",
                kind == other);
    }
  }
}

TEST(MappingRules, TakesWhatIsGood) {
  EXPECT_EQ(ErrorOf(Rules({{std::string(255, 'n')}})), "OK");
  EXPECT_EQ(ErrorOf(Rules({{"a", IdentityKind::kGaid, true},
                           {"b", IdentityKind::kIdfa, true}})),
            "OK");
  EXPECT_EQ(ErrorOf(DefaultMappingRules(),
                    std::vector<MappingRules>(16, DefaultMappingRules())),
            "OK");
}

TEST(MappingRules, ListTypeFollowsTheKinds) {
  using K = IdentityKind;
  EXPECT_EQ(ListTypeOfKinds({K::kIdfa}), "IDFA");
  EXPECT_EQ(ListTypeOfKinds({K::kIdfa, K::kIdfa}), "IDFA");
  EXPECT_EQ(ListTypeOfKinds({K::kGaid}), "MAID");
  EXPECT_EQ(ListTypeOfKinds({K::kGaid, K::kIdfa}), "EMAIL");
  EXPECT_EQ(ListTypeOfKinds({K::kEmail}), "EMAIL");
  EXPECT_EQ(ListTypeOfKinds({K::kEmailLcSha256}), "EMAIL");
  EXPECT_EQ(ListTypeOfKinds({K::kPinterestAudience}), "EMAIL");
  EXPECT_EQ(ListTypeOfKinds({K::kIdfa, K::kPinterestAudience}), "EMAIL");
  EXPECT_EQ(ListTypeOfKinds({K::kLrId}), "LR_ID");
  EXPECT_EQ(ListTypeOfKinds({K::kDlxId, K::kDlxId}), "DLX_ID");
  EXPECT_EQ(ListTypeOfKinds({K::kHashedPinnerId}), "HASHED_PINNER_ID");
}

TEST(RejectionReasons, NamesAreDistinctUpperSnake) {
  std::vector<std::string> names;
  for (RejectionReason reason : AllRejectionReasons()) {
    const std::string name(RejectionReasonName(reason));
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"),
              std::string::npos);
    EXPECT_THAT(names, ::testing::Not(::testing::Contains(name)));
    EXPECT_NE(name, "UNKNOWN");
    names.push_back(name);
  }
  // A reason that was added must be in the list too.
  EXPECT_EQ(RejectionReasonName(
                static_cast<RejectionReason>(AllRejectionReasons().size() + 1)),
            "UNKNOWN");
}

}  // namespace
}  // namespace identity_mapping
