// The life cycle of a segment through the built programs: bind, rename, unmap
// and take up again, resync, replace the list, watch.
#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;

constexpr char kSegment[] = "ups/gold";

class SegmentsTest : public testing::Test {
 protected:
  static std::string Address(int person) {
    return absl::StrCat("person", person, "@example.com");
  }
  static std::set<std::string> Hashes(int first, int last) {
    std::set<std::string> hashes;
    for (int i = first; i <= last; ++i) {
      hashes.insert(System::Sha256(Address(i)));
    }
    return hashes;
  }
  void Export(int first, int last, const std::string& status) {
    std::vector<json> profiles;
    for (int i = first; i <= last; ++i) {
      profiles.push_back(
          System::Profile({{"Email", {Address(i)}}}, {{"gold", status}}));
    }
    system_.ExportAndDrain(system_.WriteExport(
        absl::StrCat("export-", ++exports_, ".jsonl"), profiles));
  }
  // "segments" with a segment; the answer.
  json Segments(const std::string& action, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"--json", "segments", action,
                                      System::kAdAccount, kSegment};
    words.insert(words.end(), more.begin(), more.end());
    const Output output = system_.Ctl(words);
    EXPECT_EQ(output.exit_code, 0) << output.text;
    return json::parse(output.text, nullptr, false);
  }
  // The reason of a call that must fail.
  std::string Refused(const std::string& action,
                      std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"segments", action, System::kAdAccount,
                                      kSegment};
    words.insert(words.end(), more.begin(), more.end());
    const Output output = system_.Ctl(words);
    EXPECT_EQ(output.exit_code, 1) << output.text;
    return output.text;
  }
  json Status() {
    const Output output = system_.Ctl({"--json", "status", System::kAdAccount});
    EXPECT_EQ(output.exit_code, 0) << output.text;
    const json status = json::parse(output.text);
    for (const json& segment : status.at("segmentStatuses")) {
      if (segment.at("segment").at("segmentId") == "gold") return segment;
    }
    return json();
  }
  // Waits until the status says so.
  bool Await(const std::function<bool(const json&)>& holds) {
    const absl::Time end = absl::Now() + absl::Seconds(120);
    while (absl::Now() < end) {
      const json status = Status();
      if (!status.is_null() && holds(status)) return true;
      absl::SleepFor(absl::Milliseconds(100));
    }
    ADD_FAILURE() << "never came: " << Status().dump(1);
    return false;
  }
  bool AwaitRest() {
    return Await([](const json& status) {
      return !status.at("mapping").contains("operation") &&
             status.at("mapping").at("formerCustomerListId") == "";
    });
  }
  std::string ListId() { return Status().at("customerListId"); }
  std::set<std::string> On(const std::string& list_id) {
    const json list = system_.Inspect(absl::StrCat(
        "ad_accounts/", System::kAdAccount, "/customer_lists/", list_id));
    const json& found = list.contains("customer_lists")
                            ? list.at("customer_lists").at(0)
                            : list;
    const auto records = found.at("records").get<std::vector<std::string>>();
    return {records.begin(), records.end()};
  }
  // What somebody else does at Pinterest; the answer.
  json SomebodyElse(const std::string& method, const std::string& path,
                    const json& body) {
    const std::string base = system_.base_url();
    // A validating proxy has no path.
    const size_t slash =
        std::min(base.find('/', sizeof "http://" - 1), base.size());
    httplib::Client client(base.substr(0, slash).c_str());
    const httplib::Headers headers = {{"Authorization", "Bearer pina_e2e"}};
    const std::string full = absl::StrCat(base.substr(slash), "/ad_accounts/",
                                          System::kAdAccount, path);
    auto answer = method == "POST"
                      ? client.Post(full.c_str(), headers, body.dump(),
                                    "application/json")
                      : client.Patch(full.c_str(), headers, body.dump(),
                                     "application/json");
    if (!answer || answer->status >= 300) {
      ADD_FAILURE() << "somebody else is refused";
      return json();
    }
    return json::parse(answer->body);
  }

  System system_{[] {
    System::Options options;
    options.max_request_records = 7;
    return options;
  }()};
  int exports_ = 0;
};

TEST_F(SegmentsTest, BindSendsTheMembersAndOneListServesOneSegment) {
  const json made =
      SomebodyElse("POST", "/customer_lists",
                   {{"name", "made by hand"},
                    {"records", System::Sha256("by@hand.example")},
                    {"list_type", "EMAIL"}});
  const std::string id = made.at("id");
  EXPECT_TRUE(absl::StrContains(Refused("bind", {"999"}), "no customer list"));
  const json bound = Segments("bind", {id});
  EXPECT_EQ(bound.at("customerListName"), "made by hand");
  EXPECT_TRUE(
      absl::StrContains(bound.at("note").get<std::string>(), "nobody knows"));
  ASSERT_TRUE(AwaitRest());
  EXPECT_EQ(ListId(), id);
  EXPECT_EQ(Status().at("unknownMembers"), true);
  Export(1, 20, "realized");
  std::set<std::string> expected = Hashes(1, 20);
  expected.insert(System::Sha256("by@hand.example"));
  EXPECT_EQ(On(id), expected);

  const Output other =
      system_.Ctl({"segments", "bind", System::kAdAccount, "ups/silver", id});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(other.text, "another segment")) << other.text;

  const json second = SomebodyElse("POST", "/customer_lists",
                                   {{"name", "second"},
                                    {"records", System::Sha256("x")},
                                    {"list_type", "EMAIL"}});
  const std::string second_id = second.at("id");
  EXPECT_TRUE(absl::StrContains(Refused("bind", {second_id}), "20 members"));
  Segments("bind", {second_id, "--force"});
  ASSERT_TRUE(AwaitRest());
  expected = Hashes(1, 20);
  expected.insert(System::Sha256("x"));
  EXPECT_EQ(On(second_id), expected);
  // What was put there by hand is not known and stays.
  EXPECT_EQ(On(id), std::set<std::string>{System::Sha256("by@hand.example")});
}

TEST_F(SegmentsTest, NamesAndDescriptionsAreKeptOverExports) {
  Segments("map", {"--name=Gold", "--description=The best"});
  Export(1, 3, "realized");
  EXPECT_EQ(Status().at("segment").at("displayName"), "Gold");
  EXPECT_EQ(Status().at("mapping").at("description"), "The best");
  const json renamed = Segments("set", {"--name=Golden customers"});
  EXPECT_TRUE(absl::StrContains(renamed.at("note").get<std::string>(),
                                "the list keeps its name"));
  EXPECT_EQ(Status().at("segment").at("displayName"), "Golden customers");
  EXPECT_EQ(Status().at("customerListName"), System::Name("gold"));
}

TEST_F(SegmentsTest, UnmappedAndKeptThenTakenUpAgain) {
  Export(1, 20, "realized");
  const std::string id = ListId();
  EXPECT_EQ(Segments("unmap", {"--keep"}).at("mapping").at("state"),
            "MAPPING_STATE_UNMAPPED_KEPT");
  Export(1, 5, "exited");
  EXPECT_EQ(On(id), Hashes(1, 20));
  EXPECT_EQ(Status().at("counters").at("excluded"), "5");
  EXPECT_EQ(Segments("map").at("reactivated"), true);
  Export(1, 5, "exited");
  EXPECT_EQ(On(id), Hashes(6, 20));
  EXPECT_EQ(ListId(), id);
}

TEST_F(SegmentsTest, UnmappedAndEmptiedOverAKillThenTakenUpAgain) {
  Export(1, 60, "realized");
  const std::string id = ListId();
  EXPECT_EQ(Segments("unmap", {"--empty"}).at("mapping").at("state"),
            "MAPPING_STATE_UNMAPPED_EMPTIED");
  system_.connector().Kill();
  system_.StartConnector();
  ASSERT_TRUE(AwaitRest());
  EXPECT_EQ(On(id), std::set<std::string>());
  Export(1, 5, "realized");
  EXPECT_EQ(On(id), std::set<std::string>());
  Segments("map");
  Export(1, 5, "realized");
  EXPECT_EQ(On(id), Hashes(1, 5));
}

TEST_F(SegmentsTest, AResyncPutsBackWhoSomebodyElseRemoved) {
  Export(1, 30, "realized");
  const std::string id = ListId();
  SomebodyElse("PATCH", "/customer_lists/" + id,
               {{"operation_type", "REMOVE"},
                {"records", absl::StrJoin(Hashes(4, 9), ",")}});
  ASSERT_EQ(On(id).size(), 24u);
  Segments("resync");
  ASSERT_TRUE(AwaitRest());
  EXPECT_EQ(On(id), Hashes(1, 30));
}

TEST_F(SegmentsTest, AReplacedListIsEmptiedAndTheNewOneHasEveryone) {
  Export(1, 60, "realized");
  const std::string old_id = ListId();
  EXPECT_EQ(Segments("replace-list").at("oldCustomerListId"), old_id);
  system_.connector().Kill();
  system_.StartConnector();
  Export(1, 10, "exited");
  ASSERT_TRUE(AwaitRest());
  const std::string id = ListId();
  EXPECT_NE(id, old_id);
  EXPECT_EQ(On(id), Hashes(11, 60));
  EXPECT_EQ(On(old_id), std::set<std::string>());
  const json lists = system_.Inspect(absl::StrCat(
      "ad_accounts/", System::kAdAccount, "/customer_lists?records=false"));
  EXPECT_EQ(lists.at("customer_lists").size(), 2u);
}

// One audience all along: renamed, pointed at the new list, retired.
TEST(SegmentAudienceTest, FollowsItsSegment) {
  System::Options options;
  options.destination_text =
      "audience_policy { first_poll_interval { seconds: 1 } "
      "longest_poll_interval { seconds: 1 } }";
  options.simulator_flags = {"--audience_initializing=0s",
                             "--audience_processing=0s",
                             "--audience_updating=0s"};
  System system(options);
  std::vector<json> profiles;
  for (int i = 0; i < 5; ++i) {
    profiles.push_back(System::Profile(
        {{"Email", {absl::StrCat("person", i, "@example.com")}}},
        {{"gold", "realized"}}));
  }
  system.ExportAndDrain(system.WriteExport("members.jsonl", profiles));
  json last;
  const auto await = [&](const std::function<bool(const json&)>& holds) {
    const absl::Time end = absl::Now() + absl::Seconds(60);
    while (absl::Now() < end) {
      last = system
                 .Inspect(absl::StrCat("ad_accounts/", System::kAdAccount,
                                       "/audiences"))
                 .at("audiences");
      if (last.size() == 1 && holds(last[0])) return true;
      absl::SleepFor(absl::Milliseconds(100));
    }
    return false;
  };
  const auto segments = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "segments");
    const Output output = system.Ctl(words);
    EXPECT_EQ(output.exit_code, 0) << output.text;
  };
  std::string first_rule;
  ASSERT_TRUE(await([&](const json& audience) {
    first_rule = audience.at("rule").dump();
    return true;
  }));
  segments({"set", System::kAdAccount, kSegment, "--name=Golden"});
  EXPECT_TRUE(await([](const json& audience) {
    return audience.at("name") == "Golden";
  })) << last;
  segments({"replace-list", System::kAdAccount, kSegment});
  EXPECT_TRUE(await([&](const json& audience) {
    return audience.at("rule").dump() != first_rule;
  })) << last;
  // The old list has to be empty first.
  const absl::Time end = absl::Now() + absl::Seconds(60);
  while (absl::Now() < end) {
    const Output output = system.Ctl({"--json", "status", System::kAdAccount});
    const json mapping =
        json::parse(output.text).at("segmentStatuses")[0].at("mapping");
    if (!mapping.contains("operation")) break;
    absl::SleepFor(absl::Milliseconds(100));
  }
  segments({"unmap", System::kAdAccount, kSegment, "--empty"});
  EXPECT_TRUE(await([](const json& audience) {
    return audience.at("status") == "ARCHIVED";
  })) << last;
}

TEST_F(SegmentsTest, AWatchShowsWhatChangesAndEndsWithTheServer) {
  Export(1, 3, "realized");
  const std::string file = system_.directory() + "/watch.log";
  auto watch = system_.StartCtl(
      {"--json", "status", System::kAdAccount, "--watch", "--interval=100ms"},
      file);
  const auto await = [&](const std::string& text) {
    const absl::Time end = absl::Now() + absl::Seconds(60);
    while (absl::Now() < end) {
      if (absl::StrContains(ReadFile(file), text)) return true;
      absl::SleepFor(absl::Milliseconds(50));
    }
    return false;
  };
  EXPECT_TRUE(await("\"memberCount\": \"3\"")) << ReadFile(file);
  Export(4, 9, "realized");
  EXPECT_TRUE(await("\"memberCount\": \"9\"")) << ReadFile(file);
  system_.connector().Signal(SIGTERM);
  EXPECT_NE(watch->Wait(), 0);
}

}  // namespace
}  // namespace e2e
