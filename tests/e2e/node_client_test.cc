// The example host in Node against the built connector: what docs/hosts.md
// says a host can rely on.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;

std::string Address(int i) { return absl::StrCat("person", i, "@example.com"); }

class NodeClientTest : public testing::Test {
 protected:
  void Start(System::Options options = System::Options()) {
    system_ = std::make_unique<System>(std::move(options));
    client_ = system_->directory() + "/client";
    mkdir(client_.c_str(), 0700);
    for (const char* file :
         {"client.js", "export.js", "position.js", "profiles.js"}) {
      WriteFile(client_ + "/" + file,
                ReadFile(Runfile(absl::StrCat("examples/node/", file))));
    }
    const std::string packages = absl::StrCat(
        std::getenv("TEST_SRCDIR"), "/node_client_packages/node_modules.tar");
    const Output unpacked =
        RunProgram({"/bin/tar", "-C", client_, "-xf", packages});
    ASSERT_EQ(unpacked.exit_code, 0) << unpacked.text;
  }

  std::vector<std::string> Command(const std::string& file,
                                   const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {
        "/usr/bin/env",
        "node",
        client_ + "/export.js",
        "--address=" + system_->address(),
        absl::StrCat("--ad-account=", System::kAdAccount),
        "--state=" + State(),
        "--proto=" + Runfile("proto"),
        file};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  std::string State() const { return client_ + "/state"; }
  std::string Log() const { return client_ + "/log"; }

  json ReadState() {
    const std::string text = ReadFile(State());
    return text.empty() ? json::object() : json::parse(text);
  }

  // Waits until the client has noted so many batches as durable.
  void AwaitDurable(Process& client, int64_t batches) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (ReadState().value("durable", int64_t{0}) < batches) {
      ASSERT_TRUE(client.Running()) << ReadFile(Log());
      ASSERT_LT(absl::Now(), deadline) << ReadFile(Log());
      absl::SleepFor(absl::Milliseconds(2));
    }
  }

  // `count` members of the segment, and the records they become.
  std::string Members(int count, std::vector<std::string>* records) {
    std::vector<json> profiles;
    for (int i = 0; i < count; ++i) {
      profiles.push_back(
          System::Profile({{"Email", {Address(i)}}}, {{"gold", "realized"}}));
      records->push_back(System::Sha256(Address(i)));
    }
    std::sort(records->begin(), records->end());
    return system_->WriteExport("members.jsonl", profiles);
  }

  void ExpectOnList(const std::vector<std::string>& records) {
    const Output drained =
        system_->Ctl({"drain", System::kAdAccount, "--timeout=60s"});
    ASSERT_EQ(drained.exit_code, 0) << drained.text;
    auto lists = system_->Lists();
    EXPECT_EQ(lists[System::Name("gold")], records);
  }

  std::unique_ptr<System> system_;
  std::string client_;
};

TEST_F(NodeClientTest, ExportsAFileOnceAndTellsWhatWasRejected) {
  Start();
  std::vector<json> profiles = {
      System::Profile({{"Email", {Address(1)}}}, {{"gold", "realized"}}),
      System::Profile({{"Email", {"secret"}}}, {{"gold", "realized"}}),
      System::Profile({{"Email", {Address(2)}}}, {{"gold", "realized"}}),
      System::Profile({{"Email", {Address(1)}}}, {{"gold", "exited"}})};
  const std::string file = system_->WriteExport("a.jsonl", profiles);
  Output output = RunProgram(Command(file));
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_TRUE(absl::StrContains(output.text,
                                "line 2: REJECTION_REASON_EMAIL_MALFORMED"))
      << output.text;
  EXPECT_FALSE(absl::StrContains(output.text, "secret"));
  EXPECT_TRUE(ReadState().at("ended"));
  ExpectOnList({System::Sha256(Address(2))});

  output = RunProgram(Command(file));
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_TRUE(absl::StrContains(output.text, "was exported already"));
}

TEST_F(NodeClientTest, GoesOnAfterAKillOfBothSides) {
  Start();
  std::vector<std::string> records;
  const std::string file = Members(8'000, &records);
  const std::vector<std::string> command =
      Command(file, {"--batch-profiles=20", "--window=4"});
  auto client = Process::Start(command, Log());
  AwaitDurable(*client, 20);
  client->Kill();
  const json state = ReadState();
  ASSERT_FALSE(state.at("ended")) << "too quick to be killed";

  // The second one meets a server that is killed and comes back.
  client = Process::Start(command, Log());
  AwaitDurable(*client, state.at("durable").get<int64_t>() + 20);
  system_->connector().Kill();
  system_->StartConnector();
  EXPECT_EQ(client->Wait(), 0) << ReadFile(Log());
  const std::string log = ReadFile(Log());
  EXPECT_TRUE(absl::StrContains(log, "resuming behind batch")) << log;
  EXPECT_TRUE(absl::StrContains(log, "UNAVAILABLE")) << log;
  EXPECT_EQ(ReadState().at("exportId"), state.at("exportId"));
  EXPECT_TRUE(ReadState().at("ended"));
  ExpectOnList(records);
}

TEST_F(NodeClientTest, AFileThatChangesBetweenStreamsIsNotEnded) {
  Start();
  std::vector<std::string> records;
  const std::string file = Members(8'000, &records);
  auto client = Process::Start(
      Command(file, {"--batch-profiles=20", "--window=4"}), Log());
  AwaitDurable(*client, 20);
  system_->connector().Kill();
  // Of the same size.
  std::string content = ReadFile(file);
  content.replace(content.rfind("person"), 6, "nobody");
  WriteFile(file, content);
  system_->StartConnector();
  EXPECT_EQ(client->Wait(), 1) << ReadFile(Log());
  EXPECT_TRUE(absl::StrContains(ReadFile(Log()), "the file changed"))
      << ReadFile(Log());
  EXPECT_FALSE(ReadState().at("ended"));
  // A new run takes it as the new content that it is.
  const Output output = RunProgram(Command(file));
  EXPECT_EQ(output.exit_code, 0) << output.text;
}

TEST_F(NodeClientTest, WaitsWhenTheBacklogIsFull) {
  System::Options options;
  options.delivery_policies[System::kAdAccount] =
      "max_backlog_bytes: 60000 max_delay { nanos: 200000000 }";
  Start(options);
  ASSERT_EQ(system_->Ctl({"pause", System::kAdAccount}).exit_code, 0);
  std::vector<std::string> records;
  const std::string file = Members(5'000, &records);
  auto client = Process::Start(Command(file, {"--batch-profiles=100"}), Log());
  EXPECT_NE(client->AwaitLine("BACKLOG_FULL: again in "), "");
  ASSERT_EQ(system_->Ctl({"resume", System::kAdAccount}).exit_code, 0);
  EXPECT_EQ(client->Wait(), 0) << ReadFile(Log());
  ExpectOnList(records);
}

TEST_F(NodeClientTest, ANewerStreamOfTheExportFencesTheOlder) {
  Start();
  std::vector<std::string> records;
  const std::string file = Members(8'000, &records);
  const std::vector<std::string> command =
      Command(file, {"--batch-profiles=20", "--window=1"});
  auto older = Process::Start(command, Log());
  AwaitDurable(*older, 5);
  // The same state file, so the same export: somebody started it twice.
  auto newer = Process::Start(command, client_ + "/newer.log");
  EXPECT_EQ(older->Wait(), 3) << ReadFile(Log());
  EXPECT_EQ(newer->Wait(), 0) << ReadFile(client_ + "/newer.log");
  ExpectOnList(records);
}

TEST_F(NodeClientTest, AnotherHistoryIsToldAndExportedAnew) {
  Start();
  std::vector<std::string> records;
  const std::string file = Members(8'000, &records);
  const std::vector<std::string> command =
      Command(file, {"--batch-profiles=20", "--window=4"});
  auto client = Process::Start(command, Log());
  AwaitDurable(*client, 20);
  client->Kill();
  const json state = ReadState();
  system_->connector().Kill();
  ASSERT_EQ(
      RunProgram({"/bin/rm", "-rf", system_->state_directory()}).exit_code, 0);
  system_->StartConnector();

  const Output output = RunProgram(command);
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_TRUE(absl::StrContains(output.text, "lost its memory"));
  EXPECT_NE(ReadState().at("historyId"), state.at("historyId"));
  EXPECT_NE(ReadState().at("exportId"), state.at("exportId"));
  ExpectOnList(records);
}

}  // namespace
}  // namespace e2e
