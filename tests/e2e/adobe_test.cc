// The HTTP edge through the built programs: docs/adobe.md followed to the
// letter, durable answers, late duplicates, and nothing raw anywhere.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "nlohmann/json.hpp"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;
using Set = std::set<std::string>;

constexpr const char* kAccount = System::kAdAccount;
constexpr char kToken[] = "canary-of-the-http-token-0123456789";

// A fenced block of the page.
struct Block {
  std::string kind;
  std::string text;
};

std::vector<Block> ReadBlocks() {
  std::vector<Block> blocks;
  bool inside = false;
  for (absl::string_view line :
       absl::StrSplit(ReadFile(Runfile("docs/adobe.md")), '\n')) {
    if (absl::StartsWith(line, "```")) {
      inside = !inside;
      if (inside) blocks.push_back({std::string(line.substr(3)), ""});
    } else if (inside) {
      absl::StrAppend(&blocks.back().text, line, "\n");
    }
  }
  return blocks;
}

System::Options WithHttp(std::string destinations = "") {
  System::Options options;
  options.connector_flags = {"--http_listen=127.0.0.1:0"};
  options.credential_files = {{"http-token", absl::StrCat(kToken, "\n")}};
  options.destinations = std::move(destinations);
  return options;
}

Set On(System& system, const std::string& list) {
  const Output drained = system.Ctl({"drain", kAccount, "--timeout=60s"});
  EXPECT_EQ(drained.exit_code, 0) << drained.text;
  const auto records = system.Lists()[list];
  return {records.begin(), records.end()};
}

TEST(AdobeTest, ThePageCanBeFollowedToTheLetter) {
  const std::vector<Block> blocks = ReadBlocks();
  std::string destinations;
  int configurations = 0;
  for (const Block& block : blocks) {
    if (block.kind == "textproto") destinations += block.text;
    if (block.kind == "json") {
      ++configurations;
      EXPECT_FALSE(json::parse(block.text, nullptr, false).is_discarded())
          << block.text;
    }
  }
  EXPECT_EQ(configurations, 3);
  System system(WithHttp(destinations));
  const std::string script = system.directory() + "/call.sh";
  const std::string list = "cdp/ups/b6e0c1d2-0a1b-4c3d-8e4f-000000000001";
  const Set ada = {System::Sha256("ada.test@example.com"),
                   System::Sha256("0f0e0d0c-1111-4222-8333-444455556666")};
  int calls = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].kind != "sh") continue;
    ASSERT_LT(i + 1, blocks.size());
    ASSERT_EQ(blocks[i + 1].kind, "answer");
    const bool last = absl::StrContains(blocks[i].text, "DELETE");
    if (last) {
      EXPECT_EQ(On(system, list), ada);
      EXPECT_EQ(On(system, "cdp/CustomerAudienceUpload/aud-1"),
                Set({System::Sha256("cleo@example.com"),
                     System::Sha256("A1B2C3D4-AAAA-4BBB-8CCC-DDDDEEEEFFFF"),
                     System::Sha256("dora@example.com")}));
    }
    WriteFile(script, blocks[i].text);
    const Output output =
        RunProgram({"/bin/sh", "-e", script},
                   {{"HTTP", system.http_address()}, {"TOKEN", kToken}});
    EXPECT_EQ(output.exit_code, 0) << blocks[i].text << output.text;
    EXPECT_EQ(json::parse(output.text, nullptr, false),
              json::parse(blocks[i + 1].text))
        << blocks[i].text << output.text;
    ++calls;
    if (last) {
      EXPECT_EQ(On(system, list), Set());
    }
  }
  EXPECT_EQ(calls, 9);
  // Bob's second addition was held back.
  const Output status = system.Ctl({"--json", "status", kAccount});
  int64_t superseded = 0;
  const json report = json::parse(status.text, nullptr, false);
  ASSERT_FALSE(report.is_discarded()) << status.text;
  const json fields = report.flatten();
  for (const auto& [key, value] : fields.items()) {
    if (absl::StrContains(key, "superseded")) {
      superseded += value.is_string()
                        ? std::atoll(value.get<std::string>().c_str())
                        : value.get<int64_t>();
    }
  }
  EXPECT_GT(superseded, 0) << status.text;
}

class EdgeSystemTest : public testing::Test {
 protected:
  explicit EdgeSystemTest()
      : system_(WithHttp(absl::StrCat(R"(destinations {
          ad_account_id: ")",
                                      kAccount, R"("
          credential_id: "main"
          segment_policy { default_segment_namespace: "ups" }
          # Short: a test kills the connector while it makes the list.
          delivery_policy { max_delay { nanos: 200000000 }
                            creation_lookup_window { seconds: 1 } }
          audience_policy { no_customer_list_audiences: true }
        })"))) {}

  int Post(const std::string& body, const std::string& path = "profiles",
           const std::string& token = kToken) {
    std::string host;
    int port = 0;
    const std::vector<std::string> parts =
        absl::StrSplit(system_.http_address(), ':');
    EXPECT_EQ(parts.size(), 2u);
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &port)) return 0;
    httplib::Client client(parts[0], port);
    client.set_read_timeout(60);
    const auto answer = client.Post(
        absl::StrCat("/v1/destinations/", kAccount, "/", path).c_str(),
        {{"Authorization", "Bearer " + token}}, body, "application/json");
    if (!answer) return 0;
    answers_ += answer->body;
    return answer->status;
  }
  static std::string Event(const std::string& id, const std::string& status,
                           const std::string& time,
                           const std::string& space = "Email") {
    return json({{"identityMap", {{space, {{{"id", id}}}}}},
                 {"segmentMembership",
                  {{"ups",
                    {{"s",
                      {{"status", status},
                       {"lastQualificationTime", time}}}}}}}})
        .dump();
  }
  Set On() { return e2e::On(system_, System::Name("s")); }

  System system_;
  // Everything that was answered.
  std::string answers_;
};

TEST_F(EdgeSystemTest, WhatWasAnsweredIsDurable) {
  Set people;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) {
      const std::string person =
          absl::StrCat("p", round, "-", i, "@example.com");
      ASSERT_EQ(Post(Event(person, "realized", "2026-03-02T10:00:00Z")), 200);
      people.insert(System::Sha256(person));
    }
    system_.connector().Kill();
    system_.StartConnector();
  }
  EXPECT_EQ(On(), people);
}

TEST_F(EdgeSystemTest, LateAdditionsAreHeldBack) {
  const Set member = {System::Sha256("a@example.com")};
  ASSERT_EQ(Post(Event("a@example.com", "realized", "2026-03-02T10:00:00Z")),
            200);
  EXPECT_EQ(On(), member);
  // The exit comes over gRPC, and is delivered.
  const std::string exit = system_.WriteExport(
      "exit.jsonl",
      {json::parse(Event("a@example.com", "exited", "2026-03-02T11:00:00Z"))});
  system_.ExportAndDrain(exit);
  EXPECT_EQ(On(), Set());
  ASSERT_EQ(Post(Event("a@example.com", "realized", "2026-03-02T10:00:00Z")),
            200);
  EXPECT_EQ(On(), Set());
  system_.connector().Kill();
  system_.StartConnector();
  // As old as the exit is too old.
  ASSERT_EQ(Post(Event("a@example.com", "realized", "2026-03-02T11:00:00Z")),
            200);
  EXPECT_EQ(On(), Set());
  ASSERT_EQ(Post(Event("a@example.com", "realized", "2026-03-02T11:00:00.5Z")),
            200);
  EXPECT_EQ(On(), member);
}

TEST_F(EdgeSystemTest, AnExitThatFoundNobodyIsRemembered) {
  ASSERT_EQ(Post(Event("b@example.com", "realized", "2026-03-02T10:00:00Z")),
            200);
  // Its addition was refused, say; the exit is netted out.
  ASSERT_EQ(Post(Event("a@example.com", "exited", "2026-03-02T11:00:00Z")),
            200);
  EXPECT_EQ(On(), Set({System::Sha256("b@example.com")}));
  ASSERT_EQ(Post(Event("a@example.com", "realized", "2026-03-02T10:00:00Z")),
            200);
  EXPECT_EQ(On(), Set({System::Sha256("b@example.com")}));
}

// A file with any of the texts in it; "" if there is none.
std::string Find(const std::string& directory,
                 const std::vector<std::string>& texts) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string();
    if (absl::StrContains(path, "/credentials/")) continue;
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    for (const std::string& text : texts) {
      if (absl::StrContains(content.str(), text)) {
        return absl::StrCat(path, " holds ", text);
      }
    }
  }
  return "";
}

TEST_F(EdgeSystemTest, NothingRawIsKeptOrSaid) {
  const std::vector<std::string> canaries = {
      "canary.plain@example.com", "Canary.Upper@Example.ORG",
      "canary.bad@no-dot", "0caca0e0-1111-4222-8333-444455556666",
      "canary-of-no-kind"};
  for (const std::string& canary : canaries) {
    for (const char* space : {"Email", "GAID", "pinterest_audience"}) {
      for (const char* status : {"realized", "exited", "canary-of-no-kind"}) {
        ASSERT_EQ(Post(Event(canary, status, "2026-03-02T10:00:00Z", space)),
                  200);
      }
    }
    // Where no value belongs, and in what is not understood.
    const std::string quoted = json(canary).dump();
    EXPECT_EQ(Post(quoted), 400);
    EXPECT_EQ(Post(canary), 400);
    EXPECT_EQ(Post(absl::StrCat("{", quoted, ":", quoted, "}")), 400);
    EXPECT_EQ(
        Post(absl::StrCat(R"({"identityMap":{)", quoted, ":", quoted, "}}")),
        400);
    EXPECT_EQ(Post(absl::StrCat(R"({"segmentId":[)", quoted, "]}"), "segments"),
              400);
    EXPECT_EQ(Post("{}", "profiles", canary), 401);
    EXPECT_EQ(Post("{}", canary), 404);
  }
  EXPECT_EQ(On().size(), 0u);
  system_.connector().Kill();
  std::vector<std::string> texts = canaries;
  texts.push_back("canary.upper@example.org");
  texts.push_back("0CACA0E0-1111");
  texts.push_back(kToken);
  EXPECT_EQ(Find(system_.directory(), texts), "");
  for (const std::string& text : texts) {
    EXPECT_FALSE(absl::StrContains(answers_, text)) << text;
  }
}

TEST_F(EdgeSystemTest, AStopAnswersWhatIsUnderWay) {
  ASSERT_EQ(Post(Event("a@example.com", "realized", "2026-03-02T10:00:00Z")),
            200);
  system_.connector().Signal(SIGTERM);
  EXPECT_EQ(system_.connector().Wait(), 0);
  system_.StartConnector();
  EXPECT_EQ(On(), Set({System::Sha256("a@example.com")}));
}

// The token file's rules are those of every secret.
TEST_F(EdgeSystemTest, TheTokenFileIsRereadAndMustBePrivate) {
  const std::string file = system_.directory() + "/credentials/http-token";
  WriteFile(file, "another-token\n");
  EXPECT_EQ(Post("{\"profiles\":[]}"), 401);
  EXPECT_EQ(Post("{\"profiles\":[]}", "profiles", "another-token"), 200);
  RunProgram({"/bin/chmod", "644", file});
  EXPECT_EQ(Post("{\"profiles\":[]}", "profiles", "another-token"), 503);
  system_.connector().Kill();
  EXPECT_FALSE(system_.TryStartConnector());
  RunProgram({"/bin/chmod", "600", file});
  system_.StartConnector();
  EXPECT_EQ(Post("{\"profiles\":[]}", "profiles", "another-token"), 200);
}

}  // namespace
}  // namespace e2e
