#include "connector/server/server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "connector/base/error.h"
#include "connector/base/fake_clock.h"
#include "connector/base/fake_random.h"
#include "connector/base/limits.h"
#include "connector/server/raw_call.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::server {
namespace {

namespace v1 = audience_sync::v1;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kAdAccount[] = "549755885175";

// A Pinterest that accepts everything and remembers the calls.
class FakeTransport final : public pinterest::HttpTransport {
 public:
  pinterest::HttpResult Perform(
      const pinterest::HttpRequest& request) override {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(absl::StrCat(request.method, " ", request.url));
    bodies_.push_back(request.body);
    pinterest::HttpResponse response;
    response.status = 200;
    response.body =
        request.method == "GET"
            ? R"({"items":[],"bookmark":null,"id":"549755885175"})"
            : R"({"id":"2542620905475","name":"x","status":"PROCESSING"})";
    return response;
  }
  std::vector<std::string> calls() {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }
  std::string all_bodies() {
    absl::MutexLock lock(&mutex_);
    std::string all;
    for (const std::string& body : bodies_) absl::StrAppend(&all, body, "\n");
    return all;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> calls_;
  std::vector<std::string> bodies_;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    // Short: the path of a socket has at most 107 bytes.
    std::string name = "/tmp/ac-server-test-XXXXXX";
    root_ = mkdtemp(name.data());
    mkdir(Path("credentials").c_str(), 0700);
    Write("credentials/main.token", "pina_test");
  }
  ~ServerTest() override {
    const std::string command = absl::StrCat("rm -rf ", root_);
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

  std::string Path(absl::string_view name) {
    return absl::StrCat(root_, "/", name);
  }
  void Write(absl::string_view name, absl::string_view content) {
    std::ofstream(Path(name)) << content;
    chmod(Path(name).c_str(), 0600);
  }

  ServerOptions Options() {
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.state_dir = Path("state");
    options.credentials_dir = Path("credentials");
    options.pinterest_base_url = "https://api.pinterest.example/v5";
    options.clock = &clock_;
    options.random = &random_;
    options.transport = &transport_;
    return options;
  }

  std::unique_ptr<Server> Start(ServerOptions options) {
    auto server = Server::Create(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    if (!server.ok()) std::abort();
    return *std::move(server);
  }

  static std::shared_ptr<grpc::Channel> Dial(const Server& server) {
    return grpc::CreateChannel(server.address(),
                               grpc::InsecureChannelCredentials());
  }

  static absl::StatusOr<std::string> Health(const Server& server,
                                            absl::string_view service) {
    std::string request;
    if (!service.empty()) {
      request =
          absl::StrCat("\x0a", std::string(1, char(service.size())), service);
    }
    return RawCall(Dial(server), "/grpc.health.v1.Health/Check", request);
  }

  mode_t Mode(const std::string& path) {
    struct stat state = {};
    EXPECT_EQ(lstat(path.c_str(), &state), 0) << path;
    return state.st_mode & 0777;
  }

  std::string root_;
  FakeClock clock_;
  FakeRandom random_{1};
  FakeTransport transport_;
};

TEST_F(ServerTest, ServesOnAFreePortAndStops) {
  auto server = Start(Options());
  EXPECT_THAT(server->address(), StartsWith("127.0.0.1:"));
  EXPECT_NE(server->address(), "127.0.0.1:0");

  auto stub = v1::DestinationService::NewStub(Dial(*server));
  grpc::ClientContext context;
  v1::GetSpecResponse spec;
  EXPECT_TRUE(stub->GetSpec(&context, {}, &spec).ok());
  EXPECT_EQ(spec.connector_name(), "audience-connector");

  std::thread waiter([&] { EXPECT_TRUE(server->Wait().ok()); });
  server->RequestStop();
  waiter.join();
  server->Shutdown();
  server->Shutdown();
  grpc::ClientContext late;
  late.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  EXPECT_FALSE(stub->GetSpec(&late, {}, &spec).ok());
}

TEST_F(ServerTest, IsHealthyAndListsItsServices) {
  auto server = Start(Options());
  const std::string serving("\x08\x01");
  for (const char* service : {"", "audience_sync.v1.ExportService",
                              "audience_sync.v1.DestinationService"}) {
    auto health = Health(*server, service);
    ASSERT_TRUE(health.ok()) << health.status();
    EXPECT_EQ(*health, serving) << service;
  }
  EXPECT_EQ(Health(*server, "no.such.Service").status().code(),
            absl::StatusCode::kNotFound);

  // list_services: "*"
  auto services =
      RawCall(Dial(*server),
              "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
              "\x3a\x01*");
  ASSERT_TRUE(services.ok()) << services.status();
  EXPECT_THAT(*services, HasSubstr("audience_sync.v1.ExportService"));
  EXPECT_THAT(*services, HasSubstr("audience_sync.v1.DestinationService"));
  EXPECT_THAT(*services, HasSubstr("grpc.health.v1.Health"));
}

// Everything is wired: configuration, intake, store, delivery, status.
TEST_F(ServerTest, DeliversWhatItTookAndKeepsIt) {
  std::string history_id;
  {
    auto server = Start(Options());
    auto channel = Dial(*server);
    auto destinations = v1::DestinationService::NewStub(channel);
    auto exports = v1::ExportService::NewStub(channel);
    {
      grpc::ClientContext context;
      v1::ApplyCredentialRequest request;
      request.mutable_credential()->set_credential_id("main");
      request.mutable_credential()->set_access_token_file("main.token");
      v1::ApplyCredentialResponse response;
      const auto status =
          destinations->ApplyCredential(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      EXPECT_NE(response.credential().etag(), "");
    }
    {
      grpc::ClientContext context;
      v1::ApplyDestinationRequest request;
      request.mutable_destination()->set_ad_account_id(kAdAccount);
      request.mutable_destination()->set_credential_id("main");
      v1::ApplyDestinationResponse response;
      const auto status =
          destinations->ApplyDestination(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    {
      grpc::ClientContext context;
      v1::CheckDestinationRequest request;
      request.set_ad_account_id(kAdAccount);
      v1::CheckDestinationResponse response;
      ASSERT_TRUE(
          destinations->CheckDestination(&context, request, &response).ok());
      for (const v1::CheckResult& result : response.results()) {
        // The token is a file: there is no login to check.
        EXPECT_EQ(result.outcome(), result.check_id() == "refresh-token-valid"
                                        ? v1::CHECK_OUTCOME_SKIPPED
                                        : v1::CHECK_OUTCOME_PASSED)
            << result.ShortDebugString();
      }
    }
    {
      grpc::ClientContext context;
      v1::ExportProfilesRequest request;
      request.set_ad_account_id(kAdAccount);
      v1::ProfileExport* profile =
          request.mutable_batch()->add_profile_exports();
      v1::Identity* identity = profile->add_identities();
      identity->set_source_namespace("Email");
      identity->set_value(" Ann@Example.com ");
      v1::SegmentMembership* membership = profile->add_segment_memberships();
      membership->mutable_segment()->set_segment_namespace("ups");
      membership->mutable_segment()->set_segment_id("vip");
      membership->set_status(v1::MEMBERSHIP_STATUS_REALIZED);
      v1::ExportProfilesResponse response;
      const auto status = exports->ExportProfiles(&context, request, &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      history_id = response.history_id();
    }
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(60));
    v1::DrainDestinationRequest request;
    request.set_ad_account_id(kAdAccount);
    v1::DrainDestinationResponse response;
    const auto status =
        destinations->DrainDestination(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.status().counters().received(), 1);
    EXPECT_EQ(response.status().counters().delivered(), 1);
    ASSERT_EQ(response.status().segment_statuses_size(), 1);
    EXPECT_EQ(response.status().segment_statuses(0).customer_list_id(),
              "2542620905475");
    EXPECT_THAT(transport_.calls(),
                Contains("POST https://api.pinterest.example/v5/ad_accounts/"
                         "549755885175/customer_lists"));
    // printf ann@example.com | sha256sum
    EXPECT_THAT(transport_.all_bodies(),
                HasSubstr("71d4f55f72fa128dfb468a1a3901507c804b74316488744d76"
                          "9d7f4b16696476"));
    EXPECT_FALSE(absl::StrContains(transport_.all_bodies(), "xample.com"));
  }
  auto again = Start(Options());
  auto destinations = v1::DestinationService::NewStub(Dial(*again));
  grpc::ClientContext context;
  v1::GetSyncStatusRequest request;
  request.set_ad_account_id(kAdAccount);
  v1::GetSyncStatusResponse response;
  const auto status = destinations->GetSyncStatus(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status().history_id(), history_id);
  EXPECT_EQ(response.status().segment_statuses(0).member_count(), 1);
}

TEST_F(ServerTest, AnErrorCarriesItsDetails) {
  auto server = Start(Options());
  auto stub = v1::DestinationService::NewStub(Dial(*server));
  grpc::ClientContext context;
  v1::GetSyncStatusRequest request;
  request.set_ad_account_id("404");
  v1::GetSyncStatusResponse response;
  const grpc::Status status = stub->GetSyncStatus(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_details(), HasSubstr("DESTINATION_NOT_FOUND"));
}

TEST_F(ServerTest, MetadataIsBounded) {
  auto server = Start(Options());
  auto stub = v1::DestinationService::NewStub(Dial(*server));
  const auto spec = [&](size_t bytes) {
    grpc::ClientContext context;
    context.AddMetadata("x-host", std::string(bytes, 'x'));
    v1::GetSpecResponse response;
    return stub->GetSpec(&context, {}, &response).error_code();
  };
  EXPECT_EQ(spec(limits::kMaxMetadataBytes / 2), grpc::StatusCode::OK);
  EXPECT_EQ(spec(limits::kMaxMetadataBytes * 2),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ServerTest, ARequestLargerThanAFrameIsRefused) {
  auto server = Start(Options());
  auto stub = v1::DestinationService::NewStub(Dial(*server));
  grpc::ClientContext context;
  v1::ListRejectionsRequest request;
  request.set_ad_account_id("1");
  request.set_page_token(std::string(limits::kMaxFrameBytes + 1, 'x'));
  v1::ListRejectionsResponse response;
  EXPECT_EQ(stub->ListRejections(&context, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// Whoever connects and says nothing is not waited for.
TEST_F(ServerTest, AConnectionWithoutAHandshakeIsClosed) {
  ServerOptions options = Options();
  options.handshake_timeout = absl::Milliseconds(200);
  auto server = Start(options);
  uint32_t port = 0;
  const std::string address = server->address();
  ASSERT_TRUE(absl::SimpleAtoi(
      absl::string_view(address).substr(address.rfind(':') + 1), &port));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  peer.sin_port = htons(static_cast<uint16_t>(port));
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)), 0);
  char buffer[256];
  ssize_t got = 1;
  // The server's own first frame, then its end.
  while (got > 0) got = read(fd, buffer, sizeof(buffer));
  EXPECT_LE(got, 0);
  close(fd);
}

TEST_F(ServerTest, ADrainEndsWithTheServer) {
  ServerOptions options = Options();
  options.deliver = false;
  Write("c.textproto", absl::StrCat(R"(
      credentials { credential_id: "main" access_token_file: "main.token" }
      destinations { credential_id: "main" ad_account_id: ")",
                                    kAdAccount, "\" }"));
  options.config_file = Path("c.textproto");
  auto server = Start(options);
  auto channel = Dial(*server);
  v1::ExportProfilesRequest batch;
  batch.set_ad_account_id(kAdAccount);
  v1::ProfileExport* profile = batch.mutable_batch()->add_profile_exports();
  v1::Identity* identity = profile->add_identities();
  identity->set_source_namespace("Email");
  identity->set_value("ann@example.com");
  v1::SegmentMembership* membership = profile->add_segment_memberships();
  membership->mutable_segment()->set_segment_namespace("ups");
  membership->mutable_segment()->set_segment_id("vip");
  membership->set_status(v1::MEMBERSHIP_STATUS_REALIZED);
  grpc::ClientContext export_context;
  v1::ExportProfilesResponse exported;
  ASSERT_TRUE(v1::ExportService::NewStub(channel)
                  ->ExportProfiles(&export_context, batch, &exported)
                  .ok());

  grpc::Status drained;
  std::thread drain([&] {
    grpc::ClientContext context;
    v1::DrainDestinationRequest request;
    request.set_ad_account_id(kAdAccount);
    v1::DrainDestinationResponse response;
    drained = v1::DestinationService::NewStub(channel)->DrainDestination(
        &context, request, &response);
  });
  server->Shutdown();
  drain.join();
  // CANCELLED: the stop was faster than the call.
  EXPECT_THAT(drained.error_code(),
              AnyOf(grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::CANCELLED))
      << drained.error_message();
}

TEST_F(ServerTest, AUnixSocketIsForItsOwnerAlone) {
  ServerOptions options = Options();
  options.listen = absl::StrCat("unix:", Path("run/c.sock"));
  auto server = Start(options);
  EXPECT_EQ(server->address(), options.listen);
  EXPECT_EQ(Mode(Path("run")), 0700);
  EXPECT_EQ(Mode(Path("run/c.sock")), 0600);
  EXPECT_TRUE(Health(*server, "").ok());
  server->Shutdown();
  EXPECT_NE(access(Path("run/c.sock").c_str(), F_OK), 0);
}

TEST_F(ServerTest, ASocketThatIsInUseStaysWithItsServer) {
  ServerOptions options = Options();
  options.listen = absl::StrCat("unix:", Path("run/c.sock"));
  auto server = Start(options);
  ServerOptions second = options;
  second.state_dir = Path("state2");
  EXPECT_EQ(Server::Create(second).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Health(*server, "").ok());
}

TEST_F(ServerTest, APortThatIsInUseIsRefused) {
  auto server = Start(Options());
  ServerOptions second = Options();
  second.listen = server->address();
  second.state_dir = Path("state2");
  const auto refused = Server::Create(second);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("--listen"));
}

TEST_F(ServerTest, ASecondServerOnTheSameStateIsRefused) {
  auto server = Start(Options());
  const auto refused = Server::Create(Options());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("another process"));
  EXPECT_TRUE(Health(*server, "").ok());
}

TEST_F(ServerTest, PlainTextIsRefusedBeyondLoopback) {
  for (const char* listen :
       {"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"}) {
    ServerOptions options = Options();
    options.listen = listen;
    const auto refused = Server::Create(options);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(refused.status().message()),
                HasSubstr("--tls_certificate_file"));
  }
  // Nothing was opened.
  EXPECT_NE(access(Path("state").c_str(), F_OK), 0);
}

TEST_F(ServerTest, TlsFlagsAreCheckedTogether) {
  const auto message = [&](ServerOptions options) {
    return std::string(Server::Create(options).status().message());
  };
  ServerOptions options = Options();
  options.tls.certificate_file = Path("cert.pem");
  EXPECT_THAT(message(options), StartsWith("--tls_key_file: "));
  options.tls.key_file = Path("key.pem");
  EXPECT_THAT(message(options), StartsWith("--tls_certificate_file: "));
  Write("cert.pem", "no certificate");
  EXPECT_THAT(message(options), HasSubstr("no PEM block"));
  options = Options();
  options.tls.client_ca_file = Path("ca.pem");
  EXPECT_THAT(message(options), StartsWith("--tls_client_ca_file: "));
}

TEST_F(ServerTest, AMalformedConfigurationIsRefusedWithEachFieldPath) {
  Write("bad.textproto", R"(
      credentials { credential_id: "Main!" access_token_file: "../main.token" }
      destinations { ad_account_id: "12x" credential_id: "main" }
      destinations {
        ad_account_id: "13"
        credential_id: "main"
        delivery_policy { max_request_records: 99999999 }
      })");
  ServerOptions options = Options();
  options.config_file = Path("bad.textproto");
  const auto refused = Server::Create(options);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  std::vector<std::string> fields;
  for (const auto& [field, rule] :
       GetErrorDetail(refused.status()).field_violations) {
    fields.push_back(field);
  }
  EXPECT_THAT(fields, Contains("credentials[0].credential_id"));
  EXPECT_THAT(fields, Contains("credentials[0].access_token_file"));
  EXPECT_THAT(fields, Contains("destinations[0].ad_account_id"));
  EXPECT_THAT(fields,
              Contains("destinations[1].delivery_policy.max_request_records"));
}

TEST_F(ServerTest, AMissingTokenBlocksItsCredentialAndNothingElse) {
  Write("c.textproto", absl::StrCat(R"(
      credentials { credential_id: "main" access_token_file: "main.token" }
      credentials { credential_id: "gone" access_token_file: "gone.token" }
      destinations { credential_id: "gone" ad_account_id: ")",
                                    kAdAccount, "\" }"));
  ServerOptions options = Options();
  options.config_file = Path("c.textproto");
  auto server = Start(options);
  auto stub = v1::DestinationService::NewStub(Dial(*server));
  grpc::ClientContext context;
  v1::ListCredentialsResponse response;
  ASSERT_TRUE(stub->ListCredentials(&context, {}, &response).ok());
  ASSERT_EQ(response.credentials_size(), 2);
  EXPECT_EQ(response.credentials(0).credential().credential_id(), "gone");
  EXPECT_THAT(response.credentials(0).blocked_by().message(),
              HasSubstr("gone.token"));
  EXPECT_FALSE(response.credentials(1).has_blocked_by());
}

TEST_F(ServerTest, TheExampleConfigurationIsGood) {
  ServerOptions options = Options();
  options.config_file = absl::StrCat(std::getenv("TEST_SRCDIR"), "/",
                                     std::getenv("TEST_WORKSPACE"),
                                     "/testdata/config/example.textproto");
  auto server = Start(options);
  auto stub = v1::DestinationService::NewStub(Dial(*server));
  grpc::ClientContext context;
  v1::ListDestinationsResponse response;
  ASSERT_TRUE(stub->ListDestinations(&context, {}, &response).ok());
  ASSERT_EQ(response.destinations_size(), 1);
  EXPECT_EQ(response.destinations(0).owner(), v1::CONFIGURATION_OWNER_FILE);
  EXPECT_EQ(response.destinations(0).destination().ad_account_id(), kAdAccount);
}

TEST_F(ServerTest, RefusesABadBaseUrlByTheNameOfItsFlag) {
  ServerOptions options = Options();
  options.pinterest_base_url = "http://api.pinterest.com/v5";
  EXPECT_THAT(std::string(Server::Create(options).status().message()),
              StartsWith("--pinterest_base_url: "));
}

}  // namespace
}  // namespace connector::server
