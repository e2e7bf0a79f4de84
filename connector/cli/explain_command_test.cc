// `audiencectl explain` and `preview`.
#include <stdio.h>

#include <string>

#include "connector/base/error.h"
#include "connector/cli/command_test_base.h"
#include "connector/cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

using audience_sync::v1::GetDestinationResponse;
using audience_sync::v1::PreviewDeliveryResponse;
using testing::HasSubstr;
using testing::Not;

class ExplainCommandTest : public CommandTestBase {};

TEST_F(ExplainCommandTest, StepByStepByTheDefaultMapping) {
  fake_.Change([](FakeBehavior& b) { b.away = true; });
  const Result result =
      Run({"explain", " Ada@Example.com ", "--namespace=email", "--json"});
  ASSERT_EQ(result.exit_code, kExitOk) << result.err;
  const auto json = result.json();
  EXPECT_EQ(json.at("outcome"), "MAPPED");
  EXPECT_EQ(json.at("steps").at(0).at("value"), "Ada@Example.com");
  const auto& today = json.at("forms").at(0);
  EXPECT_EQ(today.at("use"), "today");
  EXPECT_EQ(today.at("kind"), "EMAIL");
  EXPECT_EQ(today.at("record"), json.at("record"));
  // SHA-256 of ada@example.com.
  EXPECT_EQ(json.at("record"),
            "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72");
  EXPECT_EQ(json.at("exitRemoves").size(), 1u);
  const Result text = Run({"explain", " Ada@Example.com "});
  EXPECT_THAT(text.out, HasSubstr("ada@example.com"));
  EXPECT_THAT(text.out, HasSubstr(json.at("record").get<std::string>()));
  EXPECT_THAT(text.out, HasSubstr("namespace pinterest_audience"));
}

TEST_F(ExplainCommandTest, EveryFormOfADeviceIdWhoseKindIsLost) {
  const Result result =
      Run({"explain", "0f0e0d0c-1111-4222-8333-444455556666", "--json"});
  ASSERT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_EQ(result.json().at("exitRemoves").size(), 2u);
  EXPECT_EQ(result.json().at("forms").at(1).at("use"), "other case");
}

TEST_F(ExplainCommandTest, RejectedAndExcluded) {
  EXPECT_EQ(Run({"explain", "nobody", "--namespace=Email", "--json"})
                .json()
                .at("outcome"),
            "EMAIL_MALFORMED");
  EXPECT_EQ(Run({"explain", "null", "--json"}).json().at("outcome"),
            "PLACEHOLDER");
  EXPECT_EQ(
      Run({"explain", "x", "--namespace=CRM", "--json"}).json().at("outcome"),
      "EXCLUDED");
  EXPECT_THAT(Run({"explain", "nobody", "--namespace=Email"}).out,
              HasSubstr("an exit removes nothing"));
}

TEST_F(ExplainCommandTest, ByTheMappingOfADestination) {
  GetDestinationResponse response;
  auto& destination = *response.mutable_destination();
  destination.set_ad_account_id("549755885175");
  destination.set_credential_id("main");
  auto& row = *destination.mutable_identity_mapping()->add_rows();
  row.set_source_namespace("Device");
  row.set_kind(audience_sync::v1::IDENTITY_KIND_GAID);
  auto& former = *destination.add_former_identity_mappings()->add_rows();
  former.set_source_namespace("Device");
  former.set_kind(audience_sync::v1::IDENTITY_KIND_IDFA);
  auto& retired = *destination.add_former_identity_mappings()->add_rows();
  retired.set_source_namespace("Mail");
  retired.set_kind(audience_sync::v1::IDENTITY_KIND_EMAIL);
  fake_.Answer("GetDestination", response);
  const Result result = Run({"explain", "0f0e0d0c-1111-4222-8333-444455556666",
                             "--ad_account_id=549755885175", "--json"});
  ASSERT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_EQ(result.json().at("namespace"), "Device");
  EXPECT_EQ(result.json().at("forms").at(1).at("use"), "former mapping");
  EXPECT_EQ(result.json().at("exitRemoves").size(), 2u);

  const auto gone = Run({"explain", "a@example.com", "--namespace=mail",
                         "--ad_account_id=549755885175", "--json"})
                        .json();
  EXPECT_EQ(gone.at("outcome"), "EXCLUDED");
  EXPECT_EQ(gone.at("exitRemoves").size(), 1u);
  // The value was sent nowhere.
  for (const std::string& call : fake_.calls()) {
    EXPECT_THAT(call, Not(HasSubstr("0f0e0d0c")));
    EXPECT_THAT(call, Not(HasSubstr("@")));
  }
}

TEST_F(ExplainCommandTest, TheValueMayComeFromStandardInput) {
  std::string piped = "ada@example.com\r\nmore\n";
  in_ = fmemopen(piped.data(), piped.size(), "r");
  const Result result = Run({"explain", "-", "--json"});
  fclose(in_);
  EXPECT_EQ(result.json().at("record"),
            Run({"explain", "ada@example.com", "--json"}).json().at("record"));
}

TEST_F(ExplainCommandTest, APreviewShowsEachList) {
  PreviewDeliveryResponse response;
  response.set_delivery_state(audience_sync::v1::DELIVERY_STATE_DRY_RUN);
  auto& segment = *response.add_segment_previews();
  segment.set_customer_list_name("cdp/ups/gold");
  segment.set_creates_customer_list(true);
  segment.set_addition_count(12345);
  segment.set_request_count(2);
  fake_.Answer("PreviewDelivery", response);
  const Result result = Run({"preview", "549755885175", "ups/gold"});
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("DRY_RUN; 2 requests would be sent"));
  EXPECT_THAT(result.out, HasSubstr("cdp/ups/gold (would be created)"));
  EXPECT_THAT(result.out, HasSubstr("12,345"));
  EXPECT_EQ(Run({"preview", "549755885175", "gold"}).exit_code, kExitUsage);
}

}  // namespace
}  // namespace connector::cli
