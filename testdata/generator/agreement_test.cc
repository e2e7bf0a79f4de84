// The oracle and the connector's own mapping were written apart. For every
// identity of an export they must name the same records.
#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "identity_mapping/mapping.h"
#include "testdata/generator/oracle.h"
#include "testdata/generator/population.h"

namespace generator {
namespace {

std::string WireText(const identity_mapping::Record& record) {
  std::string text;
  record.AppendWireText(&text);
  return text;
}

void ExpectAgreement(const identity_mapping::IdentityMapping& mapping,
                     const LineIdentity& identity) {
  const Mapped expected =
      MapIdentity(identity.source_namespace, identity.value);
  const std::string what = identity.source_namespace + ": " + identity.value;
  const int row = mapping.FindRow(identity.source_namespace);
  ASSERT_EQ(row < 0, expected.excluded) << what;
  if (row < 0) return;
  identity_mapping::MappedIdentity mapped;
  identity_mapping::RejectionReason reason;
  ASSERT_EQ(mapping.Map(row, identity.value, &mapped, &reason),
            expected.record.has_value())
      << what;
  if (!expected.record.has_value()) return;
  EXPECT_EQ(WireText(mapped.primary), ToHex(*expected.record)) << what;
  std::vector<std::string> exits = {WireText(mapped.primary)};
  for (const auto& twin : mapped.twin_forms) exits.push_back(WireText(twin));
  std::vector<std::string> expected_exits;
  for (const Digest& exit : expected.exits) {
    expected_exits.push_back(ToHex(exit));
  }
  for (auto* list : {&exits, &expected_exits}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  EXPECT_EQ(exits, expected_exits) << what;
}

TEST(AgreementTest, TheOracleAndTheConnectorNameTheSameRecords) {
  const auto mapping = identity_mapping::IdentityMapping::Create(
      identity_mapping::DefaultMappingRules());
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  Options options;
  options.profiles = 5000;
  options.malformed_share = 0.2;
  int64_t identities = 0;
  for (uint64_t seed : {1, 2, 3}) {
    options.seed = seed;
    Population(options).Initial([&](const ProfileLine& line) {
      for (const LineIdentity& identity : line.identities) {
        ExpectAgreement(*mapping, identity);
        ++identities;
      }
    });
  }
  EXPECT_GT(identities, 30'000);
}

}  // namespace
}  // namespace generator
