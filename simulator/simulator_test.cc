#include "simulator/simulator.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "connector/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "simulator/test_client.h"

namespace simulator {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kAccount[] = "549755885175";
constexpr char kLists[] = "/v5/ad_accounts/549755885175/customer_lists";

class SimulatorTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({}); }

  void Start(Simulator::Options options) {
    options.clock = &clock_;
    client_.reset();
    auto started = Simulator::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    simulator_ = *std::move(started);
    client_ = std::make_unique<TestClient>(simulator_->origin());
  }

  Reply Create(const std::string& name, const std::string& records) {
    return client_->Post(kLists,
                         json({{"name", name}, {"records", records}}).dump());
  }
  // The path of a new list.
  std::string CreateList() {
    Reply reply = Create("list", "first");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return absl::StrCat(kLists, "/", reply.Json()["id"].get<std::string>());
  }
  Reply Change(const std::string& path, const char* operation,
               const std::string& records) {
    return client_->Patch(
        path,
        json({{"operation_type", operation}, {"records", records}}).dump());
  }
  Reply Add(const std::string& path, const std::string& records) {
    return Change(path, "ADD", records);
  }
  std::vector<std::string> Records() {
    return simulator_->ListRecords(kAccount, "list");
  }
  int64_t Fault(const std::string& text) {
    auto id = simulator_->AddFaultJson(text);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? *id : 0;
  }
  json Control(const std::string& method, const std::string& path,
               const std::string& body = "") {
    Reply reply = client_->Send(method, "/_simulator/" + path, body, "");
    EXPECT_EQ(reply.status, 200) << path << " " << reply.body;
    return reply.Json();
  }

  connector::FakeClock clock_;
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<TestClient> client_;
};

// --- The API over HTTP.

TEST_F(SimulatorTest, AListIsCreatedChangedReadAndInspected) {
  EXPECT_EQ(simulator_->base_url(),
            absl::StrCat("http://127.0.0.1:", simulator_->port(), "/v5"));
  std::string path = CreateList();
  EXPECT_EQ(Add(path, "b@x.example,c@x.example").status, 200);
  EXPECT_EQ(Change(path, "REMOVE", "first").status, 200);
  Reply reply = client_->Get(path);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Json()["num_uploaded_user_records"], 3);
  EXPECT_EQ(reply.Json()["num_removed_user_records"], 1);
  EXPECT_EQ(reply.Json()["num_batches"], 3);
  EXPECT_THAT(Records(), ElementsAre("b@x.example", "c@x.example"));
  json lists =
      Control("GET", absl::StrCat("ad_accounts/", kAccount,
                                  "/customer_lists"))["customer_lists"];
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(lists[0]["name"], "list");
  EXPECT_EQ(lists[0]["record_count"], 2);
  EXPECT_EQ(lists[0]["unhashed_records"], 2);
  EXPECT_EQ(lists[0]["records"], json({"b@x.example", "c@x.example"}));
  EXPECT_EQ(client_->Get(kLists).Json()["items"].size(), 1u);
}

TEST_F(SimulatorTest, InspectionCanLeaveRecordsOutAndPickLists) {
  Create("one \"quoted\"", "a\"b," + std::string(64, 'a'));
  Create("two", "z");
  std::string base = absl::StrCat("ad_accounts/", kAccount, "/customer_lists");
  json lists = Control("GET", base + "?records=false")["customer_lists"];
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_FALSE(lists[0].contains("records"));
  EXPECT_EQ(lists[0]["record_count"], 2);
  lists = Control("GET", base + "?name=two")["customer_lists"];
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(lists[0]["records"], json({"z"}));
  lists = Control("GET", base + "/4000001")["customer_lists"];
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(lists[0]["records"], json({"a\"b", std::string(64, 'a')}));
  EXPECT_EQ(Control("GET", "ad_accounts/1/customer_lists"),
            json({{"customer_lists", json::array()}}));
}

TEST_F(SimulatorTest, WrongPathsIdsAndMethods) {
  std::string path = CreateList();
  struct Case {
    const char* method;
    std::string path;
    int status;
  };
  for (const Case& c : {
           Case{"GET", "/v5/nothing", 404},
           Case{"GET", "/v4/ad_accounts", 404},
           Case{"GET", "/v5/ad_accounts/x/customer_lists", 400},
           Case{"GET", "/v5/ad_accounts/1234567890123456789", 400},
           Case{"GET", "/v5/ad_accounts/123456789012345678", 200},
           Case{"GET", absl::StrCat(kLists, "/x"), 400},
           Case{"GET", absl::StrCat(kLists, "/1234567890123456789"), 400},
           Case{"GET", absl::StrCat(kLists, "/1"), 404},
           Case{"DELETE", path, 405},
           Case{"PUT", path, 405},
           Case{"POST", path + "/uploads", 403},
           Case{"GET", absl::StrCat(kLists, "?page_size=251"), 400},
           Case{"GET", "/v5/ad_accounts/12/audiences/1", 404},
           Case{"GET", "/v5/ad_accounts/12/audiences/x", 400},
           Case{"POST", "/v5/ad_accounts/12/audiences/custom", 405},
       }) {
    Reply reply =
        client_->Send(c.method, c.path, c.method[0] == 'P' ? "{}" : "");
    EXPECT_EQ(reply.status, c.status) << c.method << " " << c.path;
    EXPECT_THAT(reply.headers["x-pinterest-rid"], Not(IsEmpty()));
    if (c.status != 200) {
      EXPECT_TRUE(reply.Json()["code"].is_number_integer());
      EXPECT_TRUE(reply.Json()["message"].is_string());
    }
  }
}

TEST_F(SimulatorTest, BrokenJsonIs400) {
  std::string path = CreateList();
  EXPECT_EQ(client_->Patch(path, "{\"records\":").status, 400);
  EXPECT_EQ(client_->Patch(path, "").status, 400);
  EXPECT_EQ(client_->Post(kLists, "\xff\xfe").status, 400);
  EXPECT_EQ(client_->Post("/v5/ad_accounts/12/audiences", "{").status, 400);
}

TEST_F(SimulatorTest, OnlyNamedAccountsAreKnown) {
  Simulator::Options options;
  options.ad_accounts = {"12", "34"};
  Start(options);
  EXPECT_EQ(client_->Get("/v5/ad_accounts/12").Json()["id"], "12");
  Reply reply = client_->Get("/v5/ad_accounts/56");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.Json()["message"], "AdAccount not found.");
  EXPECT_EQ(client_->Get("/v5/ad_accounts/56/customer_lists").status, 404);
  reply = client_->Get("/v5/ad_accounts");
  ASSERT_EQ(reply.Json()["items"].size(), 2u);
  EXPECT_EQ(reply.Json()["items"][1]["id"], "34");
}

TEST_F(SimulatorTest, EveryAnswerHasARequestIdOfItsOwn) {
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    ids.insert(client_->Get("/v5/user_account").headers["x-pinterest-rid"]);
  }
  EXPECT_EQ(ids.size(), 50u);
}

TEST_F(SimulatorTest, TheTokenDecides) {
  EXPECT_EQ(client_->Send("GET", kLists, "", "").status, 401);
  Simulator::Options options;
  options.tokens.access_token = "pina_right";
  Start(options);
  EXPECT_EQ(client_->Send("GET", kLists, "", "pina_right").status, 200);
  Reply reply = client_->Send("GET", kLists, "", "pina_wrong");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.Json(),
            json({{"code", 2}, {"message", "Authentication failed."}}));
}

TEST_F(SimulatorTest, TokensAreRefreshedUsedAndExpire) {
  Control("POST", "tokens",
          R"({"accept_any": false,
              "refresh_tokens": [{"refresh_token": "pinr_1"}]})");
  EXPECT_EQ(client_->Get(kLists).status, 401);
  Reply reply = client_->Token(
      "grant_type=refresh_token&refresh_token=pinr_1&continuous_refresh=true");
  ASSERT_EQ(reply.status, 200);
  std::string token = reply.Json()["access_token"];
  EXPECT_EQ(client_->Send("GET", kLists, "", token).status, 200);
  simulator_->AdvanceClock(absl::Seconds(2592000));
  EXPECT_EQ(client_->Send("GET", kLists, "", token).status, 401);
  EXPECT_EQ(
      client_->Token("grant_type=refresh_token&refresh_token=nope").status,
      400);
  EXPECT_EQ(client_->Token("grant_type=refresh_token", "").status, 401);
}

TEST_F(SimulatorTest, ScopesAndUserlessTokensAreChecked) {
  Reply reply =
      client_->Token("grant_type=client_credentials&scope=ads%3Aread");
  std::string client_token = reply.Json()["access_token"];
  std::string path = CreateList();
  EXPECT_EQ(client_->Send("GET", path, "", client_token).status, 200);
  EXPECT_EQ(client_->Send("GET", kLists, "", client_token).status, 403);
  Control("POST", "tokens",
          R"({"access_tokens": [{"access_token": "r", "scope": "ads:read"}]})");
  EXPECT_EQ(client_->Send("GET", kLists, "", "r").status, 200);
  EXPECT_EQ(client_->Send("POST", kLists, R"({"name":"n","records":"a"})", "r")
                .status,
            401);
}

TEST_F(SimulatorTest, TheConsentPageGivesACode) {
  Reply reply = client_->Get(
      "/oauth/?client_id=1&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcb"
      "&response_type=code&scope=ads:read&state=a%20b");
  EXPECT_EQ(reply.status, 302);
  std::string location = reply.headers["location"];
  EXPECT_THAT(location, HasSubstr("http://localhost:9/cb?code="));
  EXPECT_THAT(location, HasSubstr("&state=a%20b"));
  std::string code = location.substr(location.find('=') + 1, 32);
  std::string form = absl::StrCat(
      "grant_type=authorization_code&redirect_uri=http://localhost:9/cb&code=",
      code);
  EXPECT_EQ(client_->Token(form).status, 200);
  EXPECT_EQ(client_->Token(form).status, 400);
  EXPECT_EQ(client_->Get("/oauth/").status, 400);
}

TEST_F(SimulatorTest, RateLimitsStrikeAndPass) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client_->Get(kLists).status, 200);
  Reply reply = client_->Get(kLists);
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.Json()["code"], 8);
  EXPECT_EQ(reply.headers["x-ratelimit-remaining"], "0");
  EXPECT_EQ(reply.headers["x-ratelimit-reset"], "1");
  EXPECT_EQ(client_->Send("GET", kLists, "", "pina_other").status, 200);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(client_->Get(kLists).status, 200);
}

TEST_F(SimulatorTest, TimeRunsFasterByTheScale) {
  Simulator::Options options;
  options.time_scale = 60;
  Start(options);
  std::string path = CreateList();
  EXPECT_EQ(client_->Get(path).Json()["status"], "PROCESSING");
  clock_.Advance(absl::Milliseconds(200));
  EXPECT_EQ(client_->Get(path).Json()["status"], "TOO_SMALL");
}

TEST_F(SimulatorTest, AudiencesOverHttp) {
  CreateList();
  std::string audiences =
      absl::StrCat("/v5/ad_accounts/", kAccount, "/audiences");
  Reply reply = client_->Post(audiences,
                              R"({"name": "a", "audience_type": "CUSTOMER_LIST",
          "rule": {"customer_list_id": "4000001"}})");
  ASSERT_EQ(reply.status, 200);
  std::string id = reply.Json()["id"];
  Control("POST", "clock", R"({"advance_seconds": 5})");
  EXPECT_EQ(client_->Get(audiences + "/" + id).Json()["status"], "PROCESSING");
  Control("POST", "audiences",
          json({{"ad_account_id", kAccount}, {"id", id}, {"status", "ERROR"}})
              .dump());
  EXPECT_EQ(client_->Get(audiences).Json()["items"][0]["status"], "ERROR");
  EXPECT_EQ(
      client_->Patch(audiences + "/" + id, R"({"operation_type": "REMOVE"})")
          .status,
      200);
  json shown = Control(
      "GET", absl::StrCat("ad_accounts/", kAccount, "/audiences"))["audiences"];
  EXPECT_EQ(shown[0]["removed"], true);
}

TEST_F(SimulatorTest, TheOlderAudienceCallIsBehindASwitch) {
  CreateList();
  std::string path =
      absl::StrCat("/v5/ad_accounts/", kAccount, "/audiences/custom");
  const char* body = R"({"name": "a", "sharing_type": "CUSTOM",
      "data_party": "1p", "rule": {"customer_list_id": "4000001"}})";
  EXPECT_EQ(client_->Post(path, body).status, 405);
  Control("POST", "switches", R"({"legacy_audiences_custom": true})");
  EXPECT_EQ(client_->Post(path, body).status, 200);
}

// --- What was asked.

TEST_F(SimulatorTest, TheLogTellsRequestsButNeverRecordsOrTokens) {
  std::string path = CreateList();
  Add(path, "someone@example.com,other@example.com");
  std::string text = client_->Get("/_simulator/requests").body;
  EXPECT_THAT(text, Not(HasSubstr("example")));
  EXPECT_THAT(text, Not(HasSubstr("pina_t")));
  std::vector<RequestEntry> log = simulator_->Requests();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0].operation, "customer_lists/create");
  EXPECT_EQ(log[0].customer_list_id, "4000001");
  EXPECT_EQ(log[1].operation, "customer_lists/update");
  EXPECT_EQ(log[1].operation_type, "ADD");
  EXPECT_EQ(log[1].record_count, 2);
  EXPECT_EQ(log[1].unhashed_records, 2);
  EXPECT_EQ(log[1].status, 200);
  EXPECT_TRUE(log[1].applied);
  EXPECT_EQ(log[1].body_sha256.size(), 64u);
  EXPECT_EQ(log[0].credential, log[1].credential);
  EXPECT_NE(log[0].rid, log[1].rid);

  json since = Control("GET", "requests?since=1");
  EXPECT_EQ(since["requests"].size(), 1u);
  EXPECT_EQ(since["last"], 2);
  EXPECT_EQ(since["counts"]["customer_lists/update"], 1);
  Control("DELETE", "requests");
  EXPECT_EQ(Control("GET", "requests"), json({{"requests", json::array()},
                                              {"last", 2},
                                              {"counts", json::object()}}));
  client_->Get(kLists);
  EXPECT_EQ(simulator_->Requests()[0].number, 3);
}

TEST_F(SimulatorTest, RequestsCanBeWaitedFor) {
  std::thread caller([this] { client_->Get(kLists); });
  EXPECT_TRUE(simulator_->WaitForRequest(1, absl::Minutes(1)));
  caller.join();
  EXPECT_FALSE(simulator_->WaitForRequest(2, absl::ZeroDuration()));
}

TEST_F(SimulatorTest, ResetForgetsEverything) {
  CreateList();
  Fault(R"({"action": {"status": 503}})");
  Control("POST", "switches", R"({"match_rate": 0})");
  Control("POST", "reset");
  EXPECT_THAT(simulator_->Lists(kAccount), IsEmpty());
  EXPECT_THAT(simulator_->Requests(), IsEmpty());
  EXPECT_EQ(simulator_->switches().match_rate, 1.0);
  EXPECT_EQ(client_->Get(kLists).status, 200);
}

TEST_F(SimulatorTest, ControlCallsExplainWhatIsWrong) {
  struct Case {
    const char* method;
    const char* path;
    const char* body;
    int status;
    const char* message;
  };
  for (const Case& c : {
           Case{"POST", "faults", "{", 400, "not JSON"},
           Case{"POST", "faults", "{}", 400, "faults"},
           Case{"POST", "faults", R"({"faults":[{"action":{"staus":1}}]})", 400,
                "action.staus"},
           Case{"POST", "switches", R"({"no_such": 1})", 400, "no_such"},
           Case{"POST", "clock", R"({"advance_seconds": -1})", 400,
                "advance_seconds"},
           Case{"POST", "tokens", R"({"x": 1})", 400, "x"},
           Case{"POST", "audiences", R"({"id": "1"})", 400, "ad_account_id"},
           Case{"GET", "nothing", "", 404, "README"},
       }) {
    Reply reply =
        client_->Send(c.method, absl::StrCat("/_simulator/", c.path), c.body);
    EXPECT_EQ(reply.status, c.status) << c.path;
    EXPECT_THAT(reply.Json()["message"].get<std::string>(),
                HasSubstr(c.message));
  }
  EXPECT_EQ(Control("GET", "faults"), json({{"faults", json::array()}}));
}

// --- What goes wrong on command.

TEST_F(SimulatorTest, FaultStatusesLeaveTheListAlone) {
  std::string path = CreateList();
  for (int status :
       {400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 502, 503, 504}) {
    Fault(absl::StrFormat(
        R"({"match": {"operation": "customer_lists/update"}, "times": 1,
            "action": {"status": %d}})",
        status));
    Reply reply = Add(path, "x");
    EXPECT_EQ(reply.status, status);
    EXPECT_TRUE(reply.Json()["message"].is_string());
    EXPECT_THAT(reply.headers["x-pinterest-rid"], Not(IsEmpty()));
  }
  EXPECT_THAT(Records(), ElementsAre("first"));
  EXPECT_EQ(Add(path, "x").status, 200);
}

TEST_F(SimulatorTest, FaultRateLimitWithAndWithoutHints) {
  std::string path = CreateList();
  Fault(R"({"times": 1, "action": {"status": 429, "ratelimit": "exhausted",
            "ratelimit_reset_s": 7}})");
  Reply reply = Add(path, "x");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers["x-ratelimit-remaining"], "0");
  EXPECT_EQ(reply.headers["x-ratelimit-reset"], "7");
  Fault(R"({"times": 1, "action": {"status": 429, "ratelimit": "none"}})");
  reply = Add(path, "x");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.count("x-ratelimit-limit"), 0u);
  Fault(R"({"times": 1, "action": {"status": 429,
            "headers": {"Retry-After": "3", "x-ratelimit-reset": "9"},
            "body": {"code": 8, "message": "This looks like spam."}}})");
  reply = Add(path, "x");
  EXPECT_EQ(reply.headers["retry-after"], "3");
  EXPECT_EQ(reply.headers["x-ratelimit-reset"], "9");
  EXPECT_THAT(reply.body, HasSubstr("spam"));
}

TEST_F(SimulatorTest, FaultDropBeforeIsNotAppliedAndDropAfterIs) {
  client_->UseFreshConnections();
  std::string path = CreateList();
  int64_t before = Fault(R"({"match": {"operation_type": "ADD"}, "times": 1,
                "action": {"drop_before": true}})");
  int64_t after = Fault(R"({"match": {"operation_type": "ADD"}, "times": 1,
                "action": {"drop_after": true}})");
  EXPECT_EQ(Add(path, "lost").curl, CURLE_GOT_NOTHING);
  EXPECT_THAT(Records(), ElementsAre("first"));
  EXPECT_EQ(Add(path, "kept").curl, CURLE_GOT_NOTHING);
  EXPECT_THAT(Records(), ElementsAre("first", "kept"));
  EXPECT_EQ(simulator_->FaultHits(before), 1);
  EXPECT_EQ(simulator_->FaultHits(after), 1);
  std::vector<RequestEntry> log = simulator_->Requests(1);
  ASSERT_EQ(log.size(), 2u);
  EXPECT_FALSE(log[0].applied);
  EXPECT_TRUE(log[0].dropped);
  EXPECT_EQ(log[0].status, 0);
  EXPECT_EQ(log[0].fault, before);
  EXPECT_TRUE(log[1].applied);
  EXPECT_TRUE(log[1].dropped);
}

TEST_F(SimulatorTest, FaultResetBreaksTheConnection) {
  client_->UseFreshConnections();
  std::string path = CreateList();
  Fault(R"({"times": 1, "action": {"drop_after": true, "reset": true}})");
  EXPECT_EQ(Add(path, "kept").curl, CURLE_RECV_ERROR);
  EXPECT_THAT(Records(), ElementsAre("first", "kept"));
}

TEST_F(SimulatorTest, FaultCreationIsAppliedButItsAnswerLost) {
  client_->UseFreshConnections();
  Fault(R"({"match": {"operation": "customer_lists/create"}, "times": 1,
            "action": {"drop_after": true}})");
  EXPECT_EQ(Create("list", "a").curl, CURLE_GOT_NOTHING);
  EXPECT_EQ(simulator_->Lists(kAccount).size(), 1u);
}

TEST_F(SimulatorTest, FaultAppliedButAnsweredWithAnError) {
  std::string path = CreateList();
  Fault(R"({"times": 1, "action": {"status": 504, "applied": true}})");
  EXPECT_EQ(Add(path, "kept").status, 504);
  EXPECT_THAT(Records(), ElementsAre("first", "kept"));
}

TEST_F(SimulatorTest, FaultAppliedLongAfterTheAnswerWasLost) {
  client_->UseFreshConnections();
  std::string path = CreateList();
  Fault(R"({"match": {"operation_type": "ADD"}, "times": 1,
            "action": {"apply_late_ms": 60000}})");
  EXPECT_EQ(Add(path, "late").curl, CURLE_GOT_NOTHING);
  EXPECT_EQ(Change(path, "REMOVE", "late").status, 200);
  EXPECT_THAT(Records(), ElementsAre("first"));
  simulator_->AdvanceClock(absl::Seconds(59));
  EXPECT_THAT(Records(), ElementsAre("first"));
  simulator_->AdvanceClock(absl::Seconds(1));
  EXPECT_THAT(Records(), ElementsAre("first", "late"));
  RequestEntry entry = simulator_->Requests(1)[0];
  EXPECT_TRUE(entry.late);
  EXPECT_TRUE(entry.applied);
}

// What a user of libcurl meets: on a connection that was used before, libcurl
// repeats a request whose answer was lost, a POST too. The simulator shows
// both.
TEST_F(SimulatorTest, ALostAnswerOnAUsedConnectionIsSeenTwice) {
  CreateList();
  Fault(R"({"times": 1, "action": {"drop_after": true}})");
  EXPECT_EQ(Create("list", "a").status, 200);
  EXPECT_EQ(simulator_->Lists(kAccount).size(), 3u);
}

// The late request is carried out on the thread of the next one, which must not
// lose what it has read of its own.
TEST_F(SimulatorTest, ALateEffectDoesNotDisturbTheRequestThatRunsIt) {
  std::string path = CreateList();
  Fault(R"({"times": 1, "action": {"apply_late_ms": 1000, "status": 503}})");
  EXPECT_EQ(Add(path, "late").status, 503);
  // Passes its first look at the clock, then waits for the real one; meanwhile
  // the late effect becomes due.
  Fault(R"({"match": {"operation": "customer_lists/update"}, "times": 1,
            "action": {"delay_before_ms": 50}})");
  std::thread caller([&] { EXPECT_EQ(Add(path, "own").status, 200); });
  EXPECT_TRUE(simulator_->WaitForRequest(3, absl::Minutes(1)));
  clock_.Advance(absl::Seconds(1));
  caller.join();
  EXPECT_THAT(Records(), ElementsAre("first", "late", "own"));
}

TEST_F(SimulatorTest, FaultDelayHoldsTheAnswerBackWhileTheEffectIsThere) {
  std::string path = CreateList();
  // A minute would be the test's end: Stop wakes it up.
  Fault(R"({"match": {"operation": "customer_lists/update"},
            "action": {"delay_after_ms": 60000}})");
  std::thread caller([&] { EXPECT_NE(Add(path, "kept").curl, CURLE_OK); });
  EXPECT_TRUE(simulator_->WaitForRequest(2, absl::Minutes(1)));
  while (Records().size() < 2) std::this_thread::yield();
  EXPECT_EQ(simulator_->Requests(1)[0].status, 0);
  simulator_->Stop();
  caller.join();
  EXPECT_THAT(Records(), ElementsAre("first", "kept"));
}

TEST_F(SimulatorTest, FaultAnswersThatCannotBeRead) {
  std::string path = CreateList();
  Fault(R"({"times": 1, "action": {"truncate_body": 10}})");
  Reply reply = Add(path, "a");
  EXPECT_EQ(reply.curl, CURLE_PARTIAL_FILE);
  EXPECT_EQ(reply.body.size(), 10u);
  Fault(R"({"times": 1, "action": {"not_json": true}})");
  reply = Add(path, "b");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers["content-type"], "text/html");
  EXPECT_TRUE(reply.Json().is_discarded());
  Fault(R"({"times": 1, "action": {"not_json": true, "status": 502}})");
  EXPECT_EQ(Add(path, "c").status, 502);
  EXPECT_THAT(Records(), ElementsAre("a", "b", "first"));
}

TEST_F(SimulatorTest, FaultRedirect) {
  std::string path = CreateList();
  Fault(R"({"times": 1, "action": {"redirect": "http://127.0.0.1:1/x"}})");
  Reply reply = Add(path, "a");
  EXPECT_EQ(reply.status, 302);
  EXPECT_EQ(reply.headers["location"], "http://127.0.0.1:1/x");
  Fault(R"({"times": 1, "action": {"redirect": "http://127.0.0.1:1/x",
            "status": 307}})");
  EXPECT_EQ(Add(path, "a").status, 307);
  EXPECT_THAT(Records(), ElementsAre("first"));
}

TEST_F(SimulatorTest, FaultExceptionsAndWrongCounters) {
  std::string path = CreateList();
  for (const char* shape :
       {R"({"code": 2, "message": "odd"})", "[1]", "null", R"("text")"}) {
    Fault(absl::StrFormat(R"({"times": 1, "action": {"exceptions": %s}})",
                          shape));
    Reply reply = Add(path, "a");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.Json()["exceptions"], json::parse(shape));
  }
  Fault(R"({"times": 2, "action": {"counters_off": -2}})");
  EXPECT_EQ(Add(path, "a").Json()["num_uploaded_user_records"], 4);
  EXPECT_EQ(client_->Get(kLists).Json()["items"][0]["num_removed_user_records"],
            -2);
  EXPECT_EQ(simulator_->Lists(kAccount)[0].num_uploaded, 6);
}

// Halving finds the bad record and brings every other one in.
TEST_F(SimulatorTest, FaultOneBadRecordAmongMany) {
  std::string path = CreateList();
  Fault(R"({"match": {"contains_record": "r613"}, "action": {"status": 400}})");
  int calls = 0;
  std::vector<int> refused;
  std::vector<std::pair<int, int>> todo = {{0, 1000}};
  while (!todo.empty()) {
    auto [begin, end] = todo.back();
    todo.pop_back();
    std::string records;
    for (int i = begin; i < end; ++i) absl::StrAppend(&records, "r", i, ",");
    ++calls;
    if (Add(path, records).status == 200) continue;
    if (end - begin == 1) {
      refused.push_back(begin);
      continue;
    }
    int middle = (begin + end) / 2;
    todo.push_back({begin, middle});
    todo.push_back({middle, end});
  }
  EXPECT_THAT(refused, ElementsAre(613));
  EXPECT_LT(calls, 30);
  EXPECT_EQ(Records().size(), 1000u);
}

TEST_F(SimulatorTest, FaultsOfOneAccountLeaveOthersAlone) {
  Fault(R"({"match": {"ad_account": "12"}, "action": {"status": 403}})");
  EXPECT_EQ(client_->Get("/v5/ad_accounts/12/customer_lists").status, 403);
  EXPECT_EQ(client_->Get("/v5/ad_accounts/34/customer_lists").status, 200);
}

TEST_F(SimulatorTest, FaultsOverHttp) {
  json ids = Control("POST", "faults",
                     R"({"faults": [{"match": {"method": "GET"}, "times": 1,
                         "action": {"status": 500}}]})");
  EXPECT_EQ(ids["ids"].size(), 1u);
  EXPECT_EQ(client_->Get(kLists).status, 500);
  EXPECT_EQ(Control("GET", "faults")["faults"][0]["hits"], 1);
  Control("DELETE", "faults");
  EXPECT_THAT(Control("GET", "faults")["faults"], IsEmpty());
}

// --- Many at once.

TEST_F(SimulatorTest, ManyClientsOnManyLists) {
  Simulator::Options options;
  options.limits = RateLimits::kOff;
  Start(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      TestClient client(simulator_->origin());
      std::string name = absl::StrCat("list ", t);
      Reply reply =
          client.Post(kLists, json({{"name", name}, {"records", "r"}}).dump());
      std::string path =
          absl::StrCat(kLists, "/", reply.Json()["id"].get<std::string>());
      for (int i = 0; i < 20; ++i) {
        std::string records;
        for (int j = 0; j < 100; ++j) {
          absl::StrAppend(&records, absl::StrFormat("%064x", i * 100 + j), ",");
        }
        reply = client.Patch(
            path,
            json({{"operation_type", "ADD"}, {"records", records}}).dump());
        ASSERT_EQ(reply.status, 200);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const ListView& list : simulator_->Lists(kAccount)) {
    EXPECT_EQ(list.record_count, 2001);
    EXPECT_EQ(list.unhashed_records, 1);
    EXPECT_EQ(list.num_batches, 21);
  }
}

TEST(SimulatorOptionsTest, RefusesNonsense) {
  Simulator::Options options;
  options.time_scale = 0;
  EXPECT_FALSE(Simulator::Start(options).ok());
  options = {};
  options.ad_accounts = {"abc"};
  EXPECT_FALSE(Simulator::Start(options).ok());
  options = {};
  options.port = 70000;
  EXPECT_FALSE(Simulator::Start(options).ok());
}

}  // namespace
}  // namespace simulator
