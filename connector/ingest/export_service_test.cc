#include "connector/ingest/export_service.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "connector/base/error.h"
#include "connector/config/fake_catalog.h"
#include "connector/ingest/batch_fixture.h"
#include "connector/ingest/batch_mapper.h"
#include "connector/ingest/fake_intake.h"
#include "connector/ingest/grpc_status.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace connector::ingest {
namespace {

namespace v1 = audience_sync::v1;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAccount[] = "549755885175";

// Long enough for a machine that is busy with other things; never waited out by
// a test that passes.
constexpr absl::Duration kLong = absl::Seconds(60);

std::string Reason(const grpc::Status& status) {
  return status.ok() ? "OK" : GetErrorDetail(FromGrpcStatus(status)).reason;
}

v1::ExportSegmentsRequest OpenFrame(const std::string& export_id = "e1") {
  v1::ExportSegmentsRequest frame;
  frame.mutable_open()->set_ad_account_id(kAccount);
  frame.mutable_open()->set_export_id(export_id);
  return frame;
}

v1::ExportSegmentsRequest BatchFrame(v1::ExportBatch batch) {
  v1::ExportSegmentsRequest frame;
  *frame.mutable_batch() = std::move(batch);
  return frame;
}

v1::ExportSegmentsRequest EndFrame(int64_t last) {
  v1::ExportSegmentsRequest frame;
  frame.mutable_end()->set_last_sequence_number(last);
  return frame;
}

// A host's side of a stream.
class Host {
 public:
  explicit Host(v1::ExportService::Stub* stub)
      : stream_(stub->ExportSegments(&context_)) {}

  bool Send(const v1::ExportSegmentsRequest& frame) {
    return stream_->Write(frame);
  }
  // The next frame; an empty one when the stream is over.
  v1::ExportSegmentsResponse Read() {
    v1::ExportSegmentsResponse frame;
    if (!stream_->Read(&frame)) frame.Clear();
    return frame;
  }
  // Reads until a number is acknowledged; false if the stream ended before.
  bool ReadUntilDurable(int64_t number) {
    while (durable_ < number) {
      const v1::ExportSegmentsResponse frame = Read();
      if (frame.frame_case() == v1::ExportSegmentsResponse::FRAME_NOT_SET) {
        return false;
      }
      if (frame.has_durable_ack()) {
        durable_ = frame.durable_ack().durable_sequence_number();
        for (const auto& r : frame.durable_ack().batch_rejections()) {
          rejections_.push_back(r);
        }
      }
    }
    return true;
  }
  void CloseWrites() { stream_->WritesDone(); }
  grpc::Status Finish() {
    // What was not read does not matter any more.
    v1::ExportSegmentsResponse frame;
    while (stream_->Read(&frame)) {
      if (frame.has_durable_ack()) {
        durable_ = frame.durable_ack().durable_sequence_number();
      }
    }
    return stream_->Finish();
  }
  void Cancel() { context_.TryCancel(); }

  int64_t durable() const { return durable_; }
  const std::vector<v1::BatchRejections>& rejections() const {
    return rejections_;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ExportSegmentsRequest,
                                           v1::ExportSegmentsResponse>>
      stream_;
  int64_t durable_ = 0;
  std::vector<v1::BatchRejections> rejections_;
};

class ExportServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { StartServer({}); }

  void StartServer(ExportService::Options options) {
    StopServer();
    auto registry = config::Registry::Load(&catalog_, {});
    ASSERT_TRUE(registry.ok());
    registry_ = *std::move(registry);
    v1::Credential credential;
    credential.set_credential_id("main");
    credential.set_access_token_file("token");
    ASSERT_TRUE(registry_->ApplyCredential(credential, false).ok());
    auto applied = registry_->ApplyDestination(SomeDestination(), false);
    ASSERT_TRUE(applied.ok()) << applied.status();
    destination_ = (*applied)->number;

    options.registry = registry_.get();
    options.catalog = &catalog_;
    options.intake = intake_.get();
    service_ = std::make_unique<ExportService>(options);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    ExportService::Configure(&builder);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = v1::ExportService::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  void StopServer() {
    if (server_ == nullptr) return;
    intake_->Release();
    service_->Shutdown();
    EXPECT_TRUE(service_->AwaitIdle(kLong));
    server_->Shutdown();
    server_ = nullptr;
    stub_ = nullptr;
    service_ = nullptr;
  }

  void TearDown() override { StopServer(); }

  grpc::Status Unary(const v1::ExportProfilesRequest& request,
                     v1::ExportProfilesResponse* response) {
    grpc::ClientContext context;
    return stub_->ExportProfiles(&context, request, response);
  }

  static v1::ExportProfilesRequest UnaryRequest(v1::ExportBatch batch,
                                                const std::string& id = "") {
    v1::ExportProfilesRequest request;
    request.set_ad_account_id(kAccount);
    request.set_export_id(id);
    *request.mutable_batch() = std::move(batch);
    return request;
  }

  void SendUnderBackPressure(int64_t bound);

  config::FakeCatalog catalog_;
  std::unique_ptr<FakeIntake> intake_ = std::make_unique<FakeIntake>();
  std::unique_ptr<config::Registry> registry_;
  membership::DestinationNumber destination_ = 0;
  std::unique_ptr<ExportService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ExportService::Stub> stub_;
};

TEST_F(ExportServiceTest, ExportsFromOpenToEnd) {
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  const auto opened = host.Read();
  ASSERT_TRUE(opened.has_opened());
  EXPECT_EQ(opened.opened().history_id(),
            registry_->FindDestination(kAccount)->history_id);
  v1::ExportBatch bad = OneMember(2, "bad");
  for (int64_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(host.Send(BatchFrame(
        n == 2 ? bad : OneMember(n, absl::StrCat(n, "@example.com")))));
  }
  ASSERT_TRUE(host.ReadUntilDurable(3));
  ASSERT_EQ(host.rejections().size(), 1u);
  EXPECT_EQ(host.rejections()[0].sequence_number(), 2);
  EXPECT_EQ(host.rejections()[0].rejections(0).reason(),
            v1::REJECTION_REASON_EMAIL_MALFORMED);
  intake_->Deliver(destination_, "e1", 3);
  const auto delivered = host.Read();
  EXPECT_EQ(delivered.delivered_ack().delivered_sequence_number(), 3);
  ASSERT_TRUE(host.Send(EndFrame(3)));
  EXPECT_EQ(host.Read().ended().last_sequence_number(), 3);
  EXPECT_EQ(Reason(host.Finish()), "OK");
  EXPECT_EQ(intake_->last_events().size(), 2u);

  Host again(stub_.get());
  ASSERT_TRUE(again.Send(OpenFrame()));
  EXPECT_EQ(Reason(again.Finish()), "EXPORT_ENDED");
}

TEST_F(ExportServiceTest, FullSyncFramesAreNumberedLikeBatches) {
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  ASSERT_TRUE(host.Read().has_opened());
  v1::ExportSegmentsRequest begin;
  begin.mutable_begin_full_sync()->set_sequence_number(1);
  begin.mutable_begin_full_sync()->mutable_segment()->set_segment_namespace(
      "ups");
  begin.mutable_begin_full_sync()->mutable_segment()->set_segment_id("full");
  v1::ExportSegmentsRequest commit;
  commit.mutable_commit_full_sync()->set_sequence_number(3);
  *commit.mutable_commit_full_sync()->mutable_segment() =
      begin.begin_full_sync().segment();
  ASSERT_TRUE(host.Send(begin));
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(2, "2@example.com"))));
  ASSERT_TRUE(host.Send(commit));
  ASSERT_TRUE(host.ReadUntilDurable(3));
  // The segment is there although nobody is its member yet.
  EXPECT_TRUE(catalog_.FindSegment(destination_, "ups", "full").has_value());
  begin.mutable_begin_full_sync()->set_sequence_number(4);
  begin.mutable_begin_full_sync()->mutable_expire_after()->set_seconds(8 * 24 *
                                                                       3600);
  ASSERT_TRUE(host.Send(begin));
  const grpc::Status status = host.Finish();
  EXPECT_EQ(Reason(status), "FIELD_INVALID");
  EXPECT_TRUE(
      absl::StrContains(status.error_message(), "begin_full_sync.expire_after"))
      << status.error_message();
}

TEST_F(ExportServiceTest, HalfCloseIsAnsweredWithTheLastAcks) {
  intake_->Hold();
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  for (int64_t n = 1; n <= 10; ++n) {
    ASSERT_TRUE(host.Send(BatchFrame(OneMember(n, "a@example.com"))));
  }
  host.CloseWrites();
  intake_->AwaitWaiting(10);
  intake_->Release();
  EXPECT_EQ(Reason(host.Finish()), "OK");
  EXPECT_EQ(host.durable(), 10);
}

TEST_F(ExportServiceTest, ResumesWhereTheStoreStands) {
  {
    Host host(stub_.get());
    ASSERT_TRUE(host.Send(OpenFrame()));
    ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
    ASSERT_TRUE(host.ReadUntilDurable(1));
    host.Cancel();
    EXPECT_EQ(host.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  EXPECT_EQ(host.Read().opened().position().durable_sequence_number(), 1);
  // A repeat is harmless, other content under its number is not.
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
  EXPECT_EQ(host.Read().durable_ack().durable_sequence_number(), 1);
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "b@example.com"))));
  EXPECT_EQ(Reason(host.Finish()), "SEQUENCE_REUSED");
}

TEST_F(ExportServiceTest, AGapNamesTheExpectedNumber) {
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(3, "a@example.com"))));
  const grpc::Status status = host.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(GetErrorDetail(FromGrpcStatus(status)).metadata["expected"], "1");
}

TEST_F(ExportServiceTest, ANewerStreamFencesTheOlder) {
  Host older(stub_.get());
  ASSERT_TRUE(older.Send(OpenFrame()));
  ASSERT_TRUE(older.Read().has_opened());
  Host other_export(stub_.get());
  ASSERT_TRUE(other_export.Send(OpenFrame("e2")));
  ASSERT_TRUE(other_export.Read().has_opened());
  Host newer(stub_.get());
  ASSERT_TRUE(newer.Send(OpenFrame()));
  ASSERT_TRUE(newer.Read().has_opened());
  const grpc::Status status = older.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(Reason(status), "STREAM_FENCED");
  for (Host* host : {&newer, &other_export}) {
    ASSERT_TRUE(host->Send(BatchFrame(OneMember(1, "a@example.com"))));
    EXPECT_TRUE(host->ReadUntilDurable(1));
    host->CloseWrites();
    EXPECT_EQ(Reason(host->Finish()), "OK");
  }
}

TEST_F(ExportServiceTest, UnknownDestinationsAndWrongFramesAreRefused) {
  {
    Host host(stub_.get());
    auto open = OpenFrame();
    open.mutable_open()->set_ad_account_id("1");
    ASSERT_TRUE(host.Send(open));
    const grpc::Status status = host.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(Reason(status), "DESTINATION_NOT_FOUND");
  }
  {
    Host host(stub_.get());
    auto open = OpenFrame();
    open.mutable_open()->set_ad_account_id("x");
    ASSERT_TRUE(host.Send(open));
    const grpc::Status status = host.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(GetErrorDetail(FromGrpcStatus(status)).field_violations[0].first,
              "open.ad_account_id");
  }
  {
    Host host(stub_.get());
    ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
    EXPECT_EQ(Reason(host.Finish()), "FRAME_UNEXPECTED");
  }
  {
    Host host(stub_.get());
    ASSERT_TRUE(host.Send(OpenFrame()));
    ASSERT_TRUE(host.Send(v1::ExportSegmentsRequest()));
    EXPECT_EQ(Reason(host.Finish()), "FRAME_UNEXPECTED");
  }
  {
    Host host(stub_.get());
    host.CloseWrites();
    EXPECT_EQ(Reason(host.Finish()), "OK");
  }
}

TEST_F(ExportServiceTest, ABatchOutOfBoundsEndsTheStreamAfterItsPredecessors) {
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
  v1::ExportBatch large = OneMember(2, "canary@example.com");
  for (int i = 0; i <= limits::kMaxBatchProfiles; ++i) {
    large.add_profile_exports();
  }
  ASSERT_TRUE(host.Send(BatchFrame(large)));
  const grpc::Status status = host.Finish();
  EXPECT_EQ(Reason(status), "FIELD_INVALID");
  EXPECT_THAT(status.error_message(), HasSubstr("batch.profile_exports"));
  EXPECT_EQ(host.durable(), 1);
}

TEST_F(ExportServiceTest, AFrameOverTheLimitIsRefused) {
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  host.Send(BatchFrame(OneMember(1, std::string(17 << 20, 'x'))));
  EXPECT_EQ(host.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ExportServiceTest, ADestinationDeletedMeanwhileEndsTheStream) {
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  ASSERT_TRUE(host.Read().has_opened());
  ASSERT_TRUE(registry_->DeleteDestination(kAccount, "").ok());
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
  EXPECT_EQ(Reason(host.Finish()), "DESTINATION_NOT_FOUND");
}

// Sends batches until the server stops reading, then lets it go on.
void ExportServiceTest::SendUnderBackPressure(int64_t bound) {
  v1::ExportBatch batch;
  for (int i = 0; i < 500; ++i) {
    auto* profile = batch.add_profile_exports();
    AddIdentity(profile, "Email", absl::StrCat(i, "@example.com"));
    AddMembership(profile, "segment");
  }
  const auto mapped =
      MapBatch(*registry_->FindDestination(kAccount), batch, &catalog_);
  ASSERT_TRUE(mapped.ok());
  const int64_t bytes = static_cast<int64_t>(mapped->bytes);
  const int fit = static_cast<int>((bound + bytes - 1) / bytes);
  ASSERT_GT(fit, 3);

  intake_->Hold();
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  // Far more than the bound and gRPC's own windows hold.
  constexpr int kBatches = 600;
  std::thread sender([&] {
    for (int n = 1; n <= kBatches; ++n) {
      batch.set_sequence_number(n);
      ASSERT_TRUE(host.Send(BatchFrame(batch)));
    }
    host.CloseWrites();
  });
  // It reads up to its bound and not a batch more, though its threads have time
  // for other calls.
  intake_->AwaitWaiting(fit);
  for (int i = 0; i < 100; ++i) {
    v1::ExportProfilesRequest request;
    request.set_ad_account_id("404");
    v1::ExportProfilesResponse response;
    EXPECT_EQ(Reason(Unary(request, &response)), "DESTINATION_NOT_FOUND");
  }
  EXPECT_EQ(intake_->waiting(), fit);
  EXPECT_EQ(service_->unacknowledged_bytes(), fit * bytes);
  intake_->Release();
  EXPECT_EQ(Reason(host.Finish()), "OK");
  EXPECT_EQ(host.durable(), kBatches);
  sender.join();
  EXPECT_EQ(service_->unacknowledged_bytes(), 0);
}

TEST_F(ExportServiceTest, AStreamHoldsNoMoreThanItMay) {
  ExportService::Options options;
  options.max_stream_unacknowledged_bytes = 200'000;
  StartServer(options);
  SendUnderBackPressure(200'000);
}

TEST_F(ExportServiceTest, TheProcessHoldsNoMoreThanItMay) {
  ExportService::Options options;
  options.max_process_unacknowledged_bytes = 200'000;
  StartServer(options);
  SendUnderBackPressure(200'000);
}

TEST_F(ExportServiceTest, TooManyStreamsAreRefusedWithADelay) {
  ExportService::Options options;
  options.max_streams = 1;
  StartServer(options);
  Host first(stub_.get());
  ASSERT_TRUE(first.Send(OpenFrame()));
  ASSERT_TRUE(first.Read().has_opened());
  Host second(stub_.get());
  const grpc::Status status = second.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Reason(status), "TOO_MANY_STREAMS");
  EXPECT_TRUE(GetErrorDetail(FromGrpcStatus(status)).retry_delay.has_value());
  first.CloseWrites();
  EXPECT_EQ(Reason(first.Finish()), "OK");
}

TEST_F(ExportServiceTest, ShutdownAcknowledgesWhatWasTaken) {
  intake_->Hold();
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
  intake_->AwaitWaiting(1);
  Host idle(stub_.get());
  ASSERT_TRUE(idle.Send(OpenFrame("e2")));
  ASSERT_TRUE(idle.Read().has_opened());

  service_->Shutdown();
  EXPECT_EQ(Reason(idle.Finish()), "SHUTTING_DOWN");
  EXPECT_FALSE(service_->AwaitIdle(absl::ZeroDuration()));
  Host late(stub_.get());
  const grpc::Status status = late.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(status), "SHUTTING_DOWN");
  v1::ExportProfilesResponse response;
  EXPECT_EQ(
      Reason(Unary(UnaryRequest(OneMember(0, "a@example.com")), &response)),
      "SHUTTING_DOWN");

  intake_->Release();
  EXPECT_EQ(Reason(host.Finish()), "SHUTTING_DOWN");
  EXPECT_EQ(host.durable(), 1);
  EXPECT_TRUE(service_->AwaitIdle(kLong));
}

TEST_F(ExportServiceTest, CommitsMayComeBackAfterTheCallIsOver) {
  intake_->Hold();
  {
    Host host(stub_.get());
    ASSERT_TRUE(host.Send(OpenFrame()));
    ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
    intake_->AwaitWaiting(1);
    host.Cancel();
    EXPECT_EQ(host.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  service_->Shutdown();
  ASSERT_TRUE(service_->AwaitIdle(kLong));
  server_->Shutdown();
  server_ = nullptr;
  service_ = nullptr;
  intake_->Release();
  intake_ = std::make_unique<FakeIntake>();
}

TEST_F(ExportServiceTest, UnaryCallIsDurableWhenItReturns) {
  v1::ExportBatch batch = OneMember(0, "a@example.com");
  AddIdentity(batch.mutable_profile_exports(0), "Email", "bad");
  v1::ExportProfilesResponse response;
  ASSERT_EQ(Reason(Unary(UnaryRequest(batch), &response)), "OK");
  EXPECT_FALSE(response.has_position());
  EXPECT_EQ(response.history_id(),
            registry_->FindDestination(kAccount)->history_id);
  EXPECT_EQ(response.batch_rejections().rejection_count(), 1);
  EXPECT_EQ(intake_->committed(), 1);

  // Numbered.
  ASSERT_EQ(Reason(Unary(UnaryRequest(OneMember(1, "a@example.com"), "e1"),
                         &response)),
            "OK");
  EXPECT_EQ(response.position().export_id(), "e1");
  EXPECT_EQ(response.position().durable_sequence_number(), 1);
  EXPECT_FALSE(response.has_batch_rejections());
  EXPECT_EQ(Reason(Unary(UnaryRequest(OneMember(3, "a@example.com"), "e1"),
                         &response)),
            "SEQUENCE_GAP");
}

TEST_F(ExportServiceTest, UnaryCallDoesNotFenceAStream) {
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  ASSERT_TRUE(host.Read().has_opened());
  v1::ExportProfilesResponse response;
  ASSERT_EQ(Reason(Unary(UnaryRequest(OneMember(1, "a@example.com"), "e1"),
                         &response)),
            "OK");
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(2, "a@example.com"))));
  EXPECT_TRUE(host.ReadUntilDurable(2));
  host.CloseWrites();
  EXPECT_EQ(Reason(host.Finish()), "OK");
}

TEST_F(ExportServiceTest, UnaryErrorsNameTheirField) {
  v1::ExportProfilesResponse response;
  const auto field = [&](const v1::ExportProfilesRequest& request) {
    const auto detail =
        GetErrorDetail(FromGrpcStatus(Unary(request, &response)));
    return detail.field_violations.empty() ? detail.reason
                                           : detail.field_violations[0].first;
  };
  EXPECT_EQ(field(UnaryRequest(OneMember(1, "a@b.com"))),
            "batch.sequence_number");
  EXPECT_EQ(field(UnaryRequest(OneMember(0, "a@b.com"), "e1")),
            "batch.sequence_number");
  EXPECT_EQ(field(UnaryRequest(OneMember(1, "a@b.com"), "e 1")), "export_id");
  auto request = UnaryRequest(OneMember(0, "a@b.com"));
  request.set_ad_account_id("404");
  EXPECT_EQ(field(request), "DESTINATION_NOT_FOUND");
  for (const char* malformed : {"", "canary@example.com", "01", "0"}) {
    request.set_ad_account_id(malformed);
    EXPECT_EQ(field(request), "ad_account_id") << malformed;
  }
  intake_->FailNext(
      MakeError(absl::StatusCode::kResourceExhausted, "BACKLOG_FULL", "full"));
  EXPECT_EQ(field(UnaryRequest(OneMember(0, "a@b.com"))), "BACKLOG_FULL");
}

TEST_F(ExportServiceTest, UnaryCallIsRefusedWhileTheProcessIsFull) {
  ExportService::Options options;
  options.max_process_unacknowledged_bytes = 1;
  StartServer(options);
  intake_->Hold();
  Host host(stub_.get());
  ASSERT_TRUE(host.Send(OpenFrame()));
  ASSERT_TRUE(host.Send(BatchFrame(OneMember(1, "a@example.com"))));
  intake_->AwaitWaiting(1);
  v1::ExportProfilesResponse response;
  EXPECT_EQ(
      Reason(Unary(UnaryRequest(OneMember(0, "a@example.com")), &response)),
      "SERVER_BUSY");
  intake_->Release();
  host.CloseWrites();
  EXPECT_EQ(Reason(host.Finish()), "OK");
}

TEST_F(ExportServiceTest, NoErrorRepeatsAValue) {
  std::vector<grpc::Status> errors;
  const auto stream = [&](std::vector<v1::ExportSegmentsRequest> frames) {
    Host host(stub_.get());
    for (const auto& frame : frames) host.Send(frame);
    host.CloseWrites();
    errors.push_back(host.Finish());
  };
  constexpr char kCanary[] = "Canary@Example.com";
  stream({OpenFrame(kCanary)});
  auto open = OpenFrame();
  open.mutable_open()->set_ad_account_id(kCanary);
  stream({open});
  stream({BatchFrame(OneMember(1, kCanary))});
  stream({OpenFrame("a"), BatchFrame(OneMember(5, kCanary))});
  stream({OpenFrame("b"), BatchFrame(OneMember(-5, kCanary))});
  v1::ExportBatch names = OneMember(1, kCanary);
  for (int i = 0; i < 300; ++i) names.add_source_namespaces(kCanary);
  stream({OpenFrame("c"), BatchFrame(names)});
  stream({OpenFrame("d"), BatchFrame(OneMember(1, kCanary)),
          BatchFrame(OneMember(1, "canary2@example.com"))});
  v1::ExportProfilesResponse response;
  errors.push_back(Unary(UnaryRequest(names), &response));
  errors.push_back(Unary(UnaryRequest(names, kCanary), &response));
  for (const grpc::Status& status : errors) {
    EXPECT_FALSE(status.ok());
    for (const std::string& text :
         {status.error_message(), status.error_details()}) {
      EXPECT_THAT(absl::AsciiStrToLower(text), Not(HasSubstr("canary")));
    }
  }
}

TEST_F(ExportServiceTest, ManyStreamsAtOnce) {
  constexpr int kStreams = 8;
  constexpr int kBatches = 40;
  std::vector<std::thread> hosts;
  for (int s = 0; s < kStreams; ++s) {
    hosts.emplace_back([&, s] {
      Host host(stub_.get());
      ASSERT_TRUE(host.Send(OpenFrame(absl::StrCat("many", s))));
      for (int n = 1; n <= kBatches; ++n) {
        ASSERT_TRUE(host.Send(
            BatchFrame(OneMember(n, absl::StrCat(s, ".", n, "@example.com")))));
      }
      ASSERT_TRUE(host.Send(EndFrame(kBatches)));
      EXPECT_EQ(Reason(host.Finish()), "OK");
      EXPECT_EQ(host.durable(), kBatches);
    });
  }
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(intake_->last_events().size(),
            static_cast<size_t>(kStreams * kBatches));
}

}  // namespace
}  // namespace connector::ingest
