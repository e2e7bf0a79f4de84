#include "connector/config/audience_config.h"

#include <string>
#include <utility>
#include <vector>

#include "connector/base/error.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace connector::config {
namespace {

namespace v1 = audience_sync::v1;
using ::testing::HasSubstr;

absl::Status Check(const std::string& text,
                   AudienceSettings* settings = nullptr) {
  v1::AudiencePolicy policy;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &policy))
      << text;
  FieldCheck check;
  const AudienceSettings read = ReadAudiencePolicy(policy, "p", &check);
  if (settings != nullptr) *settings = read;
  return check.ok() ? absl::OkStatus() : check.ToStatus();
}

TEST(AudienceConfigTest, FillsInDefaults) {
  AudienceSettings settings;
  ASSERT_TRUE(Check("", &settings).ok());
  EXPECT_TRUE(settings.make_list_audiences);
  EXPECT_EQ(settings.first_poll_interval, absl::Minutes(2));
  EXPECT_EQ(settings.longest_poll_interval, absl::Hours(1));
  ASSERT_TRUE(Check("no_customer_list_audiences: true "
                    "longest_poll_interval { seconds: 60 }",
                    &settings)
                  .ok());
  EXPECT_FALSE(settings.make_list_audiences);
  EXPECT_EQ(settings.first_poll_interval, absl::Minutes(1));
}

TEST(AudienceConfigTest, NamesTheFieldAndTheRule) {
  const auto declared = [](const std::string& text) {
    return "declared_audiences { name: 'a' " + text + " }";
  };
  const std::string visitor = "visitor { visitor_source_id: '1' ";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"first_poll_interval { nanos: 1 }", "p.first_poll_interval"},
      {"first_poll_interval { seconds: 7200 }", "p.first_poll_interval"},
      {"longest_poll_interval { seconds: 90000 }", "p.longest_poll_interval"},
      {"older_api { data_party: AUDIENCE_DATA_PARTY_FIRST }",
       "p.older_api.sharing_type"},
      {"older_api { sharing_type: AUDIENCE_SHARING_TYPE_CUSTOM }",
       "p.older_api.data_party"},
      {"declared_audiences { visitor { visitor_source_id: '1' } }",
       "p.declared_audiences[0].name"},
      {"declared_audiences { name: 'a@b' visitor { visitor_source_id: '1' } }",
       "p.declared_audiences[0].name"},
      {declared(""), "p.declared_audiences[0]: must have a rule"},
      {declared(visitor + "}") + declared(visitor + "}"),
       "p.declared_audiences[1].name: is the name of another"},
      {declared("persona {}"), "cannot be made through Pinterest's API"},
      {declared("open {}"), "leave AUDIENCE_INCLUDE out"},
      {declared("actalike { country: 'US' percentage: 1 }"),
       "actalike: must have a seed"},
      {declared("actalike { audience_id: 'x' country: 'US' percentage: 1 }"),
       "actalike.audience_id"},
      {declared("actalike { audience_id: '1' country: 'us' percentage: 1 }"),
       "actalike.country"},
      {declared("actalike { audience_id: '1' country: 'US' percentage: 11 }"),
       "actalike.percentage"},
      {declared("actalike { audience_id: '1' country: 'US' }"),
       "actalike.percentage"},
      {declared("actalike { segment { segment_id: 'x' } country: 'US' "
                "percentage: 1 }"),
       "actalike.segment.segment_namespace"},
      {declared("actalike { declared_audience: 'a' country: 'US' "
                "percentage: 1 }"),
       "actalike.declared_audience"},
      {declared("engagement {}"), "engagement: must say something"},
      {declared("engagement { lookback_window: 541 }"),
       "engagement.lookback_window"},
      {declared("engagement { engagement_types: ENGAGEMENT_TYPE_CLICK "
                "engagement_types: ENGAGEMENT_TYPE_CLICK }"),
       "engagement.engagement_types[1]: is named twice"},
      {declared("engagement { engager_type: 3 }"), "engagement.engager_type"},
      {declared("visitor {}"), "visitor.visitor_source_id"},
      {declared(visitor + "retention_days: -1 }"), "visitor.retention_days"},
      {declared(visitor + "event_source {} }"), "visitor.event_source.values"},
      {declared(visitor + "event_source { values: 'tv' } }"),
       "event_source.values[0]: must be one of web, mobile, offline"},
      {declared(visitor + "ingestion_source { values: 'tag' values: 'tag' } }"),
       "ingestion_source.values[1]: is named twice"},
      {declared(visitor + "any_of {} }"), "visitor.any_of[0].event"},
      {declared(visitor + "any_of { event: VISITOR_EVENT_LEAD value {} } }"),
       "visitor.any_of[0].value.comparison"},
  };
  for (const auto& [text, words] : wrong) {
    const absl::Status status = Check(text);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words)) << text;
  }
}

TEST(AudienceConfigTest, ManyDeclarationsAreTooMany) {
  std::string text;
  for (int i = 0; i < 101; ++i) {
    text += "declared_audiences { name: 'n" + std::to_string(i) +
            "' visitor { visitor_source_id: '1' } }";
  }
  EXPECT_THAT(std::string(Check(text).message()), HasSubstr("at most 100"));
}

}  // namespace
}  // namespace connector::config
