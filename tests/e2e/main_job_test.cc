// The main job through the built programs: exports go in over gRPC, lists at a
// simulated Pinterest come out.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;

std::vector<std::string> Sorted(std::vector<std::string> records) {
  std::sort(records.begin(), records.end());
  return records;
}

// What a generated export has to lead to, by list name.
std::map<std::string, std::vector<std::string>> Expected(
    const std::string& file) {
  std::map<std::string, std::vector<std::string>> expected;
  const json body = json::parse(ReadFile(file));
  for (const json& segment : body.at("segments")) {
    expected["cdp/" + segment.at("namespace").get<std::string>() + "/" +
             segment.at("id").get<std::string>()] =
        segment.at("records").get<std::vector<std::string>>();
  }
  return expected;
}

struct Generated {
  std::string file;
  std::string expected;
};

Generated Generate(System& system, const std::string& phase, int profiles) {
  Generated generated{system.directory() + "/" + phase + ".jsonl",
                      system.directory() + "/" + phase + ".expected.json"};
  Output output =
      RunProgram({Runfile("testdata/generator/generate_export"), "--seed=7",
                  absl::StrCat("--profiles=", profiles), "--segments=5",
                  "--phase=" + phase, "--out=" + generated.file,
                  "--expected=" + generated.expected});
  EXPECT_EQ(output.exit_code, 0) << output.text;
  return generated;
}

void ExpectLists(System& system, const std::string& expected_file) {
  const auto lists = system.Lists();
  for (const auto& [name, records] : Expected(expected_file)) {
    if (records.empty() && lists.count(name) == 0) continue;
    ASSERT_EQ(lists.count(name), 1u) << name;
    EXPECT_EQ(lists.at(name), records) << name;
  }
}

TEST(MainJobTest, AnExportEndsUpOnTheListsAndItsChangesToo) {
  System system;
  const Generated initial = Generate(system, "initial", 3'000);
  system.ExportAndDrain(initial.file);
  ExpectLists(system, initial.expected);

  // The same members again, by a new export: not one write.
  system.ClearRequests();
  system.ExportAtOnceAndDrain(initial.file);
  EXPECT_EQ(system.RequestCount("PATCH"), 0);
  EXPECT_EQ(system.RequestCount("POST"), 0);
  ExpectLists(system, initial.expected);

  const Generated changes = Generate(system, "changes", 3'000);
  system.ClearRequests();
  system.ExportAtOnceAndDrain(changes.file);
  ExpectLists(system, changes.expected);
  // Five lists, at most one removal and one addition each.
  EXPECT_LE(system.RequestCount("PATCH"), 10);
  EXPECT_EQ(system.RequestCount("POST"), 0);

  // Everything that was sent is a hash.
  const json lists = system.Inspect(absl::StrCat(
      "ad_accounts/", System::kAdAccount, "/customer_lists?records=false"));
  for (const json& list : lists.at("customer_lists")) {
    EXPECT_EQ(list.at("unhashed_records"), 0);
  }
}

TEST(MainJobTest, ExitsRemoveExactlyThose) {
  System system;
  std::vector<json> profiles;
  for (int i = 0; i < 50; ++i) {
    profiles.push_back(System::Profile(
        {{"Email", {absl::StrCat("person", i, "@example.com")}}},
        {{"gold", "realized"}, {"silver", "realized"}}));
  }
  system.ExportAndDrain(system.WriteExport("members.jsonl", profiles));
  std::vector<json> exits;
  std::vector<std::string> left;
  for (int i = 0; i < 50; ++i) {
    const std::string address = absl::StrCat("person", i, "@example.com");
    if (i % 3 == 0) {
      exits.push_back(System::Profile({{"email", {" " + address + " "}}},
                                      {{"gold", "exited"}}));
    } else {
      left.push_back(System::Sha256(address));
    }
  }
  system.ExportAndDrain(system.WriteExport("exits.jsonl", exits));
  EXPECT_EQ(system.Lists()[System::Name("gold")], Sorted(left));
  EXPECT_EQ(system.Lists()[System::Name("silver")].size(), 50u);
}

TEST(MainJobTest, HalfMalformedDeliversTheOtherHalfAndListsEachRejection) {
  System system;
  std::vector<json> profiles;
  std::vector<std::string> good;
  for (int i = 0; i < 40; ++i) {
    const std::string address = absl::StrCat("person", i, "@example.com");
    if (i % 2 == 0) good.push_back(System::Sha256(address));
    profiles.push_back(System::Profile(
        {{"Email", {i % 2 == 0 ? address : absl::StrCat("no-address-", i)}}},
        {{"gold", "realized"}}));
  }
  system.ExportAndDrain(system.WriteExport("half.jsonl", profiles));
  EXPECT_EQ(system.Lists()[System::Name("gold")], Sorted(good));
  Output rejections =
      system.Ctl({"--json", "rejections", System::kAdAccount, "--limit=0"});
  ASSERT_EQ(rejections.exit_code, 0) << rejections.text;
  std::set<int> rejected;
  const json parsed = json::parse(rejections.text);
  for (const json& rejection : parsed.at("rejections")) {
    const json& where = rejection.at("intake").at("rejection");
    EXPECT_EQ(where.at("reason"), "REJECTION_REASON_EMAIL_MALFORMED");
    rejected.insert(where.at("profileIndex").get<int>());
  }
  std::set<int> odd;
  for (int i = 1; i < 40; i += 2) odd.insert(i);
  EXPECT_EQ(rejected, odd);
}

TEST(MainJobTest, TheLastOfAddAndRemoveStands) {
  System system;
  const auto event = [](const std::string& person, const std::string& status) {
    return System::Profile({{"Email", {person + "@example.com"}}},
                           {{"gold", status}});
  };
  // In one batch.
  system.ExportAndDrain(system.WriteExport(
      "one.jsonl", {event("a", "realized"), event("a", "exited"),
                    event("b", "exited"), event("b", "realized"),
                    event("c", "realized"), event("d", "realized")}));
  EXPECT_EQ(
      system.Lists()[System::Name("gold")],
      Sorted({System::Sha256("b@example.com"), System::Sha256("c@example.com"),
              System::Sha256("d@example.com")}));
  // In two batches of one profile, before anything is delivered.
  const std::string two = system.WriteExport(
      "two.jsonl",
      {event("c", "exited"), event("a", "realized"), event("a", "exited"),
       event("c", "realized"), event("d", "realized"), event("d", "exited")});
  Output exported = system.Ctl(
      {"export", absl::StrCat("--ad_account_id=", System::kAdAccount),
       "--batch_profiles=1", two});
  ASSERT_EQ(exported.exit_code, 0) << exported.text;
  ASSERT_EQ(system.Ctl({"drain", System::kAdAccount}).exit_code, 0);
  EXPECT_EQ(system.Lists()[System::Name("gold")],
            Sorted({System::Sha256("b@example.com"),
                    System::Sha256("c@example.com")}));
}

TEST(MainJobTest, KilledInTheMiddleOfAnExportAndTakenUpAgain) {
  System system;
  const Generated initial = Generate(system, "initial", 20'000);
  for (int kill = 0; kill < 3; ++kill) {
    auto export_run = system.StartCtl(
        {"export", absl::StrCat("--ad_account_id=", System::kAdAccount),
         "--batch_profiles=20", "--retry_for=0s", initial.file},
        system.directory() + "/export.log");
    // Killed once some of it is durable.
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    int64_t received = 0;
    while (absl::Now() < deadline && received < (kill + 1) * 2'000 &&
           export_run->Running()) {
      Output status = system.Ctl({"--json", "status", System::kAdAccount});
      if (status.exit_code != 0) continue;
      const json body = json::parse(status.text, nullptr, false);
      if (body.is_discarded()) continue;
      const json& counters = body.contains("status")
                                 ? body["status"]["counters"]
                                 : body["counters"];
      if (counters.is_object() && counters.contains("received")) {
        received = std::stoll(counters["received"].get<std::string>());
      }
    }
    system.connector().Kill();
    export_run->Wait();
    system.StartConnector();
  }
  system.ExportAndDrain(initial.file);
  ExpectLists(system, initial.expected);
}

TEST(MainJobTest, AddAppliedWithoutAnswerThenKillThenExitEndsOffTheList) {
  System system;
  const auto event = [](const std::string& person, const std::string& status) {
    return System::Profile({{"Email", {person + "@example.com"}}},
                           {{"gold", status}});
  };
  system.ExportAndDrain(
      system.WriteExport("first.jsonl", {event("a", "realized")}));
  system.Control("faults", json::parse(R"({"faults": [
      {"match": {"operation": "customer_lists/update", "operation_type": "ADD"},
       "times": 1, "action": {"drop_after": true}}]})"));
  Output exported = system.Ctl(
      {"export", absl::StrCat("--ad_account_id=", System::kAdAccount),
       system.WriteExport("second.jsonl", {event("b", "realized")})});
  ASSERT_EQ(exported.exit_code, 0) << exported.text;
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (absl::Now() < deadline &&
         system.Lists()[System::Name("gold")].size() < 2) {
    absl::SleepFor(absl::Milliseconds(2));
  }
  system.connector().Kill();
  ASSERT_EQ(system.Lists()[System::Name("gold")].size(), 2u);
  system.StartConnector();
  system.ExportAndDrain(
      system.WriteExport("third.jsonl", {event("b", "exited")}));
  EXPECT_EQ(system.Lists()[System::Name("gold")],
            (std::vector<std::string>{System::Sha256("a@example.com")}));
}

// Every spelling in which something raw could show up somewhere.
std::vector<std::string> Spellings(const std::string& canary) {
  std::string bare;
  for (char c : canary) {
    if (c != '-') bare += c;
  }
  std::vector<std::string> spellings;
  for (const std::string& text : {canary, bare}) {
    for (const std::string& cased :
         {text, absl::AsciiStrToLower(text), absl::AsciiStrToUpper(text)}) {
      spellings.push_back(cased);
      // Base64 of a part of something: one form for each place in a triple,
      // without the ends, which depend on the neighbours.
      for (size_t skip = 0; skip < 3; ++skip) {
        const std::string encoded =
            absl::Base64Escape(absl::string_view(cased).substr(skip));
        spellings.push_back(encoded.substr(0, (cased.size() - skip) / 3 * 4));
      }
    }
  }
  return spellings;
}

TEST(MainJobTest, NothingRawIsInAnyFileLogOrMessage) {
  System system;
  const std::vector<std::string> canaries = {
      "canary.plain@example.com",
      "Canary.Upper@Example.ORG",
      "canary.malformed@no-dot",
      "canary-in-a-comma@example.com",
      "c0ffee01-aaaa-4bbb-8ccc-0123456789ab",
      "C0FFEE02-AAAA-4BBB-8CCC-0123456789AB",
      "c0ffee03-aaaa-4bbb-8ccc-0123456789ab"};
  std::vector<json> profiles;
  for (const char* status : {"realized", "exited", "realized", "no-status"}) {
    profiles.push_back(System::Profile(
        {{"Email",
          {canaries[0], " " + canaries[1], canaries[2],
           canaries[3] + ",x@example.com"}},
         {"GAID", {canaries[4], "c0ffee01aaaa4bbb8ccc0123456789ab"}},
         {"IDFA", {canaries[5], canaries[5] + "-too-long"}},
         {"ECID", {canaries[0]}},
         {"pinterest_audience", {canaries[6], "{" + canaries[6] + "}"}}},
        {{"gold", status}, {canaries[0], status}}));
  }
  const std::string file = system.WriteExport("canaries.jsonl", profiles);
  std::string said;
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"export", absl::StrCat("--ad_account_id=", System::kAdAccount),
            file},
           {"drain", System::kAdAccount},
           {"status", System::kAdAccount},
           {"--json", "status", System::kAdAccount},
           {"rejections", System::kAdAccount},
           {"--json", "rejections", System::kAdAccount},
           {"list"},
           {"get", System::kAdAccount}}) {
    said += system.Ctl(arguments).text;
  }
  // A line that cannot be read is not shown either.
  WriteFile(file + ".bad", "{\"identityMap\": \"" + canaries[0] + "\"}\n");
  said +=
      system
          .Ctl({"export", absl::StrCat("--ad_account_id=", System::kAdAccount),
                file + ".bad"})
          .text;
  ASSERT_NE(system.Lists().count(System::Name("gold")), 0u);
  const std::string requests = system.Inspect("requests").dump();
  system.connector().Kill();

  std::map<std::string, std::string> places;
  places["the command line's output"] = said;
  places["the requests to Pinterest"] = requests;
  Output files = RunProgram({"/usr/bin/find", system.state_directory(),
                             system.directory() + "/connector.log",
                             system.directory() + "/ctl-state", "-type", "f"});
  size_t bytes = 0;
  for (absl::string_view line : absl::StrSplit(files.text, '\n')) {
    if (line.empty()) continue;
    places[std::string(line)] = ReadFile(std::string(line));
    bytes += places[std::string(line)].size();
  }
  ASSERT_GT(bytes, 1'000u) << "there was nothing to search";
  for (const auto& [place, content] : places) {
    for (const std::string& canary : canaries) {
      for (const std::string& spelling : Spellings(canary)) {
        EXPECT_EQ(content.find(spelling), std::string::npos)
            << spelling << " is in " << place;
      }
    }
  }
  // The search finds what is there.
  const std::string hash = System::Sha256(canaries[0]);
  const std::string raw_hash = absl::HexStringToBytes(hash);
  bool found = false;
  for (const auto& [place, content] : places) {
    found = found || content.find(raw_hash) != std::string::npos;
  }
  EXPECT_TRUE(found) << "not even the hash was found in the state directory";
}

}  // namespace
}  // namespace e2e
