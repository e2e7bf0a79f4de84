#include "connector/admin/spec.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::admin {
namespace {

namespace v1 = audience_sync::v1;
using testing::ElementsAre;
using testing::MatchesRegex;

TEST(SpecTest, NamesTheDefaultMapping) {
  const v1::GetSpecResponse spec = MakeSpec();
  std::vector<std::string> namespaces;
  for (const v1::MappingSpec& mapping : spec.mapping_specs()) {
    namespaces.push_back(mapping.row().source_namespace());
    EXPECT_EQ(mapping.target_field(), "pinterest_audience");
    EXPECT_NE(mapping.row().kind(), v1::IDENTITY_KIND_UNSPECIFIED);
    EXPECT_EQ(mapping.transformations(0), "trim");
  }
  EXPECT_THAT(namespaces, ElementsAre("Email", "Email_LC_SHA256", "GAID",
                                      "IDFA", "pinterest_audience"));
  EXPECT_THAT(spec.mapping_specs(0).transformations(),
              ElementsAre("trim", "lowercase", "sha256-hex"));
}

TEST(SpecTest, TellsNameVersionCapabilitiesAndLimits) {
  const v1::GetSpecResponse spec = MakeSpec();
  EXPECT_EQ(spec.connector_name(), "audience-connector");
  EXPECT_THAT(spec.connector_version(), MatchesRegex("[0-9]+.[0-9]+.[0-9]+"));
  EXPECT_GT(spec.capabilities_size(), 5);
  for (const std::string& capability : spec.capabilities()) {
    EXPECT_THAT(capability, MatchesRegex("[a-z]+(-[a-z]+)*"));
  }
  EXPECT_GT(spec.export_limits().max_frame_bytes(), 1 << 20);
  EXPECT_EQ(spec.export_limits().max_batch_profiles(), 20'000);
  EXPECT_GT(spec.export_limits().max_unacknowledged_bytes(), 1 << 20);
}

}  // namespace
}  // namespace connector::admin
