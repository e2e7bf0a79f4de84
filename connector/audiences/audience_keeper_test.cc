#include "connector/audiences/audience_keeper.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "connector/audiences/audience_state.h"
#include "connector/audiences/keeper_world.h"
#include "gtest/gtest.h"

namespace connector::audiences {
namespace {

using Fault = FakeAudiences::Fault;
using Kind = AudienceEvent::Kind;
constexpr char kAccount[] = "549755885175";

// Long enough for a list and its audience, and a few polls.
constexpr absl::Duration kSoon = absl::Minutes(3);

std::string ListRuleOf(const std::string& list) {
  return "{\"customer_list_id\":\"" + list + "\"}";
}

TEST(AudienceKeeperTest, MakesOneAudienceForAListAndFollowsIt) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  ASSERT_EQ(world.audiences.kept.size(), 1u);
  const auto& made = world.audiences.kept.begin()->second;
  EXPECT_EQ(made.audience.audience_type, "CUSTOMER_LIST");
  EXPECT_EQ(made.audience.customer_list_id, world.ListId("gold"));
  EXPECT_EQ(made.audience.name, "cdp/ups/gold");
  EXPECT_EQ(made.ad_account_id, kAccount);
  EXPECT_EQ(world.Row("gold").audience_id, made.audience.id);
  EXPECT_EQ(world.Row("gold").status, "INITIALIZING");

  world.audiences.SetStatus(made.audience.id, "READY", 140);
  world.RunFor(absl::Hours(1));
  EXPECT_EQ(world.Row("gold").status, "READY");
  EXPECT_EQ(world.Row("gold").size, 140);
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
}

TEST(AudienceKeeperTest, AskedMoreRarelyTheLongerItTakes) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(absl::Minutes(30));
  const int first =
      world.audiences.Count("LIST") + world.audiences.Count("GET");
  EXPECT_GE(first, 5);
  EXPECT_LE(first, 14);
  world.RunFor(absl::Hours(72));
  const int before =
      world.audiences.Count("LIST") + world.audiences.Count("GET");
  world.RunFor(absl::Hours(10));
  const int after =
      world.audiences.Count("LIST") + world.audiences.Count("GET");
  EXPECT_GE(after - before, 9);
  EXPECT_LE(after - before, 11);
}

TEST(AudienceKeeperTest, TakesTheOldestOfSeveralAndSaysSo) {
  KeeperWorld world;
  world.Open();
  const std::string list =
      world.delivery.pinterest().AddList("cdp/ups/gold", {}, kAccount);
  const std::string older = world.audiences.Add(kAccount, "CUSTOMER_LIST",
                                                "by hand", ListRuleOf(list));
  world.audiences.Add(kAccount, "CUSTOMER_LIST", "twin", ListRuleOf(list));
  world.audiences.Add(kAccount, "CUSTOMER_LIST", "other", ListRuleOf("1"));
  world.audiences.Add(kAccount, "VISITOR", "v",
                      "{\"visitor_source_id\":\"1\"}");
  world.Add("gold");
  world.RunFor(kSoon);
  EXPECT_EQ(world.Row("gold").audience_id, older);
  EXPECT_EQ(world.Row("gold").name, "by hand");
  EXPECT_EQ(world.Row("gold").twins, 1);
  EXPECT_EQ(world.Events(Kind::kTwinFound), 1);
  EXPECT_EQ(world.audiences.Count("CREATE"), 0);
  // What somebody named keeps its name.
  EXPECT_EQ(world.audiences.Count("UPDATE"), 0);
}

TEST(AudienceKeeperTest, AnEndedAudienceGivesWayToOneThatLives) {
  KeeperWorld world;
  world.Open();
  const std::string list =
      world.delivery.pinterest().AddList("cdp/ups/gold", {}, kAccount);
  world.audiences.Add(kAccount, "CUSTOMER_LIST", "a", ListRuleOf(list),
                      "ARCHIVED");
  const std::string living =
      world.audiences.Add(kAccount, "CUSTOMER_LIST", "b", ListRuleOf(list));
  world.Add("gold");
  world.RunFor(kSoon);
  EXPECT_EQ(world.Row("gold").audience_id, living);
  EXPECT_EQ(world.Row("gold").twins, 0);
}

TEST(AudienceKeeperTest, OneThatHadEndedIsPassedOverAndAnotherMade) {
  for (const std::string status : {"ARCHIVED", "ERROR"}) {
    KeeperWorld world;
    world.Open();
    const std::string list =
        world.delivery.pinterest().AddList("cdp/ups/gold", {}, kAccount);
    const std::string ended = world.audiences.Add(
        kAccount, "CUSTOMER_LIST", "a", ListRuleOf(list), status);
    world.Add("gold");
    world.RunFor(kSoon);
    EXPECT_EQ(world.audiences.Count("CREATE"), 1);
    EXPECT_NE(world.Row("gold").audience_id, ended);
    EXPECT_EQ(world.Row("gold").status, "INITIALIZING");
    EXPECT_EQ(world.Row("gold").abandoned_ids, std::vector<std::string>{ended});
    world.Open(/*kept=*/0);
    world.RunFor(absl::Hours(3));
    EXPECT_EQ(world.audiences.Count("CREATE"), 1);
    EXPECT_EQ(world.Row("gold").twins, 0);
  }
}

TEST(AudienceKeeperTest, OneThatEndsLaterIsNotMadeAgain) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  world.audiences.SetStatus(world.Row("gold").audience_id, "ARCHIVED");
  world.RunFor(absl::Hours(3));
  EXPECT_EQ(world.Row("gold").status, "ARCHIVED");
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
}

// What one audience is answered for good is its own trouble.
TEST(AudienceKeeperTest, OneThatIsAlwaysRefusedHoldsUpNoOther) {
  for (const std::string what : {"GET", "UPDATE", "CREATE"}) {
    for (const Fault fault :
         {Fault::kForbidden, Fault::kServerError, Fault::kBadRequest}) {
      SCOPED_TRACE(what + std::to_string(static_cast<int>(fault)));
      KeeperWorld world;
      // So many others that each is asked for by itself.
      for (int i = 0; i < 40; ++i) {
        world.audiences.Add(kAccount, "VISITOR", absl::StrCat("v", i),
                            "{\"visitor_source_id\":\"1\"}");
      }
      world.Open();
      std::string bad;
      const auto refuse = [&](const FakeAudiences::Call& call) {
        return call.what == what &&
                       (what == "CREATE" ? call.name == "cdp/ups/a"
                                         : !bad.empty() && call.id == bad)
                   ? fault
                   : Fault::kNone;
      };
      world.audiences.faults = refuse;
      for (const char* segment : {"a", "b", "c"}) world.Add(segment);
      world.RunFor(absl::Minutes(30));
      bad = world.Row("a").audience_id;
      EXPECT_EQ(bad.empty(), what == "CREATE");
      for (const char* segment : {"b", "c"}) {
        const std::string id = world.Row(segment).audience_id;
        ASSERT_FALSE(id.empty()) << segment;
        world.audiences.SetStatus(id, "READY", 200);
        ASSERT_TRUE(world.keeper
                        ->Rename(world.Segment(segment).number,
                                 absl::StrCat("new ", segment), "")
                        .ok());
      }
      ASSERT_TRUE(
          world.keeper->Rename(world.Segment("a").number, "new a", "").ok());
      const size_t calls = world.audiences.calls.size();
      world.RunFor(absl::Hours(3));
      for (const char* segment : {"b", "c"}) {
        EXPECT_EQ(world.Row(segment).status, "READY");
        EXPECT_EQ(world.Row(segment).name, absl::StrCat("new ", segment));
      }
      // Tried on, and not in a loop.
      EXPECT_GT(world.audiences.calls.size(), calls + 4);
      EXPECT_LT(world.audiences.calls.size(), calls + 250);
      world.audiences.faults = nullptr;
      world.audiences.SetStatus(bad.empty() ? world.Row("b").audience_id : bad,
                                "READY", 200);
      world.RunFor(absl::Hours(3));
      EXPECT_EQ(world.Row("a").name, "new a");
    }
  }
}

TEST(AudienceKeeperTest, ARefusedCreationIsNotAskedForWithEachLook) {
  KeeperWorld world;
  world.Open();
  world.audiences.faults = [&](const FakeAudiences::Call& call) {
    return call.what == "CREATE" && call.name == "cdp/ups/gold"
               ? Fault::kBadRequest
               : Fault::kNone;
  };
  world.Add("gold");
  // Every new list is a look at all audiences.
  for (int i = 0; i < 30; ++i) {
    world.Add(absl::StrCat("s", i));
    world.RunFor(absl::Minutes(1));
  }
  EXPECT_GE(world.audiences.Count("LIST"), 30);
  EXPECT_EQ(world.audiences.Living("CUSTOMER_LIST").size(), 30u);
  EXPECT_LE(world.audiences.Count("CREATE") - 30, 6);
}

TEST(AudienceKeeperTest, ALostAnswerIsLookedForBeforeAnotherCreation) {
  KeeperWorld world;
  world.Open();
  world.audiences.listing_delay = absl::Minutes(4);
  world.audiences.faults = [](const FakeAudiences::Call& call) {
    return call.what == "CREATE" ? Fault::kLostAfter : Fault::kNone;
  };
  world.Add("gold");
  world.RunFor(absl::Minutes(10));
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
  EXPECT_EQ(world.audiences.Living("CUSTOMER_LIST").size(), 1u);
  EXPECT_EQ(world.Row("gold").audience_id, world.audiences.kept.begin()->first);
}

TEST(AudienceKeeperTest, AnUnansweredCreationIsTriedAgainAfterTheWindow) {
  KeeperWorld world;
  world.Open();
  int lost = 0;
  world.audiences.faults = [&](const FakeAudiences::Call& call) {
    return call.what == "CREATE" && lost++ == 0 ? Fault::kLostBefore
                                                : Fault::kNone;
  };
  world.Add("gold");
  world.RunFor(absl::Minutes(4));
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
  EXPECT_TRUE(world.Row("gold").audience_id.empty());
  EXPECT_TRUE(absl::StrContains(AudienceHint("CUSTOMER_LIST", world.Row("gold"),
                                             world.delivery.clock().Now()),
                                "not answered"));
  world.RunFor(absl::Minutes(8));
  EXPECT_EQ(world.audiences.Count("CREATE"), 2);
  EXPECT_EQ(world.audiences.Living("CUSTOMER_LIST").size(), 1u);
}

TEST(AudienceKeeperTest, AKillAfterTheRequestMakesNoSecondOne) {
  KeeperWorld world;
  world.Open();
  world.audiences.listing_delay = absl::Minutes(2);
  world.audiences.faults = [](const FakeAudiences::Call& call) {
    return call.what == "CREATE" ? Fault::kLostAfter : Fault::kNone;
  };
  world.Add("gold");
  while (world.audiences.Count("CREATE") == 0) {
    world.delivery.clock().Advance(absl::Seconds(1));
    world.RunSteps();
  }
  world.audiences.faults = nullptr;
  world.Open(/*kept=*/0);
  world.RunFor(absl::Minutes(20));
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
  EXPECT_EQ(world.audiences.Living("CUSTOMER_LIST").size(), 1u);
  EXPECT_FALSE(world.Row("gold").audience_id.empty());
}

TEST(AudienceKeeperTest, ARefusedCreationStaysPendingAndIsTriedAgain) {
  KeeperWorld world;
  world.Open();
  bool refused = true;
  world.audiences.faults = [&](const FakeAudiences::Call& call) {
    return call.what == "CREATE" && refused ? Fault::kBadRequest : Fault::kNone;
  };
  world.Add("gold");
  world.RunFor(absl::Minutes(30));
  EXPECT_GE(world.audiences.Count("CREATE"), 3);
  EXPECT_LE(world.audiences.Count("CREATE"), 6);
  EXPECT_TRUE(world.Row("gold").audience_id.empty());
  EXPECT_FALSE(world.Row("gold").last_error.empty());
  EXPECT_TRUE(absl::StrContains(AudienceHint("CUSTOMER_LIST", world.Row("gold"),
                                             world.delivery.clock().Now()),
                                "tried again"));
  refused = false;
  world.RunFor(absl::Hours(1));
  EXPECT_FALSE(world.Row("gold").audience_id.empty());
  EXPECT_TRUE(world.Row("gold").last_error.empty());
}

TEST(AudienceKeeperTest, TroubleWithAudiencesHoldsUpNoList) {
  for (const Fault fault :
       {Fault::kServerError, Fault::kForbidden, Fault::kNotFound,
        Fault::kBadRequest, Fault::kRateLimited}) {
    KeeperWorld world;
    world.Open();
    world.audiences.faults = [&](const FakeAudiences::Call&) { return fault; };
    world.Add("gold");
    world.RunFor(absl::Hours(2));
    world.delivery.Commit({{"gold", 1, membership::Change::kRemove}});
    world.RunFor(absl::Minutes(2));
    EXPECT_TRUE(world.delivery.OnList("gold").empty());
    // Not in a loop either.
    EXPECT_LE(world.audiences.calls.size(), 300u) << static_cast<int>(fault);
  }
}

TEST(AudienceKeeperTest, ARefusedTokenIsProbedAndGoesOnWhenItIsGood) {
  KeeperWorld world;
  world.Open();
  bool refused = true;
  world.audiences.faults = [&](const FakeAudiences::Call&) {
    return refused ? Fault::kUnauthorized : Fault::kNone;
  };
  world.Add("gold");
  world.RunFor(absl::Minutes(10));
  EXPECT_EQ(world.delivery.deliverer().CredentialCondition("main").state,
            delivery::DeliveryCondition::State::kBlocked);
  EXPECT_LE(world.audiences.calls.size(), 12u);
  refused = false;
  world.RunFor(absl::Minutes(5));
  EXPECT_EQ(world.delivery.deliverer().CredentialCondition("main").state,
            delivery::DeliveryCondition::State::kActive);
  EXPECT_EQ(world.audiences.Living("CUSTOMER_LIST").size(), 1u);
}

TEST(AudienceKeeperTest, AnotherAccountProbesWhenTheFirstOneCannot) {
  KeeperWorld world;
  auto* other = world.delivery.config().add_destinations();
  other->set_ad_account_id("549755885176");
  other->set_credential_id("main");
  for (auto& each : *world.delivery.config().mutable_destinations()) {
    auto* declared = each.mutable_audience_policy()->add_declared_audiences();
    declared->set_name("v");
    declared->mutable_visitor()->set_visitor_source_id("1");
  }
  bool refused = true;
  world.audiences.faults = [&](const FakeAudiences::Call&) {
    return refused ? Fault::kUnauthorized : Fault::kNone;
  };
  world.Open();
  world.RunFor(absl::Seconds(20));
  ASSERT_EQ(world.audiences.calls.size(), 1u);
  const std::string first = world.audiences.calls[0].ad_account_id;
  ASSERT_TRUE(world.delivery.registry().SetDestinationPaused(first, true).ok());
  world.keeper->OnConfigurationChanged();
  refused = false;
  world.RunFor(absl::Minutes(10));
  EXPECT_EQ(world.delivery.deliverer().CredentialCondition("main").state,
            delivery::DeliveryCondition::State::kActive);
  EXPECT_EQ(world.audiences.Living("VISITOR").size(), 1u);
}

TEST(AudienceKeeperTest, MakesNoneIfItIsSwitchedOff) {
  KeeperWorld world;
  world.policy().set_no_customer_list_audiences(true);
  world.Open();
  world.Add("gold");
  world.RunFor(absl::Minutes(30));
  EXPECT_TRUE(world.audiences.calls.empty());
}

TEST(AudienceKeeperTest, APausedDestinationIsLeftAlone) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  ASSERT_TRUE(
      world.delivery.registry().SetDestinationPaused(kAccount, true).ok());
  world.keeper->OnConfigurationChanged();
  const size_t calls = world.audiences.calls.size();
  world.RunFor(absl::Hours(5));
  EXPECT_EQ(world.audiences.calls.size(), calls);
  ASSERT_TRUE(
      world.delivery.registry().SetDestinationPaused(kAccount, false).ok());
  world.keeper->OnConfigurationChanged();
  world.RunSteps();
  EXPECT_GT(world.audiences.calls.size(), calls);
}

TEST(AudienceKeeperTest, UsesTheOlderCallIfToldTo) {
  KeeperWorld world;
  auto* api = world.policy().mutable_older_api();
  api->set_sharing_type(audience_sync::v1::AUDIENCE_SHARING_TYPE_CUSTOM);
  api->set_data_party(audience_sync::v1::AUDIENCE_DATA_PARTY_FIRST);
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  EXPECT_EQ(world.audiences.Count("CUSTOM"), 1);
  EXPECT_EQ(world.audiences.Count("CREATE"), 0);
}

TEST(AudienceKeeperTest, ManyAudiencesAreFollowedAPageAtATime) {
  KeeperWorld world;
  world.audiences.page_size = 250;
  world.Open();
  for (int i = 0; i < 60; ++i) world.Add(absl::StrCat("s", i));
  world.RunFor(absl::Minutes(10));
  EXPECT_EQ(world.audiences.Count("CREATE"), 60);
  world.audiences.calls.clear();
  world.RunFor(absl::Hours(3));
  EXPECT_EQ(world.audiences.Count("GET"), 0);
  EXPECT_LE(world.audiences.Count("LIST"), 20);
}

TEST(AudienceKeeperTest, OneAmongManyForeignOnesIsAskedForByItself) {
  KeeperWorld world;
  for (int i = 0; i < 40; ++i) {
    world.audiences.Add(kAccount, "VISITOR", absl::StrCat("v", i),
                        "{\"visitor_source_id\":\"1\"}");
  }
  world.Open();
  world.Add("gold");
  world.RunFor(absl::Minutes(10));
  world.audiences.calls.clear();
  world.RunFor(absl::Hours(5));
  EXPECT_EQ(world.audiences.Count("LIST"), 0);
  EXPECT_GT(world.audiences.Count("GET"), 3);
}

TEST(AudienceKeeperTest, AnAudienceThatWasTakenAwayIsSaidToBeGone) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  world.audiences.kept.clear();
  world.RunFor(absl::Hours(2));
  EXPECT_EQ(world.Row("gold").status, "GONE");
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
  const auto segment = world.Segment("gold").number;
  ASSERT_TRUE(world.keeper->Revive(segment).ok());
  world.RunFor(absl::Minutes(5));
  EXPECT_EQ(world.audiences.Count("CREATE"), 2);
  EXPECT_EQ(world.Row("gold").status, "INITIALIZING");
}

TEST(AudienceKeeperTest, AnUnknownStatusIsLoggedAndPolledOn) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  const std::string id = world.Row("gold").audience_id;
  world.audiences.SetStatus(id, "PERSONAS_INITIALIZING");
  world.RunFor(absl::Minutes(30));
  EXPECT_EQ(world.Row("gold").status, "PERSONAS_INITIALIZING");
  EXPECT_EQ(world.Events(Kind::kUnknownStatus), 1);
  world.audiences.SetStatus(id, "READY", 500);
  world.RunFor(absl::Hours(1));
  EXPECT_EQ(world.Row("gold").status, "READY");
}

audience_sync::v1::DeclaredAudience* Actalike(KeeperWorld& world) {
  auto* declared = world.policy().add_declared_audiences();
  declared->set_name("like gold");
  auto* rule = declared->mutable_actalike();
  rule->set_country("US");
  rule->set_percentage(5);
  return declared;
}

TEST(AudienceKeeperTest, AnActalikeIsMadeOnceItsSeedIsReady) {
  KeeperWorld world;
  auto* seed = Actalike(world)->mutable_actalike()->mutable_segment();
  seed->set_segment_namespace("ups");
  seed->set_segment_id("gold");
  world.Open();
  world.Add("gold");
  world.RunFor(absl::Hours(3));
  EXPECT_TRUE(world.audiences.Living("ACTALIKE").empty());
  EXPECT_TRUE(absl::StrContains(
      AudienceHint("ACTALIKE", world.Declared("ACTALIKE", "like gold"),
                   world.delivery.clock().Now()),
      "seed"));
  world.audiences.SetStatus(world.Row("gold").audience_id, "READY", 1000);
  world.RunFor(absl::Hours(3));
  const auto made = world.audiences.Living("ACTALIKE");
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].name, "like gold");
  EXPECT_EQ(made[0].rule_json,
            "{\"country\":\"US\",\"percentage\":5,"
            "\"seed_id\":[\"" +
                world.Row("gold").audience_id + "\"]}");
  EXPECT_EQ(world.Declared("ACTALIKE", "like gold").audience_id, made[0].id);
}

TEST(AudienceKeeperTest, AnActalikeOfAForeignSeedWaitsForItToo) {
  for (const bool listed : {true, false}) {
    KeeperWorld world;
    // One that is shared with the account is not in its own listing.
    const std::string seed =
        world.audiences.Add(listed ? kAccount : "1", "VISITOR", "seed",
                            "{\"visitor_source_id\":\"1\"}", "PROCESSING");
    Actalike(world)->mutable_actalike()->set_audience_id(seed);
    world.Open();
    world.RunFor(absl::Hours(1));
    EXPECT_TRUE(world.audiences.Living("ACTALIKE").empty());
    world.audiences.SetStatus(seed, "ELIGIBLE", 1000);
    world.RunFor(absl::Hours(3));
    EXPECT_EQ(world.audiences.Living("ACTALIKE").size(), 1u);
    EXPECT_EQ(world.audiences.Count("CREATE"), 1);
  }
}

TEST(AudienceKeeperTest, ADeclaredAudienceIsFoundByNameTypeAndRule) {
  KeeperWorld world;
  auto* declared = world.policy().add_declared_audiences();
  declared->set_name("clickers");
  declared->mutable_engagement()->add_engagement_types(
      audience_sync::v1::ENGAGEMENT_TYPE_CLICK);
  declared->mutable_engagement()->set_lookback_window(30);
  // Another rule, another type, another name; and itself, as it comes back.
  world.audiences.Add(kAccount, "ENGAGEMENT", "clickers",
                      "{\"engagement_type\":\"SAVE\",\"lookback_window\":30}");
  world.audiences.Add(kAccount, "VISITOR", "clickers",
                      "{\"engagement_type\":\"CLICK\",\"lookback_window\":30}");
  world.audiences.Add(kAccount, "ENGAGEMENT", "others",
                      "{\"engagement_type\":\"CLICK\",\"lookback_window\":30}");
  const std::string same = world.audiences.Add(
      kAccount, "ENGAGEMENT", "clickers",
      "{\"engagement_type\":\"click\",\"lookback_window\":\"30\","
      "\"prefill\":true}");
  world.Open();
  world.RunFor(kSoon);
  EXPECT_EQ(world.audiences.Count("CREATE"), 0);
  EXPECT_EQ(world.Declared("ENGAGEMENT", "clickers").audience_id, same);
  EXPECT_EQ(world.audiences.Count("UPDATE"), 0);
}

TEST(AudienceKeeperTest, AChangedRuleIsSentToTheAudienceThatIsThere) {
  KeeperWorld world;
  auto* declared = world.policy().add_declared_audiences();
  declared->set_name("visitors");
  declared->mutable_visitor()->set_visitor_source_id("77");
  world.Open();
  world.RunFor(kSoon);
  const std::string id = world.Declared("VISITOR", "visitors").audience_id;
  ASSERT_FALSE(id.empty());
  declared->mutable_visitor()->set_lookback_window(30);
  declared->set_description("of a month");
  world.Open();
  world.RunFor(kSoon);
  EXPECT_EQ(world.Declared("VISITOR", "visitors").audience_id, id);
  EXPECT_EQ(world.audiences.kept.at(id).audience.rule_json,
            "{\"lookback_window\":30,\"visitor_source_id\":\"77\"}");
  EXPECT_EQ(world.audiences.kept.at(id).audience.description, "of a month");
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
  EXPECT_EQ(world.audiences.Count("UPDATE"), 1);
}

TEST(AudienceKeeperTest, RenamesAndKeepsTheName) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  const auto segment = world.Segment("gold").number;
  int lost = 0;
  world.audiences.faults = [&](const FakeAudiences::Call& call) {
    return call.what == "UPDATE" && lost++ < 2 ? Fault::kLostBefore
                                               : Fault::kNone;
  };
  ASSERT_TRUE(world.keeper->Rename(segment, "Gold", "The best").ok());
  world.Open(/*kept=*/0);
  world.RunFor(absl::Minutes(10));
  const auto& audience =
      world.audiences.kept.at(world.Row("gold").audience_id).audience;
  EXPECT_EQ(audience.name, "Gold");
  EXPECT_EQ(audience.description, "The best");
  EXPECT_EQ(world.audiences.Count("UPDATE"), 3);
  ASSERT_TRUE(world.keeper->Rename(segment, "", "").ok());
  world.RunFor(kSoon);
  EXPECT_EQ(audience.name, "cdp/ups/gold");
  EXPECT_FALSE(world.keeper->Rename(segment, "a@example.com", "").ok());
  EXPECT_FALSE(world.keeper->Rename(segment, "a\nb", "").ok());
  EXPECT_FALSE(world.keeper->Rename(9999, "a", "").ok());
}

TEST(AudienceKeeperTest, RetiresAndMakesAnotherWhenRevived) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  const auto segment = world.Segment("gold").number;
  const std::string first = world.Row("gold").audience_id;
  ASSERT_TRUE(world.keeper->Retire(segment).ok());
  world.RunFor(absl::Hours(5));
  EXPECT_EQ(world.audiences.Count("REMOVE"), 1);
  EXPECT_EQ(world.audiences.kept.at(first).audience.status, "ARCHIVED");
  EXPECT_TRUE(world.Row("gold").retirement_confirmed);
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
  ASSERT_TRUE(world.keeper->Revive(segment).ok());
  world.RunFor(kSoon);
  EXPECT_EQ(world.audiences.Count("CREATE"), 2);
  EXPECT_NE(world.Row("gold").audience_id, first);
  EXPECT_EQ(world.audiences.Living("CUSTOMER_LIST").size(), 1u);
}

TEST(AudienceKeeperTest, ReviveWhileTheRetirementIsUnansweredEndsWithOne) {
  for (const Fault fault :
       {Fault::kLostBefore, Fault::kLostAfter, Fault::kAppliedLate}) {
    KeeperWorld world;
    world.Open();
    world.Add("gold");
    world.RunFor(kSoon);
    const auto segment = world.Segment("gold").number;
    world.audiences.faults = [&](const FakeAudiences::Call& call) {
      return call.what == "REMOVE" ? fault : Fault::kNone;
    };
    ASSERT_TRUE(world.keeper->Retire(segment).ok());
    world.RunSteps();
    ASSERT_GE(world.audiences.Count("REMOVE"), 1);
    ASSERT_TRUE(world.keeper->Revive(segment).ok());
    world.RunFor(absl::Hours(6));
    const auto living = world.audiences.Living("CUSTOMER_LIST");
    ASSERT_EQ(living.size(), 1u) << static_cast<int>(fault);
    EXPECT_EQ(world.Row("gold").audience_id, living[0].id);
  }
}

TEST(AudienceKeeperTest, ARetirementThatWasLostIsForgottenInTime) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  const auto segment = world.Segment("gold").number;
  world.audiences.faults = [&](const FakeAudiences::Call& call) {
    return call.what == "REMOVE" ? Fault::kLostBefore : Fault::kNone;
  };
  ASSERT_TRUE(world.keeper->Retire(segment).ok());
  world.RunSteps();
  ASSERT_TRUE(world.keeper->Revive(segment).ok());
  EXPECT_TRUE(world.Row("gold").replace_if_ended);
  world.RunFor(absl::Hours(3));
  EXPECT_FALSE(world.Row("gold").replace_if_ended);
  // Somebody archives it by hand.
  world.audiences.SetStatus(world.Row("gold").audience_id, "ARCHIVED");
  world.RunFor(absl::Hours(3));
  EXPECT_EQ(world.Row("gold").status, "ARCHIVED");
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
}

TEST(AudienceKeeperTest, ARetiredOneThatWasNotMadeIsNotMade) {
  KeeperWorld world;
  world.Open();
  bool refused = true;
  world.audiences.faults = [&](const FakeAudiences::Call& call) {
    return call.what == "CREATE" && refused ? Fault::kBadRequest : Fault::kNone;
  };
  world.Add("gold");
  world.RunFor(kSoon);
  ASSERT_TRUE(world.keeper->Retire(world.Segment("gold").number).ok());
  refused = false;
  world.RunFor(absl::Hours(5));
  EXPECT_TRUE(world.audiences.kept.empty());
  EXPECT_TRUE(world.Row("gold").retirement_confirmed);
}

TEST(AudienceKeeperTest, FollowsItsSegmentToAnotherList) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  const std::string id = world.Row("gold").audience_id;
  const std::string other = world.delivery.pinterest().AddList("x", {});
  auto list = world.delivery.store().GetList(world.Segment("gold").list);
  ASSERT_TRUE(list.ok());
  list->customer_list_id = other;
  ASSERT_TRUE(world.delivery.store().UpdateList(*list).ok());
  ASSERT_TRUE(world.keeper->PointAtList(world.Segment("gold").number).ok());
  world.RunFor(absl::Minutes(1));
  EXPECT_EQ(world.Row("gold").audience_id, id);
  EXPECT_EQ(world.audiences.kept.at(id).audience.customer_list_id, other);
  EXPECT_EQ(world.audiences.Count("CREATE"), 1);
}

TEST(AudienceKeeperTest, ReadsTheCountersOfTheLists) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  world.delivery.pinterest().WriteForeign(world.ListId("gold"), 7, 0);
  world.RunFor(absl::Hours(2));
  const auto row =
      world.delivery.store().FindCounters(world.Segment("gold").list);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->foreign.uploaded, 7);
  EXPECT_EQ(world.Events(Kind::kForeignWrites), 1);
}

TEST(AudienceKeeperTest, ADeletedDestinationIsForgotten) {
  KeeperWorld world;
  world.Open();
  world.Add("gold");
  world.RunFor(kSoon);
  const auto number = world.delivery.destination();
  ASSERT_TRUE(world.delivery.store().DeleteDestination(number).ok());
  EXPECT_TRUE(world.delivery.store().Audiences(number).empty());
  const size_t calls = world.audiences.calls.size();
  world.keeper->OnConfigurationChanged();
  world.RunFor(absl::Hours(3));
  EXPECT_LE(world.audiences.calls.size(), calls + 12);
}

}  // namespace
}  // namespace connector::audiences
