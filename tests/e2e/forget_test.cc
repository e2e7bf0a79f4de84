// Forgetting one identity through the built programs: off every list although
// Pinterest is down at first and the connector is killed, and then gone from
// every file of the state, byte for byte.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "connector/base/crash_point.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"
#include "tests/stress/crash_control.h"

namespace e2e {
namespace {

using nlohmann::json;
using stress::CrashControl;

constexpr char kValue[] = "Erase.Me@Example.COM";
constexpr char kNormalized[] = "erase.me@example.com";
constexpr char kDevice[] = "6D92078A-8246-4BA4-AE5B-76104861E7DC";

std::string DigestOf(const std::string& program, const std::string& text) {
  const Output output = RunProgram(
      {"/bin/sh", "-c",
       absl::StrCat("printf %s '", text, "' | ", program, " | cut -d' ' -f1")});
  EXPECT_EQ(output.exit_code, 0) << output.text;
  return std::string(absl::StripAsciiWhitespace(output.text));
}

// What must not be found: the text in the clear, and each digest in hex (both
// cases) and in binary.
std::vector<std::string> NeedlesOf(const std::vector<std::string>& texts) {
  std::vector<std::string> needles;
  for (const std::string& text : texts) {
    needles.push_back(text);
    for (const char* program : {"sha256sum", "sha1sum", "md5sum"}) {
      const std::string hex = DigestOf(program, text);
      EXPECT_GE(hex.size(), 32u);
      needles.push_back(hex);
      needles.push_back(absl::AsciiStrToUpper(hex));
      needles.push_back(absl::HexStringToBytes(hex));
    }
  }
  return needles;
}

// Files below a directory that hold one of the needles.
std::vector<std::string> FilesWith(const std::string& directory,
                                   const std::vector<std::string>& needles) {
  std::vector<std::string> found;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    const std::string bytes = content.str();
    for (const std::string& needle : needles) {
      if (bytes.find(needle) != std::string::npos) {
        found.push_back(entry.path().string());
        break;
      }
    }
  }
  return found;
}

std::string ControlFile() {
  return absl::StrCat(std::getenv("TEST_TMPDIR"), "/forget-control");
}

CrashControl* MakeControl() {
  CrashControl* control = stress::MapCrashControl(ControlFile(), true);
  control->start = absl::GetCurrentTimeNanos();
  control->speed = 1;
  return control;
}

System::Options MakeOptions(bool crashing) {
  System::Options options;
  options.max_request_records = 20;
  if (crashing) {
    options.connector = "tests/stress/crashing_connector";
    options.connector_environment = {{CrashControl::kVariable, ControlFile()}};
  }
  return options;
}

class ForgetTest : public testing::Test {
 protected:
  explicit ForgetTest(bool crashing = false) : system_(MakeOptions(crashing)) {}

  void Export(const std::vector<json>& profiles) {
    system_.ExportAndDrain(system_.WriteExport(
        absl::StrCat("export-", ++exports_, ".jsonl"), profiles));
  }
  // The person in the segments, among others.
  static std::vector<json> Profiles(
      const std::map<std::string, std::string>& memberships) {
    std::vector<json> profiles;
    for (int i = 0; i < 60; ++i) {
      profiles.push_back(System::Profile(
          {{"Email", {absl::StrCat("person", i, "@example.com")}}},
          {{"gold", "realized"}, {"silver", "realized"}}));
    }
    profiles.push_back(System::Profile(
        {{"Email", {kValue}}, {"IDFA", {kDevice}}}, memberships));
    return profiles;
  }
  bool OnAnyList(const std::string& record) {
    for (const auto& [name, records] : system_.Lists()) {
      if (std::find(records.begin(), records.end(), record) != records.end()) {
        return true;
      }
    }
    return false;
  }
  json Forget(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"--json", "forget", System::kAdAccount};
    words.insert(words.end(), more.begin(), more.end());
    const Output output = system_.Ctl(words);
    EXPECT_EQ(output.exit_code, 0) << output.text;
    return json::parse(output.text, nullptr, false);
  }
  json Receipt(const std::string& id) {
    const Output output =
        system_.Ctl({"--json", "forget-receipts", System::kAdAccount, id});
    EXPECT_EQ(output.exit_code, 0) << output.text;
    return json::parse(output.text, nullptr, false);
  }
  // Waits until it is done, and starts the connector again if it is gone.
  json AwaitDone(const std::string& id) {
    const absl::Time end = absl::Now() + absl::Seconds(150);
    while (absl::Now() < end) {
      if (!system_.connector().Running()) system_.StartConnector();
      const Output output =
          system_.Ctl({"--json", "forget-receipts", System::kAdAccount, id});
      const json receipt = json::parse(output.text, nullptr, false);
      if (output.exit_code == 0 && receipt.is_object() &&
          receipt.at("state") == "FORGET_STATE_DONE") {
        return receipt;
      }
      absl::SleepFor(absl::Milliseconds(100));
    }
    ADD_FAILURE() << "never done: " << Receipt(id).dump(1);
    return Receipt(id);
  }
  void ExpectNoTrace(const std::vector<std::string>& needles) {
    EXPECT_EQ(FilesWith(system_.state_directory(), needles),
              std::vector<std::string>());
    const std::string log = ReadFile(system_.directory() + "/connector.log");
    for (const std::string& needle : needles) {
      EXPECT_FALSE(absl::StrContains(log, needle));
    }
  }
  json Status(const std::string& segment) {
    const Output output = system_.Ctl({"--json", "status", System::kAdAccount});
    EXPECT_EQ(output.exit_code, 0) << output.text;
    const json status = json::parse(output.text);
    for (const json& each : status.at("segmentStatuses")) {
      if (each.at("segment").at("segmentId") == segment) return each;
    }
    return json();
  }

  System system_;
  int exports_ = 0;
};

TEST_F(ForgetTest, GoneFromListsAndFilesThroughAnOutageAndAKill) {
  const std::string record = System::Sha256(kNormalized);
  Export(Profiles({{"gold", "realized"}, {"silver", "realized"}}));
  ASSERT_TRUE(OnAnyList(record));
  // An unmapped list keeps its members, and the person with them.
  Export(Profiles({{"bronze", "realized"}}));
  const Output unmapped = system_.Ctl(
      {"segments", "unmap", System::kAdAccount, "ups/bronze", "--keep"});
  ASSERT_EQ(unmapped.exit_code, 0) << unmapped.text;
  std::vector<std::string> needles = NeedlesOf({kNormalized});
  needles.push_back(kValue);
  // The search finds what is there.
  ASSERT_FALSE(FilesWith(system_.state_directory(), needles).empty());

  // Pinterest is down.
  system_.Control("faults", {{"faults", {{{"action", {{"status", 503}}}}}}});
  const json asked =
      Forget({"--namespace=Email", kValue, "--request_id=ticket-17"});
  EXPECT_EQ(asked.at("state"), "FORGET_STATE_REMOVING");
  EXPECT_EQ(asked.at("lists").size(), 3u);
  EXPECT_EQ(asked.at("formCount"), "3");
  EXPECT_EQ(asked.at("laterEventsMayAddAgain"), true);
  const std::string id = asked.at("receiptId");
  const absl::Time end = absl::Now() + absl::Seconds(60);
  while (Receipt(id).at("lists")[0].at("waitReason") == "" &&
         absl::Now() < end) {
    absl::SleepFor(absl::Milliseconds(100));
  }
  EXPECT_NE(Receipt(id).at("lists")[0].at("waitReason"), "");
  EXPECT_TRUE(OnAnyList(record));
  system_.connector().Kill();
  system_.StartConnector();
  // The same request again is the same one.
  const json again =
      Forget({"--namespace=Email", kValue, "--request_id=ticket-17"});
  EXPECT_EQ(again.at("receiptId"), id);
  system_.ClearFaults();
  ASSERT_EQ(system_.Ctl({"resume", System::kAdAccount}).exit_code, 0);
  const json done = AwaitDone(id);
  for (const json& list : done.at("lists")) {
    EXPECT_EQ(list.at("outcome"), "FORGET_OUTCOME_REMOVED") << done.dump(1);
  }
  EXPECT_FALSE(OnAnyList(record));
  ExpectNoTrace(needles);
  // Nobody else left, and the accounts balance.
  EXPECT_EQ(system_.Lists().at(System::Name("gold")).size(), 61u);
  EXPECT_EQ(Status("gold").at("counters").at("pending"), "0");

  // The receipt outlives the process, and still there is no trace.
  system_.connector().Kill();
  system_.StartConnector();
  EXPECT_EQ(Receipt(id), done);
  const Output list = system_.Ctl({"forget-receipts", System::kAdAccount});
  EXPECT_TRUE(absl::StrContains(list.text, "ticket-17")) << list.text;
  ExpectNoTrace(needles);

  // A later event is a new decision.
  Export({System::Profile({{"Email", {kValue}}}, {{"gold", "realized"}})});
  EXPECT_TRUE(OnAnyList(record));
}

TEST_F(ForgetTest, DevicesRecordsAndMistakes) {
  Export(Profiles({{"gold", "realized"}}));
  const std::string upper = System::Sha256(kDevice);
  ASSERT_TRUE(OnAnyList(upper));
  // From standard input, so that it is in no shell's history.
  const Output asked = RunProgram(
      {"/bin/sh", "-c",
       absl::StrCat("echo ", absl::AsciiStrToLower(kDevice), " | ",
                    Runfile("connector/cli/audiencectl"),
                    " --address=", system_.address(), " --json forget ",
                    System::kAdAccount, " --namespace=GAID - --wait")});
  ASSERT_EQ(asked.exit_code, 0) << asked.text;
  EXPECT_EQ(json::parse(asked.text).at("state"), "FORGET_STATE_DONE");
  EXPECT_FALSE(OnAnyList(upper));
  ExpectNoTrace(NeedlesOf({kDevice, absl::AsciiStrToLower(kDevice)}));

  const std::string record = System::Sha256(kNormalized);
  ASSERT_TRUE(OnAnyList(record));
  const json by_record = Forget({"--record=" + record, "--wait"});
  EXPECT_EQ(by_record.at("state"), "FORGET_STATE_DONE");
  EXPECT_FALSE(OnAnyList(record));
  ExpectNoTrace({absl::HexStringToBytes(record), record});

  const auto refused = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"forget", System::kAdAccount};
    words.insert(words.end(), more.begin(), more.end());
    const Output output = system_.Ctl(words);
    EXPECT_NE(output.exit_code, 0) << output.text;
    EXPECT_FALSE(absl::StrContains(output.text, "not.shown")) << output.text;
    return output.text;
  };
  EXPECT_TRUE(absl::StrContains(
      refused({"--namespace=Phone", "not.shown@example.com"}), "no row"));
  EXPECT_TRUE(absl::StrContains(refused({"--namespace=Email", "not.shown"}),
                                "EMAIL_MALFORMED"));
  EXPECT_TRUE(absl::StrContains(refused({"--record=not.shown"}), "hex"));
  refused({});
  ExpectNoTrace({"not.shown"});
}

// Kills the connector with SIGKILL at a named place of its code.
class ForgetKillTest : public ForgetTest,
                       public testing::WithParamInterface<const char*> {
 protected:
  ForgetKillTest() : ForgetTest((control_ = MakeControl(), true)) {}

  static CrashControl* control_;
};
CrashControl* ForgetKillTest::control_ = nullptr;

TEST_P(ForgetKillTest, ItIsForgottenAllTheSame) {
  Export(Profiles({{"gold", "realized"}, {"silver", "realized"}}));
  int point = -1;
  for (int i = 0; i < connector::kCrashPoints; ++i) {
    if (absl::string_view(connector::kCrashPointNames[i]) == GetParam()) {
      point = i;
    }
  }
  ASSERT_GE(point, 0);
  control_->countdown[point] = 1;
  std::string id;
  const absl::Time end = absl::Now() + absl::Seconds(60);
  while (id.empty() && absl::Now() < end) {
    if (!system_.connector().Running()) system_.StartConnector();
    const Output output =
        system_.Ctl({"--json", "forget", System::kAdAccount, "--request_id=k",
                     "--namespace=Email", kValue});
    if (output.exit_code == 0) id = json::parse(output.text).at("receiptId");
  }
  ASSERT_FALSE(id.empty());
  AwaitDone(id);
  EXPECT_EQ(control_->kills[point], 1);
  const std::string record = System::Sha256(kNormalized);
  EXPECT_FALSE(OnAnyList(record));
  EXPECT_EQ(system_.Lists().at(System::Name("gold")).size(), 61u);
  ExpectNoTrace(NeedlesOf({kNormalized}));
  EXPECT_EQ(Status("gold").at("counters").at("pending"), "0");
}

INSTANTIATE_TEST_SUITE_P(
    Places, ForgetKillTest,
    testing::Values("membership.forget.unwritten", "membership.forget.written",
                    "membership.forget.confirmed", "membership.forget.purging",
                    "membership.forget.list_purged",
                    "membership.forget.cleaned",
                    "membership.forget.records_dropped",
                    "membership.forget.erased", "membership.forget.done",
                    "delivery.request.answered", "membership.settle.written"),
    [](const auto& info) {
      std::string name;
      for (char c : std::string(info.param)) {
        name.push_back(c == '.' ? '_' : c);
      }
      return name;
    });

}  // namespace
}  // namespace e2e
