// Exactly-once ingest through the built server: what is acknowledged stands
// once, over kills, repeats, fences and changes of the configuration.
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/e2e/system.h"
#include "tests/stress/stream.h"

namespace e2e {
namespace {

namespace v1 = audience_sync::v1;
using stress::Stream;
constexpr const char* kAccount = System::kAdAccount;

class IngestTest : public testing::Test {
 protected:
  IngestTest() { Connect(); }

  void Connect() {
    auto channel = stress::MakeChannel(system_.address());
    exports_ = v1::ExportService::NewStub(channel);
    admin_ = v1::DestinationService::NewStub(channel);
  }
  void KillAndRestart() {
    system_.connector().Kill();
    system_.StartConnector();
    Connect();
  }

  static v1::ExportBatch Batch(int64_t number, const std::string& person,
                               bool member = true) {
    v1::ExportBatch batch;
    batch.set_sequence_number(number);
    v1::ProfileExport* profile = batch.add_profile_exports();
    v1::Identity* identity = profile->add_identities();
    identity->set_source_namespace("Email");
    identity->set_value(person + "@example.com");
    v1::SegmentMembership* membership = profile->add_segment_memberships();
    membership->mutable_segment()->set_segment_namespace("ups");
    membership->mutable_segment()->set_segment_id("gold");
    membership->set_status(member ? v1::MEMBERSHIP_STATUS_REALIZED
                                  : v1::MEMBERSHIP_STATUS_EXITED);
    return batch;
  }
  static v1::ExportSegmentsRequest Frame(const v1::ExportBatch& batch) {
    v1::ExportSegmentsRequest frame;
    *frame.mutable_batch() = batch;
    return frame;
  }
  static v1::ExportSegmentsRequest End(int64_t number) {
    v1::ExportSegmentsRequest frame;
    frame.mutable_end()->set_last_sequence_number(number);
    return frame;
  }

  std::unique_ptr<Stream> Open(const std::string& export_id) {
    return std::make_unique<Stream>(exports_.get(), kAccount, export_id);
  }

  // Sends batches and closes the stream; its status.
  grpc::Status Send(const std::string& export_id,
                    const std::vector<v1::ExportSegmentsRequest>& frames) {
    auto stream = Open(export_id);
    EXPECT_TRUE(stream->AwaitOpened().has_value());
    for (const auto& frame : frames) stream->Write(frame);
    return stream->Finish();
  }

  grpc::Status Unary(const std::string& export_id, const v1::ExportBatch& batch,
                     v1::ExportProfilesResponse* response = nullptr) {
    grpc::ClientContext context;
    v1::ExportProfilesRequest request;
    v1::ExportProfilesResponse unused;
    request.set_ad_account_id(kAccount);
    request.set_export_id(export_id);
    *request.mutable_batch() = batch;
    return exports_->ExportProfiles(&context, request,
                                    response != nullptr ? response : &unused);
  }

  v1::DestinationStatus Status() {
    grpc::ClientContext context;
    v1::GetSyncStatusRequest request;
    v1::GetSyncStatusResponse response;
    request.set_ad_account_id(kAccount);
    EXPECT_TRUE(admin_->GetSyncStatus(&context, request, &response).ok());
    return response.status();
  }

  std::set<std::string> OnList() {
    const Output drained = system_.Ctl({"drain", kAccount, "--timeout=60s"});
    EXPECT_EQ(drained.exit_code, 0) << drained.text;
    const auto records = system_.Lists()[System::Name("gold")];
    return {records.begin(), records.end()};
  }
  static std::set<std::string> Records(const std::vector<std::string>& people) {
    std::set<std::string> records;
    for (const std::string& person : people) {
      records.insert(System::Sha256(person + "@example.com"));
    }
    return records;
  }
  // Whether the error's details name the reason.
  static bool Has(const grpc::Status& status, const std::string& reason) {
    return absl::StrContains(status.error_details(), reason);
  }

  System system_;
  std::unique_ptr<v1::ExportService::Stub> exports_;
  std::unique_ptr<v1::DestinationService::Stub> admin_;
};

TEST_F(IngestTest, PositionsAndDeliveredAcksSurviveAKill) {
  std::string history;
  {
    auto stream = Open("e");
    history = stream->AwaitOpened()->history_id();
    EXPECT_NE(history, "");
    for (int64_t n = 1; n <= 3; ++n) {
      stream->Write(Frame(Batch(n, absl::StrCat("p", n))));
    }
    stream->AwaitDelivered(3, absl::Seconds(60));
    EXPECT_EQ(stream->delivered(), 3);
    EXPECT_TRUE(stream->Finish().ok());
  }
  ASSERT_TRUE(Send("e", {Frame(Batch(4, "p4"))}).ok());
  KillAndRestart();
  auto stream = Open("e");
  const auto opened = stream->AwaitOpened();
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->history_id(), history);
  EXPECT_EQ(opened->position().durable_sequence_number(), 4);
  EXPECT_GE(opened->position().delivered_sequence_number(), 3);
  // What was durable before the kill is told as delivered after it.
  stream->AwaitDelivered(4, absl::Seconds(60));
  EXPECT_EQ(stream->delivered(), 4);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(OnList(), Records({"p1", "p2", "p3", "p4"}));
}

TEST_F(IngestTest, ARepeatIsHarmlessAndOtherContentIsRefusedOverAKill) {
  ASSERT_TRUE(Send("e", {Frame(Batch(1, "p1")), Frame(Batch(2, "p2"))}).ok());
  for (int killed = 0; killed < 2; ++killed) {
    EXPECT_TRUE(Send("e", {Frame(Batch(1, "p1")), Frame(Batch(2, "p2")),
                           Frame(Batch(1, "p1"))})
                    .ok());
    const grpc::Status reused = Send("e", {Frame(Batch(2, "other"))});
    EXPECT_EQ(reused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(Has(reused, "SEQUENCE_REUSED"));
    const grpc::Status gap = Send("e", {Frame(Batch(4, "p4"))});
    EXPECT_EQ(gap.error_code(), grpc::StatusCode::OUT_OF_RANGE);
    EXPECT_TRUE(Has(gap, "SEQUENCE_GAP"));
    EXPECT_TRUE(Has(gap, "expected"));
    EXPECT_EQ(Status().counters().received(), 2) << "counted once";
    KillAndRestart();
  }
  EXPECT_EQ(OnList(), Records({"p1", "p2"}));
}

TEST_F(IngestTest, ANewerStreamFencesTheOlderInTheMiddle) {
  auto older = Open("e");
  ASSERT_TRUE(older->AwaitOpened().has_value());
  // Many are on their way when the newer one opens.
  for (int64_t n = 1; n <= 300; ++n) {
    older->Write(Frame(Batch(n, absl::StrCat("old", n))));
  }
  auto newer = Open("e");
  const auto opened = newer->AwaitOpened();
  ASSERT_TRUE(opened.has_value());
  const int64_t durable = opened->position().durable_sequence_number();
  older->Write(Frame(Batch(durable + 1, "late")));
  const grpc::Status fenced = older->Finish();
  EXPECT_EQ(fenced.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(Has(fenced, "STREAM_FENCED"));
  EXPECT_LE(older->durable(), durable) << "acknowledged behind the fence";
  // Under the number that the older one tried to use stands the newer's.
  newer->Write(Frame(Batch(durable + 1, "new")));
  newer->Write(End(durable + 1));
  EXPECT_TRUE(newer->Finish().ok());
  EXPECT_TRUE(newer->ended());
  EXPECT_EQ(Status().counters().received(), durable + 1);
  std::vector<std::string> people = {"new"};
  for (int64_t n = 1; n <= durable; ++n) {
    people.push_back(absl::StrCat("old", n));
  }
  EXPECT_EQ(OnList(), Records(people));
}

TEST_F(IngestTest, AUnaryCallNeitherFencesNorIsFenced) {
  auto stream = Open("e");
  ASSERT_TRUE(stream->AwaitOpened().has_value());
  v1::ExportProfilesResponse response;
  ASSERT_TRUE(Unary("e", Batch(1, "p1"), &response).ok());
  EXPECT_EQ(response.position().durable_sequence_number(), 1);
  stream->Write(Frame(Batch(2, "p2")));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(stream->durable(), 2);
  EXPECT_TRUE(Unary("e", Batch(3, "p3")).ok());
  // Without a number it is taken each time, which leads to the same list.
  EXPECT_TRUE(Unary("", Batch(0, "p4")).ok());
  EXPECT_TRUE(Unary("", Batch(0, "p4")).ok());
  EXPECT_EQ(Status().counters().received(), 5);
  EXPECT_EQ(OnList(), Records({"p1", "p2", "p3", "p4"}));
}

TEST_F(IngestTest, AnEndIsCheckedAndFinal) {
  ASSERT_TRUE(Send("e", {Frame(Batch(1, "p1")), Frame(Batch(2, "p2"))}).ok());
  // One is missing; and one is there that the host says it never sent.
  grpc::Status wrong = Send("e", {End(3)});
  EXPECT_EQ(wrong.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_TRUE(Has(wrong, "SEQUENCE_GAP"));
  wrong = Send("e", {End(1)});
  EXPECT_EQ(wrong.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(Has(wrong, "SEQUENCE_REUSED"));
  EXPECT_TRUE(Send("e", {End(2)}).ok());
  for (int killed = 0; killed < 2; ++killed) {
    auto stream = Open("e");
    EXPECT_FALSE(stream->AwaitOpened().has_value());
    const grpc::Status ended = stream->Finish();
    EXPECT_EQ(ended.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_TRUE(Has(ended, "EXPORT_ENDED"));
    EXPECT_TRUE(Has(ended, "lastSequenceNumber"));
    EXPECT_TRUE(Unary("e", Batch(2, "p2")).ok()) << "a repeat";
    EXPECT_TRUE(Has(Unary("e", Batch(3, "p3")), "EXPORT_ENDED"));
    KillAndRestart();
  }
  EXPECT_EQ(OnList(), Records({"p1", "p2"}));
}

TEST_F(IngestTest, SeveralStreamsIntoOneList) {
  constexpr int kStreams = 6;
  constexpr int kBatches = 40;
  std::vector<std::thread> hosts;
  for (int host = 0; host < kStreams; ++host) {
    hosts.emplace_back([&, host] {
      std::vector<v1::ExportSegmentsRequest> frames;
      // Each of its own people; all leave, and the even ones come back.
      for (int n = 1; n <= kBatches; ++n) {
        const std::string person = absl::StrCat("h", host, "-", n / 4);
        frames.push_back(Frame(Batch(n, person, n % 4 != 2)));
      }
      frames.push_back(End(kBatches));
      EXPECT_TRUE(Send(absl::StrCat("host", host), frames).ok());
    });
  }
  for (std::thread& host : hosts) host.join();
  std::vector<std::string> people;
  for (int host = 0; host < kStreams; ++host) {
    for (int i = 0; i <= kBatches / 4; ++i) {
      people.push_back(absl::StrCat("h", host, "-", i));
    }
  }
  EXPECT_EQ(OnList(), Records(people));
  const v1::SyncCounters counters = Status().counters();
  EXPECT_EQ(counters.received(), kStreams * kBatches);
  EXPECT_EQ(counters.pending(), 0);
}

TEST_F(IngestTest, ARepeatIsARepeatAfterTheMappingChanged) {
  v1::ExportBatch batch = Batch(1, "p1");
  v1::Identity* custom = batch.mutable_profile_exports(0)->add_identities();
  custom->set_source_namespace("custom");
  custom->set_value("p2@example.com");
  ASSERT_TRUE(Send("e", {Frame(batch)}).ok());
  system_.connector().Kill();
  const std::string file = system_.directory() + "/config.textproto";
  WriteFile(file,
            absl::StrReplaceAll(ReadFile(file), {{"  delivery_policy {", R"(
  identity_mapping {
    rows { source_namespace: "Email" kind: IDENTITY_KIND_EMAIL }
    rows { source_namespace: "custom" kind: IDENTITY_KIND_EMAIL }
  }
  delivery_policy {)"}}));
  system_.StartConnector();
  Connect();
  // The answer to it was lost: the host sends it once more.
  EXPECT_TRUE(Send("e", {Frame(batch), Frame(Batch(2, "p3"))}).ok());
  EXPECT_EQ(OnList(), Records({"p1", "p3"}));
  EXPECT_EQ(Status().counters().received(), 3);
  EXPECT_EQ(Status().counters().excluded(), 1);
  // Other content still is other content.
  EXPECT_TRUE(Has(Send("e", {Frame(Batch(2, "p4"))}), "SEQUENCE_REUSED"));
}

TEST_F(IngestTest, TheHistoryIdTellsThatTheStoreIsAnother) {
  const auto history = [this] {
    auto stream = Open("e");
    const auto opened = stream->AwaitOpened();
    stream->Finish();
    return std::make_pair(opened->history_id(),
                          opened->position().durable_sequence_number());
  };
  const auto first = history();
  ASSERT_TRUE(Send("e", {Frame(Batch(1, "p1"))}).ok());
  KillAndRestart();
  EXPECT_EQ(history(), std::make_pair(first.first, int64_t{1}));
  // The state is lost.
  system_.connector().Kill();
  RunProgram({"/bin/rm", "-rf", system_.state_directory()});
  system_.StartConnector();
  Connect();
  const auto second = history();
  EXPECT_NE(second.first, first.first);
  EXPECT_EQ(second.second, 0);
  EXPECT_EQ(Status().history_id(), second.first);
}

}  // namespace
}  // namespace e2e
