// Logins that are kept fresh, through the built programs: refreshes during
// exports, kills, a login that dies, and audiencectl login.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;

constexpr char kSecret[] = "canary-of-the-app-secret";
constexpr char kNewSecret[] = "canary-of-the-app-secret-anew";

System::Options LoginOptions(const std::string& access_lifetime,
                             const std::string& refresh_lifetime = "1440h") {
  System::Options options;
  options.token_source = R"(oauth {
    app_id: "1234567"
    app_secret_file: "app-secret"
    refresh_token_file: "main-refresh-token"
  })";
  options.credential_files = {{"app-secret", absl::StrCat(kSecret, "\n")},
                              {"main-refresh-token", "pinr_canary\n"}};
  options.simulator_flags = {
      "--refresh_token=pinr_canary",
      "--app_id=1234567",
      absl::StrCat("--app_secret=", kSecret),
      "--access_token_lifetime=" + access_lifetime,
      "--refresh_token_lifetime=" + refresh_lifetime,
      R"(--switches={"old_refresh_token_dead_at_once": true,)"
      R"( "continuous_refresh_required": true})"};
  return options;
}

std::string Log(System& system) {
  return ReadFile(system.directory() + "/connector.log");
}

int Count(const std::string& text, const std::string& word) {
  const std::vector<std::string> parts = absl::StrSplit(text, word);
  return static_cast<int>(parts.size()) - 1;
}

int Refreshes(System& system) {
  return Count(Log(system), "event=tokens-refreshed");
}

void AddFault(System& system, const json& fault) {
  system.Control("faults", {{"faults", json::array({fault})}});
}

// Waits for something that has to come; false after a minute.
bool Await(const std::function<bool()>& happened) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (absl::Now() < deadline) {
    if (happened()) return true;
    absl::SleepFor(absl::Milliseconds(20));
  }
  return false;
}

std::vector<json> People(const std::string& name, int count) {
  std::vector<json> profiles;
  for (int i = 0; i < count; ++i) {
    profiles.push_back(
        System::Profile({{"Email", {absl::StrCat(name, i, "@example.com")}}},
                        {{"gold", "realized"}}));
  }
  return profiles;
}

// No token and no secret in the state, the log and what was printed.
void ExpectNoSecrets(System& system, const std::string& printed) {
  std::map<std::string, std::string> places = {{"printed", printed}};
  const Output files =
      RunProgram({"/usr/bin/find", system.state_directory(),
                  system.directory() + "/connector.log", "-type", "f"});
  bool tokens_seen = false;
  for (absl::string_view line : absl::StrSplit(files.text, '\n')) {
    if (line.empty()) continue;
    const std::string path(line);
    places[path] = ReadFile(path);
    tokens_seen |= absl::EndsWith(path, "/tokens/main");
  }
  EXPECT_TRUE(tokens_seen) << files.text;
  for (const auto& [place, content] : places) {
    for (const char* secret : {"pina_", "pinr_", kSecret}) {
      EXPECT_FALSE(absl::StrContains(content, secret))
          << secret << " is in " << place;
    }
  }
}

TEST(LoginTest, ExportsGoOnOverRefreshesKillsAndARefusedToken) {
  System::Options options = LoginOptions("8s");
  options.max_request_records = 100;
  System system(options);
  ASSERT_TRUE(Await([&] { return Refreshes(system) >= 1; }));
  // Slow enough that a refresh comes in the middle.
  AddFault(system, {{"match", {{"operation", "customer_lists/update"}}},
                    {"action", {{"delay_before_ms", 250}}}});
  const int before = Refreshes(system);
  system.ExportAndDrain(system.WriteExport("one.jsonl", People("a", 2'500)));
  EXPECT_GT(Refreshes(system), before);
  EXPECT_EQ(system.Lists()[System::Name("gold")].size(), 2'500u);

  // The rotated token is the only one that is still good, and survives.
  system.ClearFaults();
  system.connector().Kill();
  system.StartConnector();
  const int kept = Refreshes(system);
  ASSERT_TRUE(Await([&] { return Refreshes(system) > kept; }));
  system.ExportAndDrain(system.WriteExport("two.jsonl", People("b", 100)));
  EXPECT_EQ(system.Lists()[System::Name("gold")].size(), 2'600u);

  // A 401 out of the blue: one refresh, and the request goes out again.
  system.ClearRequests();
  AddFault(system, {{"match", {{"operation", "customer_lists/update"}}},
                    {"times", 1},
                    {"action", {{"status", 401}}}});
  system.ExportAndDrain(system.WriteExport("three.jsonl", People("c", 100)));
  EXPECT_GE(system.RequestCount("PATCH"), 2);
  EXPECT_EQ(Count(Log(system), "event=blocked"), 0);

  const Output status = system.Ctl({"status", System::kAdAccount});
  EXPECT_TRUE(absl::StrContains(status.text, "refresh token good for 59 days"))
      << status.text;
  const Output credentials = system.Ctl({"credentials"});
  EXPECT_TRUE(absl::StrContains(credentials.text, "usable; access token good"))
      << credentials.text;
  const Output check = system.Ctl({"check", System::kAdAccount});
  EXPECT_EQ(check.exit_code, 0) << check.text;
  ExpectNoSecrets(system, status.text + credentials.text + check.text +
                              system.Ctl({"list", "--json"}).text);
}

// What a browser does with the page that audiencectl names: consents, and is
// sent back. Returns the answer's status.
int Consent(const std::string& url, const std::string& changed_state = "") {
  const std::vector<std::string> parts =
      absl::StrSplit(url, absl::MaxSplits("/oauth/", 1));
  httplib::Client pinterest(parts[0].c_str());
  auto consent = pinterest.Get(("/oauth/" + parts[1]).c_str());
  EXPECT_TRUE(static_cast<bool>(consent));
  std::string back = consent->get_header_value("Location");
  EXPECT_TRUE(absl::StartsWith(back, "http://localhost:")) << back;
  if (!changed_state.empty()) {
    back = back.substr(0, back.find("&state=")) + "&state=" + changed_state;
  }
  const size_t path = back.find("/?");
  httplib::Client listener(
      absl::StrReplaceAll(back.substr(0, path), {{"localhost", "127.0.0.1"}})
          .c_str());
  auto answer = listener.Get(back.substr(path).c_str());
  EXPECT_TRUE(static_cast<bool>(answer));
  return answer ? answer->status : 0;
}

TEST(LoginTest, ADeadLoginPausesWhenItsAccessTokenFailsAndANewOneMendsIt) {
  System system(LoginOptions("720h", "1s"));
  ASSERT_TRUE(Await([&] { return Refreshes(system) >= 1; }));
  ASSERT_TRUE(Await([&] {
    return system.Inspect("tokens").at("refresh_tokens").at("good") == 0;
  }));
  // A changed secret is tried at once; by now the refresh token is dead.
  system.Control("tokens", {{"app_secret", kNewSecret}});
  WriteFile(system.directory() + "/credentials/app-secret", kNewSecret);
  ASSERT_TRUE(Await([&] {
    return absl::StrContains(Log(system), "reason=REFRESH_TOKEN_REFUSED");
  })) << Log(system);
  // Nothing is paused yet.
  system.ExportAndDrain(system.WriteExport("one.jsonl", People("a", 10)));
  const Output early = system.Ctl({"check", System::kAdAccount});
  EXPECT_EQ(early.exit_code, 3) << early.text;
  EXPECT_TRUE(absl::StrContains(early.text, "refresh-token-valid"));
  EXPECT_TRUE(absl::StrContains(early.text, "audiencectl login"));

  // The access token fails: paused.
  AddFault(system, {{"match", {{"path", "ad_accounts"}}},
                    {"action", {{"status", 401}}}});
  // Exports are accepted all the same.
  const Output exported = system.Ctl(
      {"export", absl::StrCat("--ad_account_id=", System::kAdAccount),
       system.WriteExport("two.jsonl", People("b", 10))});
  EXPECT_EQ(exported.exit_code, 0) << exported.text;
  const Output drained = system.Ctl({"drain", System::kAdAccount});
  EXPECT_EQ(drained.exit_code, 5) << drained.text;
  EXPECT_TRUE(absl::StrContains(drained.text, "audiencectl login"))
      << drained.text;
  EXPECT_EQ(system.Lists()[System::Name("gold")].size(), 10u);
  const Output status = system.Ctl({"status", System::kAdAccount});
  EXPECT_TRUE(absl::StrContains(status.text, "BLOCKED")) << status.text;
  EXPECT_TRUE(absl::StrContains(status.text, "audiencectl login"));

  // The new login.
  system.ClearFaults();
  system.Control("tokens", {{"refresh_token_lifetime_s", 5184000}});
  const std::string origin =
      absl::StrReplaceAll(system.base_url(), {{"/v5", ""}});
  const std::string output = system.directory() + "/login.log";
  auto login = system.StartCtl(
      {"login", "--credentials_dir=" + system.directory() + "/credentials",
       "--app_id=1234567", "--redirect_port=0",
       "--base_url=" + system.base_url(),
       "--consent_url=" + origin + "/oauth/"},
      output);
  const std::string rest = login->AwaitLine(origin + "/oauth/");
  ASSERT_NE(rest, "") << ReadFile(output);
  EXPECT_EQ(Consent(origin + "/oauth/" + rest, "guessed"), 400);
  EXPECT_EQ(Consent(origin + "/oauth/" + rest), 200);
  EXPECT_EQ(login->Wait(), 0) << ReadFile(output);
  EXPECT_TRUE(absl::StrContains(ReadFile(output),
                                "refresh_token_file: \"main-refresh-token\""))
      << ReadFile(output);

  // What had stopped goes on by itself, long before the next probe is due.
  const absl::Time begin = absl::Now();
  EXPECT_TRUE(Await(
      [&] { return system.Lists()[System::Name("gold")].size() == 20u; }));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(45));
  EXPECT_EQ(system.Ctl({"check", System::kAdAccount}).exit_code, 0);
  ExpectNoSecrets(system,
                  early.text + drained.text + status.text + ReadFile(output));
}

}  // namespace
}  // namespace e2e
