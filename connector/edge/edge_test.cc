#include "connector/edge/edge.h"

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "connector/base/error.h"
#include "connector/config/fake_catalog.h"
#include "connector/config/registry.h"
#include "connector/edge/bearer_token.h"
#include "connector/edge/raw_client.h"
#include "connector/ingest/fake_intake.h"
#include "connector/ingest/in_flight_budget.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace connector::edge {
namespace {

using nlohmann::json;

constexpr char kAccount[] = "549755885175";
constexpr char kPath[] = "/v1/destinations/549755885175/profiles";
constexpr char kToken[] = "s3cret-token";

// Takes down the batches that the store would get.
class Intake : public ingest::FakeIntake {
 public:
  struct Event {
    membership::SegmentNumber segment;
    membership::Change change;
    std::optional<absl::Time> time;
  };

  void Commit(membership::Batch batch,
              std::function<void(absl::StatusOr<membership::CommitOutcome>)>
                  done) override {
    {
      absl::MutexLock lock(&mutex_);
      for (const auto& changes : batch.segments) {
        for (auto change :
             {membership::Change::kRemove, membership::Change::kAdd}) {
          if (changes.run.count(change) == 0) continue;
          const std::string value =
              membership::RunHead(changes.run.flags(change), absl::UnixEpoch(),
                                  1) +
              changes.run.Body(change);
          auto reader = membership::RunReader::Open(value);
          membership::RunEntry entry;
          while (reader->Next(&entry)) {
            events_.push_back({changes.segment, change, entry.event_time});
          }
        }
      }
      batches_.push_back(
          static_cast<int64_t>(batch.counts_without_segment.received));
    }
    FakeIntake::Commit(std::move(batch), std::move(done));
  }
  std::vector<Event> TakeEvents() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(events_, {});
  }

 private:
  absl::Mutex mutex_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> batches_ ABSL_GUARDED_BY(mutex_);
};

// Takes down what is asked for, as text.
class Segments : public SegmentAdmin {
 public:
  absl::StatusOr<SegmentState> Create(
      const config::DestinationState& destination,
      const SegmentNames& names) override {
    return Take("create", destination, names);
  }
  absl::StatusOr<SegmentState> Update(
      const config::DestinationState& destination,
      const SegmentNames& names) override {
    return Take("update", destination, names);
  }
  absl::Status Delete(const config::DestinationState& destination,
                      const SegmentNames& names, bool keep_members) override {
    return Take(keep_members ? "keep" : "empty", destination, names).status();
  }

  std::vector<std::string> calls;
  absl::Status next_error;

 private:
  absl::StatusOr<SegmentState> Take(const std::string& what,
                                    const config::DestinationState& destination,
                                    const SegmentNames& names) {
    calls.push_back(absl::StrCat(
        what, " ", destination.ad_account_id, " ", names.segment_namespace, " ",
        names.segment_id, " ", names.display_name, " ", names.description));
    if (!next_error.ok()) return std::exchange(next_error, absl::OkStatus());
    return SegmentState{names.segment_namespace, names.segment_id, "name",
                        "123"};
  }
};

class EdgeTest : public testing::Test {
 protected:
  EdgeTest() {
    audience_sync::v1::ConnectorConfig config;
    auto* credential = config.add_credentials();
    credential->set_credential_id("main");
    credential->set_access_token_file("token");
    auto* destination = config.add_destinations();
    destination->set_ad_account_id(kAccount);
    destination->set_credential_id("main");
    destination->mutable_segment_policy()->set_default_segment_namespace("ups");
    destination->mutable_segment_policy()->set_max_customer_lists(20);
    auto registry = config::Registry::Load(&catalog_, config);
    EXPECT_TRUE(registry.ok()) << registry.status();
    registry_ = *std::move(registry);
    ingest::IngestContext context;
    context.registry = registry_.get();
    context.catalog = &catalog_;
    context.intake = &intake_;
    context.budget = std::make_shared<ingest::InFlightBudget>(1 << 30);
    unary_ = std::make_unique<ingest::UnaryIntake>(context);
    options_.intake = unary_.get();
    options_.segments = &segments_;
    options_.tokens = [this] { return tokens_; };
    options_.healthy = [this] { return health_; };
    // Only tests of the timeout wait for it.
    options_.commit_timeout = absl::Seconds(60);
    MakeEdge();
  }

  void MakeEdge() { edge_ = std::make_unique<Edge>(options_); }

  HttpResponse Call(const std::string& method, const std::string& target,
                    const std::string& body,
                    const std::string& token = kToken) {
    RequestHead head;
    head.method = method;
    head.path = target.substr(0, target.find('?'));
    head.query = target.find('?') == std::string::npos
                     ? ""
                     : target.substr(target.find('?') + 1);
    head.authorization = "Bearer " + token;
    head.content_length = static_cast<int64_t>(body.size());
    if (auto refused = edge_->Check(head); refused.has_value()) {
      return *refused;
    }
    return edge_->Handle(head, body);
  }
  HttpResponse Post(const std::string& body, const std::string& query = "") {
    return Call("POST", kPath + query, body);
  }
  // Of a 200.
  json Answer(const HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }
  static std::string Message(const HttpResponse& response) {
    return json::parse(response.body).at("message");
  }
  static std::string Reason(const HttpResponse& response) {
    return json::parse(response.body).at("reason");
  }
  static std::string Profile(const std::string& id, const std::string& segment,
                             const std::string& status) {
    return absl::StrCat(
        R"({"identityMap":{"Email":[{"id":")", id,
        R"("}]},"segmentMembership":{"ups":{")", segment, R"(":{"status":")",
        status, R"(","lastQualificationTime":"2026-03-02T10:00:00Z"}}}})");
  }
  // The names of the segments that are known.
  std::set<std::string> SegmentsKnown() {
    std::set<std::string> names;
    for (const auto& row : catalog_.Segments(
             registry_->FindDestination(absl::string_view(kAccount))->number)) {
      names.insert(absl::StrCat(row.segment_namespace, "/", row.segment_id));
    }
    return names;
  }

  config::FakeCatalog catalog_;
  Intake intake_;
  Segments segments_;
  std::unique_ptr<config::Registry> registry_;
  std::unique_ptr<ingest::UnaryIntake> unary_;
  absl::StatusOr<std::vector<std::string>> tokens_ =
      std::vector<std::string>{kToken};
  absl::Status health_;
  Edge::Options options_;
  std::unique_ptr<Edge> edge_;
};

TEST_F(EdgeTest, TakesProfilesAndCountsWhatBecameOfThem) {
  const json answer = Answer(Post(absl::StrCat(
      R"({"profiles":[)", Profile("a@example.com", "s", "realized"), ",",
      Profile("b@example.com", "s", "exited"), ",",
      R"({"identityMap":{"Email":[{"id":"not an address"}],
          "ECID":[{"id":"1"}],"IDFA":[{"id":"IDFA-viPAW"}]},
          "segmentMembership":{"ups":{"s":{"status":"realized"}}}},)",
      Profile("c@example.com", "s", "paused"), "]}")));
  EXPECT_EQ(answer.at("profiles"), 4);
  EXPECT_EQ(answer.at("received"), 6);
  EXPECT_EQ(answer.at("accepted"), 2);
  EXPECT_EQ(answer.at("excluded"), 1);
  EXPECT_EQ(answer.at("rejected"), 3);
  EXPECT_EQ(answer.at("rejections"), json({{"EMAIL_MALFORMED", 1},
                                           {"DEVICE_ID_MALFORMED", 1},
                                           {"STATUS_INVALID", 1}}));
  EXPECT_EQ(answer.at("rejectedAt"), json::parse(R"([
        {"profile": 2, "identity": 0, "reason": "EMAIL_MALFORMED"},
        {"profile": 2, "identity": 2, "reason": "DEVICE_ID_MALFORMED"},
        {"profile": 3, "membership": 0, "reason": "STATUS_INVALID"}])"));
  EXPECT_EQ(intake_.committed(), 1);
  EXPECT_EQ(intake_.last_events().size(), 2u);
}

TEST_F(EdgeTest, OneThatIsWrongRefusesNoOther) {
  const json answer = Answer(Post(
      R"({"profiles":[)" + Profile("a@example.com", "s", "realized") +
      R"(,{"identityMap":{"Email":[{"id":5551234},null,{"id":"b@example.com"}]},
        "segmentMembership":{"ups":{"s":{"status":"realized"},"t":null,
        "u":{"status":1}}}}]})"));
  EXPECT_EQ(answer.at("received"), 10);
  EXPECT_EQ(answer.at("accepted"), 2);
  EXPECT_EQ(answer.at("rejected"), 8);
  EXPECT_EQ(answer.at("rejections"),
            json({{"EMPTY", 2}, {"STATUS_INVALID", 2}}));
  EXPECT_EQ(answer.at("rejectedAt"), json::parse(R"([
      {"profile": 1, "membership": 1, "reason": "STATUS_INVALID"},
      {"profile": 1, "membership": 2, "reason": "STATUS_INVALID"},
      {"profile": 1, "identity": 0, "reason": "EMPTY"},
      {"profile": 1, "identity": 1, "reason": "EMPTY"}])"));
  EXPECT_EQ(intake_.last_events().size(), 2u);
}

TEST_F(EdgeTest, RejectionsAreNamedByTheirPlacesInTheRequest) {
  // In the second batch of three, and more than are named.
  std::string body = R"({"profiles":[)";
  for (int i = 0; i < 45'000; ++i) {
    const bool bad = i == 25'000 || i >= 44'000;
    absl::StrAppend(&body, i == 0 ? "" : ",",
                    Profile(bad ? "" : absl::StrCat("p", i, "@example.com"),
                            "s", "realized"));
  }
  const json answer = Answer(Post(body + "]}"));
  EXPECT_EQ(answer.at("rejected"), 1'001);
  const json& named = answer.at("rejectedAt");
  ASSERT_EQ(named.size(), 100u);
  EXPECT_EQ(named[0].at("profile"), 25'000);
  EXPECT_EQ(named[99].at("profile"), 44'098);
}

// Adobe's test generator makes ids of five letters; they are well formed JSON
// and nothing else, and the call must go well.
TEST_F(EdgeTest, GeneratedSamplesAreRejectedOneByOne) {
  const json answer = Answer(Post(
      R"({"profiles":[{"identityMap":{"pinterest_audience":[
        {"id":"Email-aBcDe"},{"id":"IDFA-viPAW"},{"id":"GAID-qwert"},
        {"id":"Email_LC_SHA256-abcde"}]},
        "segmentMembership":{"ups":{"111111":{"status":"realized",
        "lastQualificationTime":"2026-03-02T10:00:00.947+0000"}}}}]})"));
  EXPECT_EQ(answer.at("rejected"), 4);
  EXPECT_EQ(answer.at("rejections"), json({{"FORM_UNRECOGNIZED", 4}}));
}

TEST_F(EdgeTest, NothingToDoIsNoError) {
  EXPECT_EQ(Answer(Post(R"({"profiles":[]})")).at("profiles"), 0);
  EXPECT_EQ(Answer(Post(R"({"profiles":[{}]})")).at("received"), 0);
  EXPECT_EQ(Answer(Post(R"({"identityMap":{}})")).at("profiles"), 1);
}

TEST_F(EdgeTest, TheSegmentMayStandInThePathOrTheQuery) {
  const std::string body =
      R"({"profiles":[{"identityMap":{"Email":[{"id":"a@example.com"}]}}]})";
  const std::string base = "/v1/destinations/549755885175/segments/";
  EXPECT_EQ(Answer(Call("POST",
                        base + "CAU/s1/profiles?segment_status=realized", body))
                .at("accepted"),
            1);
  EXPECT_EQ(
      Answer(Call("POST", base + "a%2Fb/profiles?segment_status=exited", body))
          .at("accepted"),
      1);
  EXPECT_EQ(Answer(Post(body,
                        "?segment_id=s3&segment_namespace=AAM&"
                        "segment_status=existing&segment_name=N"))
                .at("accepted"),
            1);
  EXPECT_EQ(Answer(Post(body,
                        "?segment_id=s4&default_segment_namespace=D&"
                        "segment_status=realized"))
                .at("accepted"),
            1);
  // Without a status nobody knows what is asked for.
  EXPECT_EQ(Answer(Post(body, "?segment_id=s5")).at("rejections"),
            json({{"STATUS_INVALID", 1}}));
  EXPECT_EQ(SegmentsKnown(),
            std::set<std::string>({"CAU/s1", "ups/a/b", "AAM/s3", "D/s4"}));
}

TEST_F(EdgeTest, EventsCarryTheirTimes) {
  Answer(Post(Profile("a@example.com", "s", "realized")));
  auto events = intake_.TakeEvents();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].time, absl::FromUnixSeconds(1772445600));
  Answer(Post(Profile("a@example.com", "s", "exited")));
  events = intake_.TakeEvents();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].time, absl::FromUnixSeconds(1772445600));
  // What is not known: an addition is as new as can be, an exit happened when
  // it came.
  Answer(Post(R"({"identityMap":{"Email":[{"id":"a@example.com"}]},
      "AdobeExperiencePlatformSegments":{"add":["s"],"remove":["t"]}})"));
  for (const auto& event : intake_.TakeEvents()) {
    EXPECT_EQ(event.time, absl::InfiniteFuture());
  }
}

TEST_F(EdgeTest, WithoutAWindowEventsHaveNoTimes) {
  audience_sync::v1::ConnectorConfig config;
  auto* credential = config.add_credentials();
  credential->set_credential_id("main");
  credential->set_access_token_file("token");
  auto* destination = config.add_destinations();
  destination->set_ad_account_id(kAccount);
  destination->set_credential_id("main");
  destination->mutable_edge_policy()->mutable_late_addition_window();
  registry_ = *config::Registry::Load(&catalog_, config);
  ingest::IngestContext context;
  context.registry = registry_.get();
  context.catalog = &catalog_;
  context.intake = &intake_;
  context.budget = std::make_shared<ingest::InFlightBudget>(1 << 30);
  unary_ = std::make_unique<ingest::UnaryIntake>(context);
  options_.intake = unary_.get();
  MakeEdge();
  Answer(Post(Profile("a@example.com", "s", "realized")));
  Answer(Post(Profile("a@example.com", "s", "exited")));
  const auto events = intake_.TakeEvents();
  ASSERT_EQ(events.size(), 2u);
  for (const auto& event : events) EXPECT_FALSE(event.time.has_value());
}

TEST_F(EdgeTest, ALargeBodyBecomesSeveralBatches) {
  std::string body = R"({"profiles":[)";
  for (int i = 0; i < 45'000; ++i) {
    absl::StrAppend(
        &body, i == 0 ? "" : ",",
        Profile(absl::StrCat("p", i, "@example.com"), "s", "realized"));
  }
  body += "]}";
  const json answer = Answer(Post(body));
  EXPECT_EQ(answer.at("accepted"), 45'000);
  EXPECT_EQ(intake_.committed(), 3);
  EXPECT_EQ(intake_.last_events().size(), 45'000u);
}

TEST_F(EdgeTest, ABodyOfManyChangesBecomesSeveralBatches) {
  // 100 identities x 200 memberships, 60 times: 1.2 million changes.
  std::string profile = R"({"identityMap":{"ECID":[)";
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&profile, i == 0 ? "" : ",", R"({"id":"1"})");
  }
  profile += R"(]},"segmentMembership":{"ups":{)";
  for (int i = 0; i < 200; ++i) {
    absl::StrAppend(&profile, i == 0 ? "" : ",", "\"s", i % 20, "_", i / 20,
                    R"(":{"status":"realized"})");
  }
  profile += "}}}";
  std::string body = R"({"profiles":[)" + profile;
  for (int i = 1; i < 60; ++i) body += "," + profile;
  const json answer = Answer(Post(body + "]}"));
  EXPECT_EQ(answer.at("received"), 1'200'000);
  EXPECT_EQ(intake_.committed(), 2);
}

TEST_F(EdgeTest, ABodyThatIsNotUnderstoodChangesNothing) {
  const HttpResponse response = Post(absl::StrCat(
      R"({"profiles":[)", Profile("a@example.com", "s", "realized"),
      R"(,{"identityMap":{"Email":"secret@example.com"}}]})"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(Message(response),
            "/profiles/1/identityMap: each namespace must hold an array");
  EXPECT_EQ(intake_.committed(), 0);
  EXPECT_EQ(Post("secret@example.com").status, 400);
}

TEST_F(EdgeTest, OnlyWhoShowsTheTokenIsLetIn) {
  const std::string body = Profile("a@example.com", "s", "realized");
  for (const char* token : {"", "other", "s3cret-toke", "s3cret-token2"}) {
    EXPECT_EQ(Call("POST", kPath, body, token).status, 401) << token;
  }
  // Nobody learns what there is.
  EXPECT_EQ(Call("POST", "/v1/destinations/1/profiles", body, "other").status,
            401);
  EXPECT_EQ(Call("GET", "/nothing", "", "other").status, 401);
  EXPECT_EQ(Call("POST", kPath, body).status, 200);
  // The operator changed it.
  tokens_ = std::vector<std::string>{"another"};
  EXPECT_EQ(Call("POST", kPath, body).status, 401);
  EXPECT_EQ(Call("POST", kPath, body, "another").status, 200);
  // While callers change over, both are good.
  tokens_ = std::vector<std::string>{"newest", "another"};
  EXPECT_EQ(Call("POST", kPath, body, "newest").status, 200);
  EXPECT_EQ(Call("POST", kPath, body, "another").status, 200);
  EXPECT_EQ(Call("POST", kPath, body).status, 401);
  EXPECT_EQ(Call("POST", kPath, body, "newestanother").status, 401);
  // Not the caller's fault.
  tokens_ = absl::FailedPreconditionError("group may read it");
  const HttpResponse response = Call("POST", kPath, body, "another");
  EXPECT_EQ(response.status, 503);
  EXPECT_GT(response.retry_after, 0);
}

TEST(BearerTokenTest, ComparesWholeTokens) {
  using Tokens = std::vector<std::string>;
  EXPECT_TRUE(ShowsToken("Bearer abc", Tokens{"abc"}));
  EXPECT_TRUE(ShowsToken("bearer  abc", Tokens{"abc"}));
  EXPECT_FALSE(ShowsToken("Bearer abcd", Tokens{"abc"}));
  EXPECT_FALSE(ShowsToken("Bearer ab", Tokens{"abc"}));
  EXPECT_FALSE(ShowsToken("Basic abc", Tokens{"abc"}));
  EXPECT_FALSE(ShowsToken("abc", Tokens{"abc"}));
  EXPECT_FALSE(ShowsToken("", Tokens{"abc"}));
  EXPECT_FALSE(ShowsToken("Bearer ", Tokens{""}));
  EXPECT_FALSE(ShowsToken("Bearer abc", Tokens{}));
  EXPECT_TRUE(ShowsToken("Bearer abc", Tokens{"abc", "def"}));
  EXPECT_TRUE(ShowsToken("Bearer def", Tokens{"abc", "def"}));
  EXPECT_FALSE(ShowsToken("Bearer abcdef", Tokens{"abc", "def"}));
  EXPECT_FALSE(ShowsToken("Bearer ", Tokens{"abc", ""}));
}

TEST_F(EdgeTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(Call("POST", "/v1/destinations/1/profiles", "{}").status, 404);
  EXPECT_EQ(Call("POST", "/v1/destinations/x/profiles", "{}").status, 404);
  for (const char* path :
       {"/", "/v1", "/v1/destinations/549755885175", "/v2/destinations/1/a",
        "/v1/destinations/549755885175/else",
        "/v1/destinations/549755885175/segments/a/b/c/profiles",
        "/v1/destinations/549755885175/segments/%zz"}) {
    EXPECT_EQ(Call("POST", path, "{}").status, 404) << path;
  }
  const HttpResponse response = Call("GET", kPath, "");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.allow, "POST");
}

TEST_F(EdgeTest, OverloadIsToBeTriedAgain) {
  const std::string body = Profile("a@example.com", "s", "realized");
  ErrorDetail detail;
  detail.retry_delay = absl::Seconds(10);
  for (const char* reason : {"BACKLOG_FULL", "DISK_FULL"}) {
    detail.reason = reason;
    intake_.FailNext(
        MakeError(absl::StatusCode::kResourceExhausted, "full", detail));
    const HttpResponse response = Post(body);
    EXPECT_EQ(response.status, 429);
    EXPECT_EQ(response.retry_after, 10);
    EXPECT_EQ(Reason(response), reason);
  }
  for (const absl::Status& status :
       {absl::UnavailableError("store"), absl::InternalError("x"),
        absl::UnknownError("x"), absl::DataLossError("x")}) {
    intake_.FailNext(status);
    const HttpResponse response = Post(body);
    EXPECT_EQ(response.status, 503);
    EXPECT_GT(response.retry_after, 0);
    EXPECT_EQ(Message(response), "not now; send it again");
  }
  edge_->Shutdown();
  EXPECT_EQ(Post(body).status, 503);
}

TEST_F(EdgeTest, ACommitThatDoesNotComeInTimeIsToBeTriedAgain) {
  options_.commit_timeout = absl::Milliseconds(50);
  MakeEdge();
  intake_.Hold();
  const HttpResponse response = Post(Profile("a@example.com", "s", "realized"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(Reason(response), "COMMIT_TIMEOUT");
  EXPECT_EQ(response.retry_after, 1);
  intake_.Release();
}

TEST_F(EdgeTest, WorkIsBounded) {
  options_.commit_timeout = absl::Milliseconds(200);
  options_.max_work_bytes = 100;
  MakeEdge();
  intake_.Hold();
  const std::string body = Profile("a@example.com", "s", "realized");
  std::thread first([&] { EXPECT_EQ(Post(body).status, 503); });
  intake_.AwaitWaiting(1);
  const HttpResponse second = Post(body);
  EXPECT_EQ(second.status, 503);
  first.join();
  intake_.Release();
}

TEST_F(EdgeTest, CompressedBodiesAreRefused) {
  RequestHead head;
  head.method = "POST";
  head.path = kPath;
  head.authorization = absl::StrCat("Bearer ", kToken);
  head.content_encoding = "gzip";
  EXPECT_EQ(edge_->Check(head)->status, 415);
}

TEST_F(EdgeTest, SaysWhetherItWorks) {
  EXPECT_EQ(Call("GET", "/healthz", "", "no token").status, 200);
  health_ = absl::UnavailableError("disk");
  EXPECT_EQ(Call("GET", "/healthz", "", "").status, 503);
  EXPECT_EQ(Call("POST", "/healthz", "").status, 405);
  // Nor do bodies of those who show no token take room.
  EXPECT_EQ(Call("GET", "/healthz", "{}", "").status, 413);
}

TEST_F(EdgeTest, SegmentsAreMadeNamedAndUnmapped) {
  const std::string path = "/v1/destinations/549755885175/segments";
  const json made = Answer(Call(
      "POST", path, R"({"segmentId":"s 1","name":"Gold","description":"d"})"));
  EXPECT_EQ(made.at("externalAudienceId"), "s 1");
  EXPECT_EQ(made.at("segmentId"), "s 1");
  EXPECT_EQ(made.at("segmentNamespace"), "ups");
  EXPECT_EQ(made.at("customerListName"), "name");
  EXPECT_EQ(made.at("customerListId"), "123");
  Answer(Call("POST", path + "?segment_namespace=AAM", R"({"segmentId":"2"})"));
  Answer(Call("POST", path, R"({"segmentId":"2","segmentNamespace":"CAU"})"));
  Answer(Call("PATCH", path + "/s%201", R"({"name":"Silver"})"));
  Answer(Call("PUT", path + "/AAM/2", R"({"description":"e"})"));
  Answer(Call("DELETE", path + "/AAM/2", ""));
  Answer(Call("DELETE", path + "/2?members=keep&segment_namespace=CAU", ""));
  EXPECT_EQ(segments_.calls, std::vector<std::string>({
                                 "create 549755885175 ups s 1 Gold d",
                                 "create 549755885175 AAM 2  ",
                                 "create 549755885175 CAU 2  ",
                                 "update 549755885175 ups s 1 Silver ",
                                 "update 549755885175 AAM 2  e",
                                 "empty 549755885175 AAM 2  ",
                                 "keep 549755885175 CAU 2  ",
                             }));
}

TEST_F(EdgeTest, CallsAboutSegmentsThatAreWrongAreRefused) {
  const std::string path = "/v1/destinations/549755885175/segments";
  EXPECT_EQ(Call("POST", path, R"({"name":"x"})").status, 400);
  EXPECT_EQ(Call("POST", path, R"({"segmentId":7})").status, 400);
  EXPECT_EQ(Call("POST", path, "[]").status, 400);
  EXPECT_EQ(Call("POST", path, std::string(70'000, 'x')).status, 413);
  EXPECT_EQ(Call("DELETE", path + "/s%201?members=maybe", "").status, 400);
  EXPECT_EQ(Call("GET", path + "/s%201", "").status, 405);
  EXPECT_EQ(Call("DELETE", path, "").status, 405);
  EXPECT_TRUE(segments_.calls.empty());
  // What the life cycle says goes on to the platform, as {"message": …}.
  segments_.next_error = MakeError(absl::StatusCode::kNotFound,
                                   "SEGMENT_NOT_FOUND", "no such segment");
  const HttpResponse none = Call("PATCH", path + "/a", R"({"name":"x"})");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(Message(none), "no such segment");
  segments_.next_error =
      MakeError(absl::StatusCode::kFailedPrecondition, "OPERATION_RUNNING",
                "another operation has to end first");
  const HttpResponse running = Call("DELETE", path + "/a", "");
  EXPECT_EQ(running.status, 503);
  EXPECT_EQ(running.retry_after, 30);
  EXPECT_EQ(Reason(running), "OPERATION_RUNNING");
  EXPECT_EQ(Message(running), "another operation has to end first");
  // Coming again is no help.
  segments_.next_error =
      MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CUSTOMER_LISTS",
                "one more list is too many");
  const HttpResponse many = Call("POST", path, R"({"segmentId":"a"})");
  EXPECT_EQ(many.status, 409);
  EXPECT_EQ(many.retry_after, 0);
  EXPECT_EQ(Reason(many), "TOO_MANY_CUSTOMER_LISTS");
  segments_.next_error = MakeError(absl::StatusCode::kFailedPrecondition,
                                   "SEGMENT_UNMAPPED", "it is not mapped");
  EXPECT_EQ(Call("PATCH", path + "/a", R"({"name":"x"})").status, 409);
}

// Over a real connection, through the server.
TEST_F(EdgeTest, ServesConnections) {
  auto server = HttpServer::Start(HttpServer::Options(), edge_.get());
  ASSERT_TRUE(server.ok()) << server.status();
  RawClient client((*server)->port());
  const std::string body = Profile("a@example.com", "s", "realized");
  const std::string token =
      absl::StrCat("Authorization: Bearer ", kToken, "\r\n");
  ASSERT_TRUE(client.Send(Request("POST", kPath, body, token) +
                          Request("POST", kPath, "{", token) +
                          Request("POST", kPath, body, token)));
  EXPECT_EQ(client.ReadAnswer(), 200);
  EXPECT_EQ(client.ReadAnswer(), 400);
  EXPECT_EQ(client.ReadAnswer(), 200);
  ASSERT_TRUE(client.Send(Request("POST", kPath, body)));
  EXPECT_EQ(client.ReadAnswer(), 401);
  EXPECT_TRUE(absl::StrContains(client.head(), "WWW-Authenticate: Bearer"));
  EXPECT_TRUE(client.Ended());
}

}  // namespace
}  // namespace connector::edge
