// Audiences through the built programs: lists become audiences, statuses come
// back, declared ones are made once, and nobody else writes unseen.
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"

namespace e2e {
namespace {

using nlohmann::json;

constexpr char kPolls[] =
    "first_poll_interval { seconds: 1 } longest_poll_interval { seconds: 1 }";

System::Options WithPolicy(const std::string& policy) {
  System::Options options;
  options.destination_text =
      absl::StrCat("audience_policy { ", kPolls, " ", policy, " }");
  options.simulator_flags = {"--audience_initializing=0s",
                             "--audience_processing=0s",
                             "--audience_updating=0s"};
  return options;
}

std::vector<json> Members(int count, const std::string& segment) {
  std::vector<json> profiles;
  for (int i = 0; i < count; ++i) {
    profiles.push_back(System::Profile(
        {{"Email", {absl::StrCat("person", i, "@example.com")}}},
        {{segment, "realized"}}));
  }
  return profiles;
}

json Audiences(System& system) {
  return system
      .Inspect(absl::StrCat("ad_accounts/", System::kAdAccount, "/audiences"))
      .at("audiences");
}

std::vector<json> OfType(System& system, const std::string& type) {
  std::vector<json> found;
  for (const json& audience : Audiences(system)) {
    if (audience.at("audience_type") == type) found.push_back(audience);
  }
  return found;
}

json Status(System& system) {
  const Output output = system.Ctl({"--json", "status", System::kAdAccount});
  EXPECT_EQ(output.exit_code, 0) << output.text;
  return json::parse(output.text, nullptr, false);
}

// The audience of the only segment.
json SegmentAudience(System& system) {
  const json status = Status(system);
  if (!status.contains("segmentStatuses")) return json::object();
  return status["segmentStatuses"][0].value("audience", json::object());
}

// Waits until `done` says so, or a minute.
template <typename Done>
bool Eventually(Done done) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (absl::Now() < deadline) {
    if (done()) return true;
    absl::SleepFor(absl::Milliseconds(100));
  }
  return false;
}

TEST(AudiencesTest, AListBecomesAnAudienceThatGetsReady) {
  System system(WithPolicy(""));
  system.ExportAndDrain(
      system.WriteExport("members.jsonl", Members(120, "gold")));
  EXPECT_TRUE(Eventually([&] {
    return SegmentAudience(system).value("pinterestStatus", "") == "READY";
  }));
  const json audience = SegmentAudience(system);
  EXPECT_EQ(audience.value("state", ""), "AUDIENCE_STATE_USABLE");
  EXPECT_EQ(audience.value("size", ""), "120");
  const json made = Audiences(system);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].at("name"), System::Name("gold"));
  EXPECT_EQ(made[0].at("id"), audience.value("audienceId", ""));
  const Output text = system.Ctl({"status", System::kAdAccount});
  EXPECT_NE(text.text.find("READY"), std::string::npos) << text.text;
}

TEST(AudiencesTest, TooSmallIsSaidInPlainWords) {
  System system(WithPolicy(""));
  system.ExportAndDrain(
      system.WriteExport("members.jsonl", Members(20, "gold")));
  EXPECT_TRUE(Eventually([&] {
    return SegmentAudience(system).value("pinterestStatus", "") == "TOO_SMALL";
  }));
  const Output text = system.Ctl({"status", System::kAdAccount});
  EXPECT_NE(text.text.find("fewer than 100 matched accounts"),
            std::string::npos)
      << text.text;
}

TEST(AudiencesTest,
     MakesDeclaredAudiencesOnceAndTheActalikeWhenItsSeedIsReady) {
  System system(WithPolicy(R"(
    declared_audiences {
      name: "Like gold"
      actalike {
        segment { segment_namespace: "ups" segment_id: "gold" }
        country: "US"
        percentage: 3
      }
    }
    declared_audiences {
      name: "Clickers"
      engagement {
        engagement_types: ENGAGEMENT_TYPE_CLICK
        engagement_types: ENGAGEMENT_TYPE_SAVE
        lookback_window: 30
      }
    }
    declared_audiences {
      name: "Visitors"
      description: "Of a month"
      visitor {
        visitor_source_id: "2612345678901"
        event_type: VISITOR_EVENT_PAGE_VISIT
        lookback_window: 30
        event_source { values: "web" values: "mobile" }
      }
    }
  )"));
  // The simulator refuses an ACTALIKE that comes too early.
  system.Control("switches", {{"actalike_needs_ready_seed", true}});
  system.ExportAndDrain(system.WriteExport("few.jsonl", Members(50, "gold")));
  EXPECT_TRUE(Eventually([&] {
    return OfType(system, "ENGAGEMENT").size() == 1 &&
           OfType(system, "VISITOR").size() == 1 &&
           SegmentAudience(system).value("pinterestStatus", "") == "TOO_SMALL";
  }));
  EXPECT_TRUE(OfType(system, "ACTALIKE").empty());
  system.ExportAndDrain(system.WriteExport("all.jsonl", Members(150, "gold")));
  EXPECT_TRUE(
      Eventually([&] { return OfType(system, "ACTALIKE").size() == 1; }));
  const json like = OfType(system, "ACTALIKE").at(0);
  EXPECT_EQ(like.at("rule").at("seed_id"),
            json::array({OfType(system, "CUSTOMER_LIST").at(0).at("id")}));
  EXPECT_EQ(OfType(system, "ENGAGEMENT").at(0).at("rule"),
            json({{"engagement_type", "CLICK,SAVE"}, {"lookback_window", 30}}));
  EXPECT_TRUE(Eventually([&] {
    const json status = Status(system);
    for (const json& declared : status.at("declaredAudiences")) {
      if (declared.value("state", "") != "AUDIENCE_STATE_USABLE") return false;
    }
    return status.at("declaredAudiences").size() == 3;
  }));

  // A restart makes nothing anew.
  system.connector().Signal(SIGTERM);
  system.connector().Wait();
  system.ClearRequests();
  system.StartConnector();
  EXPECT_TRUE(Eventually([&] { return system.RequestCount("GET") > 1; }));
  EXPECT_EQ(system.RequestCount("POST"), 0);
  EXPECT_EQ(Audiences(system).size(), 4u);
}

TEST(AudiencesTest, AKillInTheMiddleOfALostCreationMakesNoSecondAudience) {
  System::Options options = WithPolicy("");
  options.delivery_policies[System::kAdAccount] =
      "    max_delay { nanos: 200000000 }\n"
      // Long enough for a machine on which the simulator takes seconds; it is
      // found as soon as it shows.
      "    creation_lookup_window { seconds: 30 }\n";
  System system(options);
  // Applied, and the answer comes too late for anybody to hear.
  system.Control(
      "faults",
      {{"faults", json::array({{{"match", {{"operation", "audiences/create"}}},
                                {"times", 1},
                                {"action", {{"delay_after_ms", 30000}}}}})}});
  system.Control("switches", {{"audience_visible_after_s", 3}});
  system.ExportAndDrain(
      system.WriteExport("members.jsonl", Members(120, "gold")));
  EXPECT_TRUE(Eventually([&] { return Audiences(system).size() == 1; }));
  system.connector().Kill();
  system.StartConnector();
  EXPECT_TRUE(Eventually([&] {
    return SegmentAudience(system).value("pinterestStatus", "") == "READY";
  }));
  EXPECT_EQ(Audiences(system).size(), 1u);
}

TEST(AudiencesTest, TheOlderApiServesThoseWhoNeedIt) {
  System::Options options = WithPolicy(
      "older_api { sharing_type: AUDIENCE_SHARING_TYPE_CUSTOM "
      "data_party: AUDIENCE_DATA_PARTY_FIRST category: \"retail\" }");
  options.simulator_flags.push_back(
      "--switches={\"legacy_audiences_custom\": true}");
  System system(options);
  system.ExportAndDrain(
      system.WriteExport("members.jsonl", Members(120, "gold")));
  EXPECT_TRUE(Eventually([&] {
    return SegmentAudience(system).value("pinterestStatus", "") == "READY";
  }));
  bool custom = false;
  const json requests = system.Inspect("requests");
  for (const json& request : requests.at("requests")) {
    const std::string path = request.at("path");
    custom |= request.at("method") == "POST" &&
              path.find("/audiences/custom") != std::string::npos;
  }
  EXPECT_TRUE(custom);
}

TEST(AudiencesTest, SomebodyElseWhoWritesToTheListIsSeen) {
  System system(WithPolicy(""));
  system.ExportAndDrain(
      system.WriteExport("members.jsonl", Members(120, "gold")));
  const json before = Status(system);
  const json& segment = before.at("segmentStatuses")[0];
  EXPECT_EQ(segment.at("listCounters").value("hint", "none"), "");
  system.PatchAtPinterest(
      absl::StrCat("/ad_accounts/", System::kAdAccount, "/customer_lists/",
                   segment.at("customerListId").get<std::string>()),
      {{"operation_type", "ADD"},
       {"records", absl::StrCat(System::Sha256("stranger@example.com"), ",",
                                System::Sha256("other@example.com"))}});
  EXPECT_TRUE(Eventually([&] {
    const json status = Status(system);
    return status.at("segmentStatuses")[0]
               .at("listCounters")
               .value("hint", "") != "";
  }));
  const json counters =
      Status(system).at("segmentStatuses")[0].at("listCounters");
  EXPECT_EQ(counters.at("foreign").value("uploadedRecords", ""), "2");
  const Output text = system.Ctl({"status", System::kAdAccount});
  EXPECT_NE(text.text.find("somebody else writes to this list"),
            std::string::npos)
      << text.text;
}

TEST(AudiencesTest, PersonaAndOpenAudiencesAreExplained) {
  System system;
  for (const auto& [rule, words] :
       std::vector<std::pair<std::string, std::string>>{
           {"persona", "account manager"}, {"open", "AUDIENCE_INCLUDE"}}) {
    const std::string file = system.directory() + "/" + rule + ".textproto";
    WriteFile(file, absl::StrCat("credentials { credential_id: \"other\" "
                                 "access_token_file: \"token\" } destinations "
                                 "{ ad_account_id: \"549755885999\" "
                                 "credential_id: \"other\" audience_policy { "
                                 "declared_audiences { name: \"x\" ",
                                 rule, " {} } } }"));
    const Output output = system.Ctl({"apply", file});
    EXPECT_NE(output.exit_code, 0);
    EXPECT_NE(output.text.find(words), std::string::npos) << output.text;
    EXPECT_NE(output.text.find(rule), std::string::npos) << output.text;
  }
}

}  // namespace
}  // namespace e2e
