#include "connector/config/config_file.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "connector/base/error.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace connector::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kText[] = R"(
# A comment.
credentials {
  credential_id: "main"
  access_token_file: "main.token"
  rate_limits { writes_per_minute: 100 }
}
destinations {
  ad_account_id: "549755885175"
  credential_id: "main"
  identity_mapping {
    rows { source_namespace: "Email" kind: IDENTITY_KIND_EMAIL }
  }
  delivery_policy { max_delay { seconds: 5 } max_backlog_bytes: 1000000 }
  segment_policy { segment_namespaces: "ups" segment_namespaces: "other" }
}
)";

constexpr char kJson[] = R"(
{
  "credentials": [{
    "credentialId": "main",
    "access_token_file": "main.token",
    "rateLimits": {"writesPerMinute": 100}
  }],
  "destinations": [{
    "adAccountId": "549755885175",
    "credentialId": "main",
    "identityMapping": {
      "rows": [{"sourceNamespace": "Email", "kind": "IDENTITY_KIND_EMAIL"}]
    },
    "deliveryPolicy": {"maxDelay": "5s", "maxBacklogBytes": "1000000"},
    "segmentPolicy": {"segmentNamespaces": ["ups", "other"]}
  }]
}
)";

std::string Error(absl::string_view text) {
  auto config = ParseConfig(text);
  if (config.ok()) return "OK";
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(config.status().message());
}

TEST(ConfigFileTest, TextAndJsonAreTheSame) {
  auto text = ParseConfig(kText);
  ASSERT_TRUE(text.ok()) << text.status();
  auto json = ParseConfig(kJson);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(text->SerializeAsString(), json->SerializeAsString());
  EXPECT_EQ(text->destinations(0).delivery_policy().max_delay().seconds(), 5);
}

TEST(ConfigFileTest, ACredentialHasOneTokenSource) {
  EXPECT_NE(Error("credentials { credential_id: \"main\" "
                  "access_token_file: \"a\" oauth { app_id: \"1\" } }"),
            "OK");
  EXPECT_NE(Error(R"({"credentials": [{"credential_id": "main",
                      "access_token_file": "a", "oauth": {"app_id": "1"}}]})"),
            "OK");
  const std::string oauth =
      "oauth { app_id: \"1\" app_secret_file: \"s\" "
      "refresh_token_file: \"r\" }";
  EXPECT_EQ(Error("credentials { credential_id: \"a\" " + oauth + " }"), "OK");
  EXPECT_THAT(Error("credentials { credential_id: \"a\" " + oauth +
                    " } credentials { credential_id: \"b\" " + oauth + " }"),
              testing::HasSubstr("credentials[1].oauth.refresh_token_file"));
}

TEST(ConfigFileTest, NothingIsAnEmptyConfiguration) {
  EXPECT_EQ(Error(""), "OK");
  EXPECT_EQ(Error(" \n"), "OK");
  EXPECT_EQ(Error("{}"), "OK");
  EXPECT_EQ(Error("\xEF\xBB\xBF{}"), "OK");
}

TEST(ConfigFileTest, TextErrorsNameLineAndColumn) {
  EXPECT_THAT(Error("credentials {\n  credential: \"main\"\n}"),
              StartsWith("line 2, column 13: "));
  EXPECT_THAT(Error("credentials {\n  credential_id: main\n}"),
              StartsWith("line 2, column 18: "));
  EXPECT_THAT(Error("credentials {\n"), StartsWith("line 2, column 1: "));
}

TEST(ConfigFileTest, TextErrorsNameThePath) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"credentials {\n  credential: \"main\"\n}",
       "line 2, column 13: credentials[0].credential: unknown field"},
      {"listen: 1", "line 1, column 7: listen: unknown field"},
      {absl::StrCat(kText, "destinations { delivery_policy { max_delai: 3 } }"),
       "line 17, column 43: destinations[1].delivery_policy.max_delai: unknown "
       "field"},
      {"destinations: [ <ad_account_id: '2' description: 'x'>, { foo: 1 } ]",
       "line 1, column 61: destinations[1].foo: unknown field"},
      {"destinations { identity_mapping { rows { kind: IDENTITY_KIND_EMAIL } "
       "rows { x { y: 1 } } } }",
       "line 1, column 79: destinations[0].identity_mapping.rows[1].x: unknown "
       "field"},
      {"destinations { delivery_policy { max_request_records: -1 max_delay "
       "{ second: 1 } } }",
       "line 1, column 76: destinations[0].delivery_policy.max_delay.second: "
       "unknown field"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(Error(text), error) << text;
  EXPECT_THAT(Error("destinations { identity_mapping { rows { kind: EMAIL } } "
                    "}"),
              HasSubstr("destinations[0].identity_mapping.rows[0].kind: "));
  EXPECT_THAT(Error("credentials { credential_id: main }"),
              HasSubstr(": credentials[0].credential_id: "));
}

TEST(ConfigFileTest, TextMustBeUtf8) {
  EXPECT_EQ(Error("credentials { display_name: 'a' }\n"
                  "credentials { display_name: '\\303\\050' }"),
            "credentials[1].display_name: must be UTF-8");
  EXPECT_THAT(Error("destinations { segment_policy { segment_namespaces: 'a' "
                    "segment_namespaces: '\xff' } }"),
              HasSubstr("destinations[0].segment_policy.segment_namespaces[1]: "
                        "must be UTF-8"));
}

TEST(ConfigFileTest, JsonErrorsNameLineAndColumn) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{", "line 1, column 2: expected a string"},
      {"{\n  \"credential\": []}",
       "line 2, column 3: credential: unknown field of ConnectorConfig"},
      {"{\"credentials\": [{\"x\": 1}]}",
       "line 1, column 19: credentials[0].x: unknown field of Credential"},
      {"{\"credentials\": {}}",
       "line 1, column 17: credentials: must be a list"},
      {"{\"credentials\": [], \"credentials\": []}",
       "line 1, column 21: credentials: the field is given twice"},
      {"{\"credentials\": [],}", "line 1, column 20: expected a string"},
      {"{\"credentials\": [}",
       "line 1, column 18: credentials[0]: must be an "
       "object"},
      {"{\"credentials\": []", "line 1, column 19: expected ',' or '}'"},
      {"{} x", "line 1, column 4: must end after the closing brace"},
      {"{\"credentials\": [{\"credentialId\": 1}]}",
       "line 1, column 35: credentials[0].credential_id: must be a string"},
      {"{\"credentials\": [{\"credentialId\": \"a}]}",
       "line 1, column 35: credentials[0].credential_id: the string has no "
       "end"},
      {"{\"credentials\": [{\"credentialId\": \"\\q\"}]}",
       "line 1, column 36: credentials[0].credential_id: unknown escape"},
      {"{\"credentials\": [{\"displayName\": \"\u00e9\", \"x\": 1}]}",
       "line 1, column 39: credentials[0].x: unknown field of Credential"},
      {"{\"credentials\": [{\"rateLimits\": {\"unlimited\": 1}}]}",
       "line 1, column 47: credentials[0].rate_limits.unlimited: must be true "
       "or false"},
      {"{\"credentials\": [{\"rateLimits\": {\"writesPerMinute\": 1.5}}]}",
       "line 1, column 53: credentials[0].rate_limits.writes_per_minute: must "
       "be a whole number of 32 "
       "bits"},
      {"{\"destinations\": [{\"deliveryPolicy\": {\"maxDelay\": \"5\"}}]}",
       "line 1, column 51: destinations[0].delivery_policy.max_delay: must be "
       "a duration such as \"30s\""},
      {"{\"destinations\": [{\"identityMapping\": {\"gaidCase\": \"X\"}}]}",
       "line 1, column 52: destinations[0].identity_mapping.gaid_case: must be "
       "the name of a DeviceIdCase"},
  };
  for (const auto& [json, error] : cases) EXPECT_EQ(Error(json), error) << json;
}

TEST(ConfigFileTest, WhatPassesTheJsonCheckIsReadByProtobuf) {
  for (absl::string_view json :
       {R"({"credentials": [{"credentialId": "main", "displayName": "\u00e9\n",
             "accessTokenFile": "t", "rateLimits": null}]})",
        R"({"credentials": [{"credentialId": "main", "accessTokenFile": "t",
             "rateLimits": {"writesPerMinute": "7", "unlimited": false}}]})"}) {
    const std::string error = Error(json);
    EXPECT_THAT(error, Not(HasSubstr("message type"))) << error;
  }
}

TEST(ConfigFileTest, SemanticErrorsNameTheFieldPath) {
  const std::string broken = absl::StrCat(kText, R"(
destinations {
  ad_account_id: "x"
  credential_id: "main"
  delivery_policy { max_delay { seconds: 4000 } }
}
)");
  const std::string error = Error(broken);
  EXPECT_THAT(error, HasSubstr("destinations[1].ad_account_id: "));
  EXPECT_THAT(error, HasSubstr("destinations[1].delivery_policy.max_delay: "));
}

TEST(ConfigFileTest, ErrorsDoNotRepeatTheFile) {
  for (absl::string_view text :
       {"credentials { credential_id: pina_CANARY }",
        "credentials { access_token_file: 'pina_CANARY/x' }", "pina_CANARY",
        "\"pina_CANARY\"", "credentials: pina_CANARY", "{\"pina_CANARY\": 1}",
        "{\"credentials\": pina_CANARY}",
        "{\"credentials\": [{\"accessTokenFile\": \"pina_CANARY/x\"}]}",
        "{\"credentials\": [{\"rateLimits\": \"pina_CANARY\"}]}"}) {
    const std::string error = Error(text);
    EXPECT_NE(error, "OK") << text;
    EXPECT_THAT(error, Not(HasSubstr("CANARY"))) << text;
  }
}

TEST(ConfigFileTest, ReadsAFileAndNamesItInErrors) {
  const std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/a.conf");
  std::ofstream(path) << kText;
  auto config = ReadConfigFile(path);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->destinations_size(), 1);

  std::ofstream(path) << "credentials: 1";
  config = ReadConfigFile(path);
  EXPECT_THAT(std::string(config.status().message()),
              StartsWith(absl::StrCat(path, ": line 1, column ")));
  EXPECT_EQ(GetErrorDetail(config.status()).reason, "FILE_INVALID");

  EXPECT_EQ(ReadConfigFile(path + ".none").status().code(),
            absl::StatusCode::kNotFound);
  std::ofstream(path) << std::string(kMaxConfigFileBytes + 1, ' ');
  EXPECT_THAT(std::string(ReadConfigFile(path).status().message()),
              HasSubstr("at most 16,777,216 bytes"));
  EXPECT_FALSE(ReadConfigFile(std::getenv("TEST_TMPDIR")).ok());
}

}  // namespace
}  // namespace connector::config
