// The commands that make one call each, and what they have in common.
#include "connector/cli/command_line.h"

#include <stdlib.h>

#include <string>
#include <vector>

#include "connector/base/error.h"
#include "connector/cli/command_test_base.h"
#include "connector/cli/connection.h"
#include "connector/cli/exit_code.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace connector::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CommandLineTest : public CommandTestBase {};

TEST_F(CommandLineTest, HelpListsCommandsFlagsAndExitCodes) {
  const Result result = Run({"--help"});
  EXPECT_EQ(result.exit_code, kExitOk);
  for (const char* part : {"export", "delete-credential", "--address",
                           "Exit codes", "7  no server answers"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
  EXPECT_THAT(Run({"help", "export"}).out, HasSubstr("--batch_profiles"));
  EXPECT_THAT(Run({"export", "--help"}).out, HasSubstr("(default 5m)"));
  EXPECT_EQ(Run({"help", "nonsense"}).exit_code, kExitUsage);
}

TEST_F(CommandLineTest, WrongUsageIsToldAndCallsNobody) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {},
           {"forget", "549"},
           {"forget", "549", "ann@example.com"},
           {"forget", "549", "--namespace=Email"},
           {"forget", "549", "ann@example.com", "--namespace=Email",
            "--record=00"},
           {"nonsense"},
           {"--nonsense", "list"},
           {"list", "extra"},
           {"get"},
           {"list", "--force"},
           {"--json=maybe", "list"},
           {"list", "--address"},
           {"--address=nowhere", "list"},
           {"--address=unix:", "list"},
           {"--address=localhost:70000", "list"},
           {"--address=127.evil.example.com:5000", "list"},
           {"--address=example.com:5000", "list"},
           {"--nolimit", "rejections", "1"},
           {"rejections", "1", "--limit=-1"},
           {"rejections", "replay"},
           {"rejections", "1", "ups/a"},
           {"rejections", "replay", "1", "ups"},
           {"pause", "1", "segment"},
           {"pause", "1", "/segment"},
           {"export", "f.jsonl"},
           {"export", "--ad_account_id=abc", "f.jsonl"},
           {"export", "--ad_account_id=1", "--batch_profiles=0", "f.jsonl"},
           {"export", "--ad_account_id=1", "--progress=some", "f.jsonl"},
           {"check", "/nonexistent/file"},
           {"apply", "/nonexistent/file"},
       }) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitUsage)
        << testing::PrintToString(arguments);
    EXPECT_THAT(result.err, HasSubstr("audiencectl: "));
    EXPECT_EQ(result.out, "");
  }
  EXPECT_TRUE(fake_.calls().empty());
}

TEST_F(CommandLineTest, FlagsStandAnywhereInEverySpelling) {
  setenv("XDG_RUNTIME_DIR", "/run/here", 1);
  EXPECT_EQ(Run({"list", "--json", "--address", "unix:/a"}).exit_code, 0);
  EXPECT_EQ(Run({"-address=127.0.0.1:5000", "--json=false", "list"}).exit_code,
            0);
  EXPECT_EQ(
      Run({"--insecure_remote", "--address=example.com:1", "list"}).exit_code,
      0);
  EXPECT_EQ(Run({"get", "--", "--odd"}).exit_code, 0);
  EXPECT_THAT(fake_.calls().back(), HasSubstr("--odd"));
  EXPECT_EQ(Run({"list"}).exit_code, 0);
  EXPECT_THAT(addresses_,
              ElementsAre("127.0.0.1:5000", "example.com:1", "unix:/a",
                          "unix:/run/here/audience-connector/connector.sock"));
}

TEST_F(CommandLineTest, AMissingServerIsToldInPlainWords) {
  fake_.Change([](FakeBehavior& b) { b.away = true; });
  const std::string file = WriteFile("e.jsonl", Lines(1));
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"list", "--address=unix:/run/x.sock"},
           {"export", "--ad_account_id=1", "--noresume",
            "--address=unix:/run/x.sock", file}}) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitUnreachable);
    EXPECT_THAT(result.err,
                HasSubstr("no connector answers at unix:/run/x.sock"));
    EXPECT_THAT(result.err, HasSubstr("audience_connector --config=FILE"));
  }
  const Result json = Run({"list", "--json"});
  EXPECT_EQ(json.json()["error"]["code"], "UNAVAILABLE");
}

TEST_F(CommandLineTest, ErrorsShowReasonFieldsAndPreconditions) {
  ErrorDetail detail;
  detail.reason = "FIELD_INVALID";
  detail.metadata["field"] = "x";
  detail.field_violations = {{"destination.credential_id", "must be set"}};
  detail.preconditions = {{"TOKEN", "credential main", "is refused"}};
  detail.retry_delay = absl::Seconds(3);
  fake_.Answer("GetDestination",
               MakeError(absl::StatusCode::kInvalidArgument,
                         "the destination is \x1b[1mwrong", detail));
  const Result text = Run({"get", "1"});
  EXPECT_EQ(text.exit_code, kExitCallFailed);
  EXPECT_EQ(text.err,
            "audiencectl: the destination is ?[1mwrong (INVALID_ARGUMENT "
            "FIELD_INVALID)\n"
            "  destination.credential_id: must be set\n"
            "  TOKEN credential main: is refused\n"
            "  try again in 3s\n");
  const auto error = Run({"get", "1", "--json"}).json()["error"];
  EXPECT_EQ(error["reason"], "FIELD_INVALID");
  EXPECT_EQ(error["metadata"]["field"], "x");
  EXPECT_EQ(error["fieldViolations"][0]["description"], "must be set");
  EXPECT_EQ(error["preconditions"][0]["subject"], "credential main");
  EXPECT_EQ(error["retryDelaySeconds"], 3.0);
}

TEST_F(CommandLineTest, ShowsTheSpec) {
  audience_sync::v1::GetSpecResponse spec;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(
          R"pb(connector_name: "audience-connector"
               connector_version: "0.1.0"
               capabilities: "export-stream"
               mapping_specs {
                 row { source_namespace: "Email" kind: IDENTITY_KIND_EMAIL }
                 target_field: "pinterest_audience"
                 transformations: "trim"
                 transformations: "lowercase"
               }
               export_limits {
                 max_frame_bytes: 4000000
                 max_batch_profiles: 20000
               })pb",
          &spec));
  fake_.Answer("GetSpec", spec);
  const std::string text = Run({"spec"}).out;
  EXPECT_THAT(text, HasSubstr("audience-connector 0.1.0\n"));
  EXPECT_THAT(text, HasSubstr("Email      EMAIL  pinterest_audience  trim, "
                              "lowercase"));
  EXPECT_THAT(text, HasSubstr("20,000 profiles a batch, 4.0 MB a frame"));
  EXPECT_EQ(Run({"spec", "--json"}).json()["exportLimits"]["maxFrameBytes"],
            "4000000");
}

TEST_F(CommandLineTest, CheckEndsWithItsOwnCodeWhenACheckFails) {
  audience_sync::v1::CheckDestinationResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(results {
             check_id: "configuration-valid"
             outcome: CHECK_OUTCOME_PASSED
           }
           results {
             check_id: "token-readable"
             outcome: CHECK_OUTCOME_FAILED
             status { code: 9 message: "there is no such file" }
           })pb",
      &response));
  fake_.Answer("CheckDestination", response);
  const Result result = Run({"check", "549755885175", "--offline"});
  EXPECT_EQ(result.exit_code, kExitCheckFailed);
  EXPECT_THAT(result.out, HasSubstr("FAILED   FAILED_PRECONDITION: there is no "
                                    "such file"));
  EXPECT_THAT(fake_.calls(), ElementsAre("CheckDestination {ad_account_id: "
                                         "\"549755885175\" offline: true }"));
  const Result json = Run({"check", "549755885175", "--json"});
  EXPECT_EQ(json.exit_code, kExitCheckFailed);
  EXPECT_EQ(json.json()["passed"], false);
  response.mutable_results()->RemoveLast();
  fake_.Answer("CheckDestination", response);
  EXPECT_EQ(Run({"check", "1"}).exit_code, kExitOk);
}

TEST_F(CommandLineTest, CheckTakesADestinationOrAWholeConfiguration) {
  const std::string single =
      WriteFile("d.textproto", "ad_account_id: '1' credential_id: 'main'");
  const std::string json = WriteFile("d.json", R"({"adAccountId": "2"})");
  const std::string whole = WriteFile("c.textproto",
                                      "destinations { ad_account_id: '3' } "
                                      "destinations { ad_account_id: '4' }");
  EXPECT_EQ(Run({"check", single}).exit_code, kExitOk);
  EXPECT_EQ(Run({"check", json}).exit_code, kExitOk);
  EXPECT_EQ(Run({"check", whole}).exit_code, kExitOk);
  EXPECT_THAT(
      fake_.calls(),
      ElementsAre("CheckDestination {destination { ad_account_id: \"1\" "
                  "credential_id: \"main\" } }",
                  "CheckDestination {destination { ad_account_id: \"2\" } }",
                  "CheckDestination {destination { ad_account_id: \"3\" } }",
                  "CheckDestination {destination { ad_account_id: \"4\" } }"));
}

TEST_F(CommandLineTest, ApplyStoresCredentialsBeforeDestinations) {
  const std::string path = WriteFile("c.textproto", R"(
    destinations { ad_account_id: "1" credential_id: "main" }
    credentials { credential_id: "main" access_token_file: "token" })");
  EXPECT_EQ(Run({"apply", path, "--validate_only"}).exit_code, kExitOk);
  const Result result = Run({"apply", path});
  EXPECT_EQ(result.out, "credential main: applied\ndestination 1: applied\n");
  EXPECT_THAT(
      fake_.calls(),
      ElementsAre("ApplyCredential {credential { credential_id: \"main\" "
                  "access_token_file: \"token\" } validate_only: true }",
                  "ApplyDestination {destination { ad_account_id: \"1\" "
                  "credential_id: \"main\" } validate_only: true }",
                  "ApplyCredential {credential { credential_id: \"main\" "
                  "access_token_file: \"token\" } }",
                  "ApplyDestination {destination { ad_account_id: \"1\" "
                  "credential_id: \"main\" } }"));
}

TEST_F(CommandLineTest, AMalformedConfigurationIsNamedByPlace) {
  const Result text =
      Run({"apply", WriteFile("c.textproto", "credentials {\n  token: 'x' }")});
  EXPECT_EQ(text.exit_code, kExitUsage);
  EXPECT_THAT(text.err, HasSubstr("/c.textproto:2:"));
  const Result json = Run({"apply", WriteFile("c.json", "{\"nope\": 1}")});
  EXPECT_EQ(json.exit_code, kExitUsage);
  EXPECT_THAT(json.err, HasSubstr("/c.json: not a ConnectorConfig as JSON"));
  EXPECT_TRUE(fake_.calls().empty());
}

TEST_F(CommandLineTest, GetShowsWhatApplyTakesAgain) {
  audience_sync::v1::GetDestinationResponse response;
  response.mutable_destination()->set_ad_account_id("1");
  response.mutable_destination()->set_display_name("Shop");
  response.set_owner(audience_sync::v1::CONFIGURATION_OWNER_FILE);
  fake_.Answer("GetDestination", response);
  const Result result = Run({"get", "1"});
  EXPECT_THAT(result.out, HasSubstr("# owner: file\n"));
  EXPECT_EQ(Run({"apply", WriteFile("got.textproto", result.out)}).exit_code,
            kExitOk);
  EXPECT_THAT(fake_.calls().back(), HasSubstr("display_name: \"Shop\""));
}

TEST_F(CommandLineTest, ListShowsDestinationsAndCredentials) {
  audience_sync::v1::ListDestinationsResponse destinations;
  auto& entry = *destinations.add_destinations();
  entry.mutable_destination()->set_ad_account_id("17");
  entry.mutable_destination()->set_credential_id("main");
  audience_sync::v1::ListCredentialsResponse credentials;
  auto& status = *credentials.add_credentials();
  status.mutable_credential()->set_credential_id("main");
  status.mutable_blocked_by()->set_code(9);
  status.mutable_blocked_by()->set_message("token refused");
  fake_.Answer("ListDestinations", destinations);
  fake_.Answer("ListCredentials", credentials);
  const std::string text = Run({"list"}).out;
  EXPECT_THAT(text, HasSubstr("17                 main        unknown\n"));
  EXPECT_THAT(text, HasSubstr("FAILED_PRECONDITION: token refused"));
  const auto json = Run({"list", "--json"}).json();
  EXPECT_EQ(json["destinations"][0]["destination"]["adAccountId"], "17");
  EXPECT_EQ(json["credentials"][0]["credential"]["credentialId"], "main");
}

TEST_F(CommandLineTest, CredentialsShowsHowLongALoginLasts) {
  audience_sync::v1::ListCredentialsResponse credentials;
  auto& status = *credentials.add_credentials();
  status.mutable_credential()->set_credential_id("main");
  status.mutable_credential()->mutable_oauth()->set_refresh_token_file("r1");
  auto& oauth = *status.mutable_oauth_status();
  const int64_t now = absl::ToUnixSeconds(clock_.Now());
  oauth.mutable_access_token_expire_time()->set_seconds(now + 29 * 86400 + 5);
  oauth.mutable_refresh_token_expire_time()->set_seconds(now + 59 * 86400 + 5);
  oauth.mutable_last_refresh_time()->set_seconds(now - 3 * 3600);
  fake_.Answer("ListCredentials", credentials);
  const std::string text = Run({"credentials"}).out;
  EXPECT_THAT(text, HasSubstr("r1"));
  EXPECT_THAT(text,
              HasSubstr("usable; access token good for 29 days, refresh token "
                        "good for 59 days, refreshed 3 hours ago\n"));
  EXPECT_EQ(
      Run({"credentials", "--json"})
          .json()["credentials"][0]["credential"]["oauth"]["refreshTokenFile"],
      "r1");

  oauth.mutable_access_token_expire_time()->set_seconds(now - 1);
  oauth.mutable_problem()->set_code(9);
  oauth.mutable_problem()->set_message("run \"audiencectl login\"");
  fake_.Answer("ListCredentials", credentials);
  EXPECT_THAT(Run({"credentials"}).out, HasSubstr("access token ended"));
  EXPECT_THAT(Run({"credentials"}).out, HasSubstr("audiencectl login"));
}

TEST_F(CommandLineTest, LoginChecksItsFlagsBeforeAnybodyIsAsked) {
  const std::string dir = "--credentials_dir=" + directory_;
  WriteFile("app-secret", "s3cr3t");
  system(("chmod 600 " + directory_ + "/app-secret").c_str());
  for (const auto& [arguments, word] :
       std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"login", "--app_id=1"}, "--credentials_dir"},
           {{"login", dir}, "--app_id"},
           {{"login", dir, "--app_id=x"}, "--app_id"},
           {{"login", dir, "--app_id=1", "--app_secret_file=none"}, "none"},
           {{"login", dir, "--app_id=1", "--app_secret_file=../x"},
            "--app_secret_file"},
           {{"login", dir, "--app_id=1", "--refresh_token_file=a/b"},
            "--refresh_token_file"},
           {{"login", dir, "--app_id=1", "--refresh_token_file=app-secret"},
            "--refresh_token_file"},
           {{"login", dir, "--app_id=1", "--base_url=http://example.com/v5"},
            "--base_url"},
           {{"login", dir, "--app_id=1", "--consent_url=x"}, "--consent_url"},
           {{"login", dir, "--app_id=1", "--redirect_port=70000"},
            "--redirect_port"}}) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, kExitUsage) << result.err;
    EXPECT_THAT(result.err, HasSubstr(word));
    EXPECT_THAT(result.err, testing::Not(HasSubstr("Open this page")));
    EXPECT_THAT(result.err, testing::Not(HasSubstr("s3cr3t")));
  }
  const Result late = Run({"login", dir, "--app_id=1", "--redirect_port=0",
                           "--login_timeout=10ms"});
  EXPECT_EQ(late.exit_code, kExitCallFailed);
  EXPECT_THAT(late.err, HasSubstr("scope=ads%3Aread%2Cads%3Awrite"));
  EXPECT_THAT(late.err, HasSubstr("LOGIN_TIMEOUT"));
}

TEST_F(CommandLineTest, SmallCommandsSendTheirRequests) {
  EXPECT_EQ(Run({"delete", "1", "--force"}).out, "destination 1: deleted\n");
  EXPECT_EQ(Run({"delete-credential", "main", "--json"}).json()["deleted"],
            "main");
  EXPECT_EQ(Run({"pause", "1"}).out, "destination 1: paused\n");
  EXPECT_EQ(Run({"resume", "1", "ups/a/b"}).out,
            "destination 1, segment ups/a/b: resumed\n");
  EXPECT_THAT(
      fake_.calls(),
      ElementsAre("DeleteDestination {ad_account_id: \"1\" force: true }",
                  "DeleteCredential {credential_id: \"main\" }",
                  "PauseDelivery {ad_account_id: \"1\" }",
                  "ResumeDelivery {ad_account_id: \"1\" segment { "
                  "segment_namespace: \"ups\" segment_id: \"a/b\" } }"));
}

TEST_F(CommandLineTest, StatusIsATableOrADocument) {
  audience_sync::v1::GetSyncStatusResponse response;
  response.mutable_status()->set_ad_account_id("1");
  response.mutable_status()->add_segment_statuses()->set_customer_list_name(
      "cdp/ups/s-1");
  fake_.Answer("GetSyncStatus", response);
  EXPECT_THAT(Run({"status", "1"}).out, HasSubstr("cdp/ups/s-1"));
  const auto json = Run({"status", "1", "--json"}).json();
  EXPECT_EQ(json["segmentStatuses"][0]["customerListName"], "cdp/ups/s-1");
  // Defaults are there for scripts to read.
  EXPECT_EQ(json["segmentStatuses"][0]["memberCount"], "0");
}

TEST_F(CommandLineTest, RejectionsArePlacesAndReasons) {
  audience_sync::v1::ListRejectionsResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(rejections {
             rejection_time { seconds: 1700000000 }
             intake {
               export_id: "cli-1"
               sequence_number: 3
               rejection {
                 profile_index: 7
                 identity_index: 1
                 reason: REJECTION_REASON_EMPTY
               }
             }
           }
           rejections {
             refusal {
               customer_list_id: "643"
               record: "00ff"
               http_status: 400
               message: "bad record"
               pinterest_request_id: "r-1"
             }
           })pb",
      &response));
  fake_.Answer("ListRejections", response);
  const std::string text = Run({"rejections", "1", "--limit=5"}).out;
  EXPECT_THAT(text, HasSubstr("2023-11-14T22:13:20Z"));
  EXPECT_THAT(text, HasSubstr("EMPTY"));
  EXPECT_THAT(text, HasSubstr("batch 3, profile 7, identity 1"));
  EXPECT_THAT(text, HasSubstr("list 643, removal of 00ff"));
  EXPECT_THAT(text, HasSubstr("HTTP 400, request r-1: bad record"));
  EXPECT_THAT(fake_.calls().back(), HasSubstr("page_size: 5"));
  fake_.Answer("ListRejections", audience_sync::v1::ListRejectionsResponse());
  EXPECT_EQ(Run({"rejections", "1"}).out, "no rejections\n");
}

TEST_F(CommandLineTest, ReplaysASelectionOfWhatWasRefused) {
  audience_sync::v1::ReplayRejectionsResponse response;
  response.set_replayed_count(3);
  fake_.Answer("ReplayRejections", response);
  EXPECT_EQ(Run({"rejections", "replay", "1"}).out,
            "3 refused memberships are tried again\n");
  EXPECT_THAT(fake_.calls().back(),
              HasSubstr("ReplayRejections {ad_account_id: \"1\" }"));
  EXPECT_EQ(Run({"rejections", "replay", "1", "ups/a/b", "--record=00ff,01fe"})
                .exit_code,
            kExitOk);
  EXPECT_THAT(fake_.calls().back(),
              HasSubstr("segment { segment_namespace: \"ups\" segment_id: "
                        "\"a/b\" } records: \"00ff\" records: \"01fe\""));
  EXPECT_EQ(
      Run({"rejections", "replay", "1", "--json"}).json()["replayedCount"],
      "3");
}

TEST_F(CommandLineTest, DrainTellsWhatBlocks) {
  EXPECT_EQ(Run({"drain", "1"}).exit_code, kExitOk);
  ErrorDetail detail;
  detail.reason = "DELIVERY_BLOCKED";
  detail.preconditions = {{"CREDENTIAL", "main", "token refused"}};
  fake_.Answer("DrainDestination",
               MakeError(absl::StatusCode::kFailedPrecondition,
                         "delivery is blocked", detail));
  const Result blocked = Run({"drain", "1"});
  EXPECT_EQ(blocked.exit_code, kExitNotSettled);
  EXPECT_THAT(blocked.err, HasSubstr("CREDENTIAL main: token refused"));
  fake_.Answer("DrainDestination", absl::DeadlineExceededError("late"));
  EXPECT_EQ(Run({"drain", "1", "--timeout=1s"}).exit_code, kExitNotSettled);
  fake_.Answer("DrainDestination", absl::NotFoundError("no"));
  EXPECT_EQ(Run({"drain", "1"}).exit_code, kExitCallFailed);
}

TEST(ConnectionTest, OnlyThisMachineWithoutBeingAsked) {
  for (const char* address : {"unix:/a", "localhost:1", "127.0.0.1:65535",
                              "127.9.9.9:5", "[::1]:80"}) {
    EXPECT_TRUE(CheckAddress(address, false).ok()) << address;
  }
  for (const char* address : {"10.0.0.1:5", "example.com:5", "[::2]:80",
                              "0.0.0.0:5", "127.0.0.1.example.com:5"}) {
    EXPECT_FALSE(CheckAddress(address, false).ok()) << address;
    EXPECT_TRUE(CheckAddress(address, true).ok()) << address;
  }
  for (const char* address : {"", ":5", "localhost", "localhost:", "host:0"}) {
    EXPECT_FALSE(CheckAddress(address, true).ok()) << address;
  }
}

}  // namespace
}  // namespace connector::cli
