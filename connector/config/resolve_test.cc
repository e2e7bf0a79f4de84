#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "connector/base/error.h"
#include "connector/base/limits.h"
#include "connector/config/credential_config.h"
#include "connector/config/destination_config.h"
#include "connector/config/segment_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::config {
namespace {

namespace v1 = audience_sync::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

v1::Destination Sound() {
  v1::Destination destination;
  destination.set_ad_account_id("549755885175");
  destination.set_credential_id("main");
  return destination;
}

v1::Credential SoundCredential() {
  v1::Credential credential;
  credential.set_credential_id("main");
  credential.set_access_token_file("main.token");
  return credential;
}

std::vector<std::string> Fields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const auto& [field, rule] : GetErrorDetail(status).field_violations) {
    fields.push_back(field);
  }
  return fields;
}

TEST(ResolveDestinationTest, FillsInDefaults) {
  auto state = ResolveDestination(Sound());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->ad_account_id, "549755885175");
  EXPECT_EQ(state->credential_id, "main");
  EXPECT_EQ(state->policy.list_name_prefix, "cdp");
  EXPECT_EQ(state->policy.max_customer_lists, 250);
  EXPECT_EQ(state->policy.max_full_sync_removal_percent, 30);
  EXPECT_EQ(state->policy.max_request_records, 10'000);
  EXPECT_EQ(state->policy.max_request_bytes, 1'000'000);
  EXPECT_EQ(state->policy.max_delay, absl::Seconds(30));
  EXPECT_EQ(state->policy.creation_lookup_window, absl::Minutes(5));
  EXPECT_EQ(state->policy.max_backlog_bytes, int64_t{4} << 30);
  EXPECT_TRUE(state->policy.TakesSegmentNamespace("anything"));
  EXPECT_EQ(state->mapping->ListType(), "EMAIL");
  EXPECT_GE(state->mapping->FindRow("email"), 0);
  EXPECT_THAT(state->config.etag(), SizeIs(16));
}

TEST(ResolveDestinationTest, SpellsOutWhatMustKeepItsMeaning) {
  auto state = ResolveDestination(Sound());
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->config.segment_policy().list_name_prefix(), "cdp");
  EXPECT_EQ(state->config.identity_mapping().rows_size(), 5);
  EXPECT_EQ(state->config.identity_mapping().idfa_case(),
            v1::DEVICE_ID_CASE_UPPER);
}

TEST(ResolveDestinationTest, KeepsSetValues) {
  v1::Destination destination = Sound();
  auto* policy = destination.mutable_delivery_policy();
  policy->set_max_request_records(50'000);
  policy->set_max_request_bytes(10'000);
  policy->mutable_max_delay();
  policy->mutable_creation_lookup_window()->set_seconds(3600);
  policy->set_max_backlog_bytes(1);
  destination.mutable_segment_policy()->add_segment_namespaces("ups");
  destination.mutable_segment_policy()->set_default_segment_namespace("ups");
  auto state = ResolveDestination(destination);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->policy.max_request_records, 50'000);
  EXPECT_EQ(state->policy.max_request_bytes, 10'000);
  EXPECT_EQ(state->policy.max_delay, absl::ZeroDuration());
  EXPECT_EQ(state->policy.creation_lookup_window, absl::Hours(1));
  EXPECT_EQ(state->policy.max_backlog_bytes, 1);
  EXPECT_TRUE(state->policy.TakesSegmentNamespace("ups"));
  EXPECT_FALSE(state->policy.TakesSegmentNamespace("other"));
}

TEST(ResolveDestinationTest, AnAdAccountHasOneSpelling) {
  for (const char* id :
       {"", "0", "01", "1 ", "+1", "1234567890123456789", "\xD9\xA1"}) {
    v1::Destination destination = Sound();
    destination.set_ad_account_id(id);
    EXPECT_THAT(Fields(ResolveDestination(destination).status()),
                ElementsAre("destination.ad_account_id"))
        << id;
    const absl::Status status = CheckAdAccountId(id, "ad_account_id");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_THAT(Fields(status), ElementsAre("ad_account_id"));
  }
  EXPECT_TRUE(CheckAdAccountId("123456789012345678", "f").ok());
}

TEST(ResolveDestinationTest, NamesEveryWrongFieldAtOnce) {
  v1::Destination destination = Sound();
  destination.set_ad_account_id("12a");
  destination.set_display_name(std::string(201, 'x'));
  destination.set_description(std::string(2'001, 'x'));
  destination.set_credential_id("Main");
  destination.mutable_delivery_policy()->set_max_request_records(50'001);
  destination.mutable_delivery_policy()->set_max_request_bytes(9'999);
  destination.mutable_delivery_policy()->mutable_max_delay()->set_seconds(3601);
  auto* row = destination.mutable_identity_mapping()->add_rows();
  row->set_source_namespace("Email");
  auto* former = destination.add_former_identity_mappings()->add_rows();
  former->set_source_namespace(" x");
  former->set_kind(v1::IDENTITY_KIND_EMAIL);
  auto state = ResolveDestination(destination);
  EXPECT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorDetail(state.status()).reason, "FIELD_INVALID");
  EXPECT_THAT(Fields(state.status()),
              UnorderedElementsAre(
                  "destination.ad_account_id", "destination.display_name",
                  "destination.description", "destination.credential_id",
                  "destination.delivery_policy.max_request_records",
                  "destination.delivery_policy.max_request_bytes",
                  "destination.delivery_policy.max_delay",
                  "destination.identity_mapping.rows[0].kind"));
  EXPECT_THAT(std::string(state.status().message()),
              HasSubstr("destination.delivery_policy.max_request_records: must "
                        "be 1 to 50,000"));
}

struct BadField {
  std::string field;
  std::function<void(v1::Destination*)> spoil;
};

TEST(ResolveDestinationTest, RefusesEachBadField) {
  const std::vector<BadField> cases = {
      {"ad_account_id", [](auto* d) { d->clear_ad_account_id(); }},
      {"ad_account_id",
       [](auto* d) { d->set_ad_account_id("1234567890123456789"); }},
      {"credential_id", [](auto* d) { d->clear_credential_id(); }},
      {"display_name", [](auto* d) { d->set_display_name("a\nb"); }},
      {"segment_policy.list_name_prefix",
       [](auto* d) {
         d->mutable_segment_policy()->set_list_name_prefix("a/b");
       }},
      {"segment_policy.list_name_prefix",
       [](auto* d) {
         d->mutable_segment_policy()->set_list_name_prefix(
             std::string(101, 'x'));
       }},
      {"segment_policy.segment_namespaces[1]",
       [](auto* d) {
         d->mutable_segment_policy()->add_segment_namespaces("a");
         d->mutable_segment_policy()->add_segment_namespaces("a");
       }},
      {"segment_policy.segment_namespaces[0]",
       [](auto* d) {
         d->mutable_segment_policy()->add_segment_namespaces("");
       }},
      {"segment_policy.segment_namespaces",
       [](auto* d) {
         for (int i = 0; i < 101; ++i) {
           d->mutable_segment_policy()->add_segment_namespaces(
               std::to_string(i));
         }
       }},
      {"segment_policy.max_customer_lists",
       [](auto* d) {
         d->mutable_segment_policy()->set_max_customer_lists(10'001);
       }},
      {"segment_policy.max_customer_lists",
       [](auto* d) {
         d->mutable_segment_policy()->set_max_customer_lists(-1);
       }},
      {"segment_policy.max_full_sync_removal_percent",
       [](auto* d) {
         d->mutable_segment_policy()->set_max_full_sync_removal_percent(101);
       }},
      {"segment_policy.default_segment_namespace",
       [](auto* d) {
         d->mutable_segment_policy()->set_default_segment_namespace("a@b");
       }},
      {"segment_policy.default_segment_namespace",
       [](auto* d) {
         d->mutable_segment_policy()->add_segment_namespaces("a");
         d->mutable_segment_policy()->set_default_segment_namespace("b");
       }},
      {"delivery_policy.max_request_records",
       [](auto* d) {
         d->mutable_delivery_policy()->set_max_request_records(-1);
       }},
      {"delivery_policy.max_request_bytes",
       [](auto* d) {
         d->mutable_delivery_policy()->set_max_request_bytes(10'000'001);
       }},
      {"delivery_policy.max_delay",
       [](auto* d) {
         d->mutable_delivery_policy()->mutable_max_delay()->set_seconds(-1);
       }},
      {"delivery_policy.max_delay",
       [](auto* d) {
         d->mutable_delivery_policy()->mutable_max_delay()->set_nanos(
             1'000'000'000);
       }},
      {"delivery_policy.creation_lookup_window",
       [](auto* d) {
         d->mutable_delivery_policy()
             ->mutable_creation_lookup_window()
             ->set_seconds(3601);
       }},
      {"delivery_policy.max_backlog_bytes",
       [](auto* d) {
         d->mutable_delivery_policy()->set_max_backlog_bytes(-1);
       }},
      {"identity_mapping.gaid_case",
       [](auto* d) {
         d->mutable_identity_mapping()->set_gaid_case(
             static_cast<v1::DeviceIdCase>(9));
       }},
      {"identity_mapping.rows[1].source_namespace",
       [](auto* d) {
         for (const char* name : {"Email", "EMAIL"}) {
           auto* row = d->mutable_identity_mapping()->add_rows();
           row->set_source_namespace(name);
           row->set_kind(v1::IDENTITY_KIND_EMAIL);
         }
       }},
      {"identity_mapping.rows[0].source_namespace",
       [](auto* d) {
         auto* row = d->mutable_identity_mapping()->add_rows();
         row->set_source_namespace(std::string(129, 'x'));
         row->set_kind(v1::IDENTITY_KIND_EMAIL);
       }},
      {"identity_mapping.rows[0].source_namespace",
       [](auto* d) {
         auto* row = d->mutable_identity_mapping()->add_rows();
         row->set_kind(v1::IDENTITY_KIND_EMAIL);
       }},
      {"identity_mapping.rows[1].kind",
       [](auto* d) {
         auto* row = d->mutable_identity_mapping()->add_rows();
         row->set_source_namespace("a");
         row->set_kind(v1::IDENTITY_KIND_EMAIL);
         row = d->mutable_identity_mapping()->add_rows();
         row->set_source_namespace("b");
         row->set_kind(v1::IDENTITY_KIND_LR_ID);
       }},
      {"identity_mapping.rows[0].accept_md5",
       [](auto* d) {
         auto* row = d->mutable_identity_mapping()->add_rows();
         row->set_source_namespace("a");
         row->set_kind(v1::IDENTITY_KIND_EMAIL);
         row->set_accept_md5(true);
       }},
      {"identity_mapping.rows",
       [](auto* d) {
         for (int i = 0; i < 101; ++i) {
           auto* row = d->mutable_identity_mapping()->add_rows();
           row->set_source_namespace(std::to_string(i));
           row->set_kind(v1::IDENTITY_KIND_EMAIL);
         }
       }},
      {"former_identity_mappings",
       [](auto* d) {
         for (int i = 0; i < 9; ++i) d->add_former_identity_mappings();
       }},
      {"former_identity_mappings[1].rows[0].kind",
       [](auto* d) {
         d->add_former_identity_mappings();
         auto* row = d->add_former_identity_mappings()->add_rows();
         row->set_source_namespace("a");
       }},
  };
  for (const BadField& bad : cases) {
    v1::Destination destination = Sound();
    bad.spoil(&destination);
    EXPECT_THAT(Fields(ResolveDestination(destination).status()),
                ElementsAre("destination." + bad.field));
  }
}

TEST(ResolveDestinationTest, BadRowsBesideGoodOnesKeepTheirIndexes) {
  v1::Destination destination = Sound();
  for (const char* name : {"a", " b", "c", "d "}) {
    auto* row = destination.mutable_identity_mapping()->add_rows();
    row->set_source_namespace(name);
    row->set_kind(v1::IDENTITY_KIND_EMAIL);
  }
  EXPECT_THAT(
      Fields(ResolveDestination(destination).status()),
      ElementsAre("destination.identity_mapping.rows[1].source_namespace",
                  "destination.identity_mapping.rows[3].source_namespace"));
}

TEST(ResolveDestinationTest, EtagFollowsTheContentAndNothingElse) {
  v1::Destination destination = Sound();
  const std::string etag = ResolveDestination(destination)->config.etag();
  destination.set_etag("anything");
  EXPECT_EQ(ResolveDestination(destination)->config.etag(), etag);
  destination.set_description("new");
  EXPECT_NE(ResolveDestination(destination)->config.etag(), etag);
}

TEST(ResolveDestinationTest, ErrorsNeverRepeatTheValue) {
  v1::Destination destination = Sound();
  destination.set_ad_account_id("canary@example.com");
  destination.set_credential_id("canary@example.com");
  auto* policy = destination.mutable_segment_policy();
  policy->set_default_segment_namespace("canary@example.com");
  policy->add_segment_namespaces("canary@example.com");
  policy->set_list_name_prefix("canary/");
  const absl::Status status = ResolveDestination(destination).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.ToString(), Not(HasSubstr("canary")));
}

TEST(ResolveCredentialTest, FillsInDefaults) {
  auto state = ResolveCredential(SoundCredential());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->token_name, "main.token");
  EXPECT_EQ(state->limits.writes_per_minute, 200);
  EXPECT_EQ(state->limits.reads_per_minute, 500);
  EXPECT_THAT(state->config.etag(), SizeIs(16));
}

TEST(ResolveCredentialTest, UnlimitedIsNoRate) {
  v1::Credential credential = SoundCredential();
  credential.mutable_rate_limits()->set_unlimited(true);
  auto state = ResolveCredential(credential);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->limits.writes_per_minute, 0);
  EXPECT_EQ(state->limits.reads_per_minute, 0);
  credential.mutable_rate_limits()->set_reads_per_minute(1);
  EXPECT_THAT(Fields(ResolveCredential(credential).status()),
              ElementsAre("credential.rate_limits.unlimited"));
}

TEST(ResolveCredentialTest, TrialAccessHasLimitsADay) {
  v1::Credential credential = SoundCredential();
  EXPECT_EQ(ResolveCredential(credential)->limits.writes_per_day, 0);
  credential.mutable_rate_limits()->set_access_tier(v1::ACCESS_TIER_TRIAL);
  auto state = ResolveCredential(credential);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->limits.writes_per_day, 300);
  EXPECT_EQ(state->limits.calls_per_day, 1000);
  credential.mutable_rate_limits()->set_access_tier(
      static_cast<v1::AccessTier>(77));
  EXPECT_THAT(Fields(ResolveCredential(credential).status()),
              ElementsAre("credential.rate_limits.access_tier"));
}

TEST(ResolveCredentialTest, RefusesRatesAbovePinterests) {
  v1::Credential credential = SoundCredential();
  credential.mutable_rate_limits()->set_writes_per_minute(401);
  credential.mutable_rate_limits()->set_reads_per_minute(-1);
  EXPECT_THAT(Fields(ResolveCredential(credential).status()),
              ElementsAre("credential.rate_limits.writes_per_minute",
                          "credential.rate_limits.reads_per_minute"));
}

TEST(ResolveCredentialTest, TakesNoPathAndNoHiddenFile) {
  for (const std::string name :
       {"", ".", "..", "../x", "/etc/passwd", "a/b", ".hidden", "a\nb"}) {
    v1::Credential credential = SoundCredential();
    credential.set_access_token_file(name);
    EXPECT_THAT(Fields(ResolveCredential(credential).status()),
                ElementsAre("credential.access_token_file"));
  }
}

v1::Credential LoginCredential() {
  v1::Credential credential;
  credential.set_credential_id("main");
  credential.mutable_oauth()->set_app_id("1234567");
  credential.mutable_oauth()->set_app_secret_file("app-secret");
  credential.mutable_oauth()->set_refresh_token_file("main.refresh");
  return credential;
}

TEST(ResolveCredentialTest, ALoginTakesThePlaceOfATokenFile) {
  auto state = ResolveCredential(LoginCredential());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->token_name, "login:main");
  EXPECT_EQ(state->config.oauth().app_id(), "1234567");
}

TEST(ResolveCredentialTest, ChecksEachFieldOfALogin) {
  for (const std::string id :
       {"", "12a", "-1", "0000000000000000000000000000001"}) {
    v1::Credential credential = LoginCredential();
    credential.mutable_oauth()->set_app_id(id);
    EXPECT_THAT(Fields(ResolveCredential(credential).status()),
                ElementsAre("credential.oauth.app_id"))
        << id;
  }
  v1::Credential credential = LoginCredential();
  credential.mutable_oauth()->set_app_secret_file("../app-secret");
  credential.mutable_oauth()->set_refresh_token_file(std::string(101, 'a'));
  EXPECT_THAT(Fields(ResolveCredential(credential).status()),
              ElementsAre("credential.oauth.app_secret_file",
                          "credential.oauth.refresh_token_file"));
  credential = LoginCredential();
  credential.mutable_oauth()->set_refresh_token_file("app-secret");
  EXPECT_THAT(Fields(ResolveCredential(credential).status()),
              ElementsAre("credential.oauth.refresh_token_file"));
  credential.clear_oauth();
  EXPECT_THAT(Fields(ResolveCredential(credential).status()),
              ElementsAre("credential.access_token_file"));
}

TEST(ResolveCredentialTest, ChecksTheId) {
  for (const std::string& id :
       {std::string(""), std::string("9a"), std::string("A"),
        std::string("a_b"), std::string(64, 'a')}) {
    v1::Credential credential = SoundCredential();
    credential.set_credential_id(id);
    EXPECT_THAT(Fields(ResolveCredential(credential).status()),
                ElementsAre("credential.credential_id"));
  }
}

TEST(StoredSegmentTextTest, KeepsOpaqueTextAndHashesWhatMayBeAnAddress) {
  EXPECT_EQ(StoredSegmentText("b6e0c1d2-0a1b"), "b6e0c1d2-0a1b");
  EXPECT_EQ(StoredSegmentText(""), "");
  // printf 'ada@example.com' | sha256sum
  EXPECT_EQ(StoredSegmentText("ada@example.com"),
            "sha256:b5fc85e55755f9e0d030a10ab4429b6b");
}

}  // namespace
}  // namespace connector::config
