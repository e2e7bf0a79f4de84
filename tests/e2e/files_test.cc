// audiencectl import, a destination that is a dry run, preview and explain,
// through the built programs.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;

std::string Address(int i) { return absl::StrCat("person", i, "@example.com"); }

std::vector<std::string> Records(int first, int last) {
  std::vector<std::string> records;
  for (int i = first; i < last; ++i) {
    records.push_back(System::Sha256(Address(i)));
  }
  std::sort(records.begin(), records.end());
  return records;
}

class FilesTest : public testing::Test {
 protected:
  Output Run(std::vector<std::string> arguments) {
    arguments.insert(
        arguments.begin(),
        {"import", absl::StrCat("--ad_account_id=", System::kAdAccount)});
    return system_.Ctl(std::move(arguments));
  }
  void ImportAndDrain(std::vector<std::string> arguments) {
    const Output imported = Run(std::move(arguments));
    ASSERT_EQ(imported.exit_code, 0) << imported.text;
    const Output drained =
        system_.Ctl({"drain", System::kAdAccount, "--timeout=60s"});
    ASSERT_EQ(drained.exit_code, 0) << drained.text;
  }
  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = system_.directory() + "/" + name;
    WriteFile(path, content);
    return path;
  }
  void Gzip(const std::string& path) {
    ASSERT_EQ(RunProgram({"/bin/gzip", "-f", path}).exit_code, 0);
  }
  std::vector<std::string> OnList() {
    auto lists = system_.Lists();
    return lists[System::Name("gold")];
  }

  System system_;
};

TEST_F(FilesTest, CsvGzipListsAndJsonLinesEndUpOnTheList) {
  // A table with a header, quotes and CRLF, compressed in two members.
  std::string csv = "\xEF\xBB\xBFName,E-Mail\r\n";
  for (int i = 0; i < 500; ++i) {
    absl::StrAppend(&csv, "\"Last, First\r\n\",", Address(i), "\r\n");
  }
  std::string rest;
  for (int i = 500; i < 1000; ++i)
    absl::StrAppend(&rest, "x,", Address(i), "\n");
  const std::string a = Write("a.csv", csv);
  const std::string b = Write("b.csv", rest);
  Gzip(a);
  Gzip(b);
  const std::string both =
      Write("both.csv.gz", ReadFile(a + ".gz") + ReadFile(b + ".gz"));
  ImportAndDrain({"--segment=ups/gold", "--columns=e-mail:Email", both});
  EXPECT_EQ(OnList(), Records(0, 1000));

  // Pinterest's own form; removals.
  std::string list;
  for (int i = 0; i < 300; ++i)
    absl::StrAppend(&list, i ? "," : "", Address(i));
  ImportAndDrain({"--segment=ups/gold", "--namespace=Email", "--format=list",
                  "--status=remove", Write("list.txt", list)});
  EXPECT_EQ(OnList(), Records(300, 1000));

  // What `export` reads, compressed.
  const std::string lines = system_.WriteExport(
      "lines.jsonl",
      {System::Profile({{"Email", {Address(1000)}}}, {{"gold", "realized"}}),
       System::Profile({{"Email", {Address(300)}}}, {{"gold", "exited"}})});
  Gzip(lines);
  ImportAndDrain({lines + ".gz"});
  EXPECT_EQ(OnList(), Records(301, 1001));

  // A file that was cut off is said to be, with the place.
  const std::string whole = ReadFile(both);
  const Output cut =
      Run({"--segment=ups/gold", "--columns=e-mail:Email",
           Write("cut.csv.gz", whole.substr(0, whole.size() - 100))});
  EXPECT_EQ(cut.exit_code, 4) << cut.text;
  EXPECT_TRUE(absl::StrContains(cut.text, "ends in the middle, at byte "))
      << cut.text;
  EXPECT_TRUE(absl::StrContains(cut.text, "cut.csv.gz, behind line "));
}

TEST_F(FilesTest, ADryRunOfAnImportSendsNothing) {
  const std::string file =
      Write("a.csv", absl::StrCat(Address(1), "\nsecret\nnull\n"));
  const Output output = Run(
      {"--segment=ups/gold", "--namespace=Email", "--dry-run", "--json", file});
  ASSERT_EQ(output.exit_code, 0) << output.text;
  const json counted = json::parse(output.text);
  EXPECT_EQ(counted.at("namespaces").at(0).at("sent"), 1);
  EXPECT_EQ(counted.at("namespaces").at(0).at("rejected"), 2);
  EXPECT_FALSE(absl::StrContains(output.text, "secret"));
  const json status =
      json::parse(system_.Ctl({"--json", "status", System::kAdAccount}).text);
  EXPECT_EQ(status.at("counters").at("received"), "0");
}

TEST_F(FilesTest, ExplainSaysWhatBecomesOfAValue) {
  const Output output =
      system_.Ctl({"explain", " Person1@Example.com ", "--namespace=Email",
                   absl::StrCat("--ad_account_id=", System::kAdAccount)});
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_TRUE(absl::StrContains(output.text, System::Sha256(Address(1))))
      << output.text;
  // The connector heard nothing of it.
  EXPECT_FALSE(absl::StrContains(
      ReadFile(system_.directory() + "/connector.log"), "erson1"));
}

// A destination of the API's, so that it can be switched; with audiences.
TEST_F(FilesTest, ADryRunDestinationTakesAllAndSendsNothingUntilItIsLive) {
  const std::string account = "549755885999";
  const auto apply = [&](bool dry_run) {
    const std::string file = Write(
        "destination.textproto",
        absl::StrCat(
            "destinations { ad_account_id: \"", account,
            "\" credential_id: \"main\" dry_run: ", dry_run ? "true" : "false",
            " delivery_policy { max_request_records: 100 max_delay { "
            "nanos: 100000000 } creation_lookup_window { seconds: 1 } "
            "} }"));
    const Output applied = system_.Ctl({"apply", file});
    ASSERT_EQ(applied.exit_code, 0) << applied.text;
  };
  const auto import = [&](int first, int last, const std::string& status) {
    std::string csv;
    for (int i = first; i < last; ++i) absl::StrAppend(&csv, Address(i), "\n");
    const Output output = system_.Ctl(
        {"import", "--ad_account_id=" + account, "--segment=ups/gold",
         "--namespace=Email", "--status=" + status, Write("part.csv", csv)});
    ASSERT_EQ(output.exit_code, 0) << output.text;
  };
  const auto preview = [&]() -> json {
    const Output output = system_.Ctl({"--json", "preview", account});
    EXPECT_EQ(output.exit_code, 0) << output.text;
    return json::parse(output.text);
  };
  apply(true);
  system_.ClearRequests();
  import(0, 250, "add");
  import(0, 50, "remove");

  const json dry = preview();
  EXPECT_EQ(dry.at("deliveryState"), "DELIVERY_STATE_DRY_RUN");
  const json& gold = dry.at("segmentPreviews").at(0);
  EXPECT_EQ(gold.at("customerListName"), System::Name("gold"));
  EXPECT_EQ(gold.at("createsCustomerList"), true);
  EXPECT_EQ(gold.at("additionCount"), "200");
  EXPECT_EQ(gold.at("removalCount"), "0");
  EXPECT_EQ(gold.at("requestCount"), "2");
  EXPECT_EQ(gold.at("supersededCount"), "50");
  EXPECT_EQ(gold.at("nettedOutCount"), "50");
  // A drain says why nothing moves, and nothing moved.
  const Output drained = system_.Ctl({"drain", account, "--timeout=30s"});
  EXPECT_EQ(drained.exit_code, 5) << drained.text;
  EXPECT_TRUE(absl::StrContains(drained.text, "DESTINATION_DRY_RUN"))
      << drained.text;
  for (const char* method : {"GET", "POST", "PATCH"}) {
    EXPECT_EQ(system_.RequestCount(method), 0) << method;
  }

  // It outlasts a restart.
  system_.connector().Kill();
  system_.StartConnector();
  EXPECT_EQ(preview().at("segmentPreviews"), dry.at("segmentPreviews"));

  apply(false);
  const Output live = system_.Ctl({"drain", account, "--timeout=60s"});
  ASSERT_EQ(live.exit_code, 0) << live.text;
  EXPECT_EQ(system_.Lists(account)[System::Name("gold")], Records(50, 250));
  // The list is made with 100 members; another POST is its audience's.
  EXPECT_EQ(system_.RequestCount("PATCH"), 1);
  EXPECT_EQ(preview().at("segmentPreviews").at(0).at("requestCount"), "0");

  // And back: a preview knows what is delivered.
  apply(true);
  system_.ClearRequests();
  import(200, 270, "add");
  import(60, 70, "remove");
  const json second = preview().at("segmentPreviews").at(0);
  EXPECT_EQ(second.at("createsCustomerList"), false);
  EXPECT_EQ(second.at("additionCount"), "20");
  EXPECT_EQ(second.at("alreadyThereCount"), "50");
  EXPECT_EQ(second.at("removalCount"), "10");
  EXPECT_EQ(system_.RequestCount("PATCH"), 0);
}

}  // namespace
}  // namespace e2e
