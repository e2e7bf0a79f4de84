// gRPC and libcurl bring OpenSSL into the process, and digests are made by
// BoringSSL, whose functions have the same names: here all three work side by
// side in one process, over real TLS.
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "audience_sync/v1/destination_service.grpc.pb.h"
#include "audience_sync/v1/export_service.grpc.pb.h"
#include "connector/server/server.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "identity_mapping/mapping.h"
#include "identity_mapping/rules.h"

namespace connector {
namespace {

namespace v1 = audience_sync::v1;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kAdAccount[] = "549755885175";

// printf ann@example.com | sha256sum
constexpr char kDigest[] =
    "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476";

std::string Runfile(absl::string_view path) {
  return absl::StrCat(std::getenv("TEST_SRCDIR"), "/",
                      std::getenv("TEST_WORKSPACE"), "/", path);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The program https_server.
class HttpsServer {
 public:
  explicit HttpsServer(const std::string& directory) {
    const std::string program = Runfile("tests/https_server");
    int pipe_ends[2];
    EXPECT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(pipe_ends[1], STDOUT_FILENO);
      execl(program.c_str(), program.c_str(), directory.c_str(), nullptr);
      _exit(127);
    }
    close(pipe_ends[1]);
    FILE* out = fdopen(pipe_ends[0], "r");
    EXPECT_EQ(std::fscanf(out, "listening on 127.0.0.1:%d", &port_), 1);
    std::fclose(out);
  }
  ~HttpsServer() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  int port() const { return port_; }

 private:
  pid_t pid_ = 0;
  int port_ = 0;
};

class TlsCoexistenceTest : public testing::Test {
 protected:
  TlsCoexistenceTest() {
    std::string name = "/tmp/ac-tls-test-XXXXXX";
    root_ = mkdtemp(name.data());
    https_ = std::make_unique<HttpsServer>(root_);
    mkdir(Path("credentials").c_str(), 0700);
    std::ofstream(Path("credentials/main.token")) << "pina_test";
    chmod(Path("credentials/main.token").c_str(), 0600);
    std::ofstream(Path("config.textproto")) << absl::StrCat(
        R"(credentials { credential_id: "main" access_token_file: "main.token" }
           destinations { credential_id: "main" ad_account_id: ")",
        kAdAccount, "\" }");
  }
  ~TlsCoexistenceTest() override {
    https_.reset();
    const std::string command = absl::StrCat("rm -rf ", root_);
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

  std::string Path(absl::string_view name) {
    return absl::StrCat(root_, "/", name);
  }

  server::ServerOptions Options() {
    server::ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.tls.certificate_file = Path("cert.pem");
    options.tls.key_file = Path("key.pem");
    options.config_file = Path("config.textproto");
    options.state_dir = Path("state");
    options.credentials_dir = Path("credentials");
    options.pinterest_base_url =
        absl::StrCat("https://127.0.0.1:", https_->port(), "/v5");
    options.ca_file = Path("cert.pem");
    return options;
  }

  std::unique_ptr<server::Server> Start(server::ServerOptions options) {
    auto server = server::Server::Create(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    if (!server.ok()) std::abort();
    return *std::move(server);
  }

  std::shared_ptr<grpc::Channel> DialTls(const server::Server& server) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadFile(Path("cert.pem"));
    return grpc::CreateChannel(server.address(), grpc::SslCredentials(options));
  }

  // Over gRPC TLS; has the server call Pinterest over HTTPS.
  static v1::CheckDestinationResponse Check(
      const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    v1::CheckDestinationRequest request;
    request.set_ad_account_id(kAdAccount);
    v1::CheckDestinationResponse response;
    const grpc::Status status =
        v1::DestinationService::NewStub(channel)->CheckDestination(
            &context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.results_size(), 7);
    // The token is a file, so there is no login to check.
    EXPECT_EQ(response.results(6).outcome(), v1::CHECK_OUTCOME_SKIPPED);
    response.mutable_results()->RemoveLast();
    return response;
  }

  std::string root_;
  std::unique_ptr<HttpsServer> https_;
};

std::string Digest(const identity_mapping::IdentityMapping& mapping,
                   absl::string_view address) {
  identity_mapping::MappedIdentity mapped;
  identity_mapping::RejectionReason reason;
  if (!mapping.Map(mapping.FindRow("Email"), address, &mapped, &reason)) {
    return "rejected";
  }
  std::string text;
  mapped.primary.AppendWireText(&text);
  return text;
}

TEST_F(TlsCoexistenceTest, GrpcTlsHttpsAndDigestsWorkSideBySide) {
  auto server = Start(Options());
  auto channel = DialTls(*server);
  const auto mapping = *identity_mapping::IdentityMapping::Create(
      identity_mapping::DefaultMappingRules());

  std::atomic<bool> stop = false;
  std::atomic<int> digests = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        EXPECT_EQ(Digest(mapping, " Ann@Example.com"), kDigest);
        ++digests;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const v1::CheckDestinationResponse checked = Check(channel);
    for (const v1::CheckResult& result : checked.results()) {
      EXPECT_EQ(result.outcome(), v1::CHECK_OUTCOME_PASSED)
          << result.ShortDebugString();
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(digests, 0);

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
  grpc::ClientContext drain_context;
  drain_context.set_deadline(std::chrono::system_clock::now() +
                             std::chrono::seconds(60));
  v1::DrainDestinationRequest drain;
  drain.set_ad_account_id(kAdAccount);
  v1::DrainDestinationResponse drained;
  const grpc::Status status =
      v1::DestinationService::NewStub(channel)->DrainDestination(
          &drain_context, drain, &drained);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(drained.status().counters().delivered(), 1);
}

// The TLS above is one that verifies.
TEST_F(TlsCoexistenceTest, AStrangersCertificateIsRefusedOnBothSides) {
  server::ServerOptions options = Options();
  options.ca_file = "";
  auto server = Start(options);
  const v1::CheckDestinationResponse response = Check(DialTls(*server));
  EXPECT_EQ(response.results(4).check_id(), "ad-account-reachable");
  EXPECT_EQ(response.results(4).outcome(), v1::CHECK_OUTCOME_FAILED);

  for (const auto& credentials :
       {grpc::SslCredentials({}), grpc::InsecureChannelCredentials()}) {
    auto channel = grpc::CreateChannel(server->address(), credentials);
    grpc::ClientContext context;
    v1::GetSpecResponse spec;
    EXPECT_EQ(v1::DestinationService::NewStub(channel)
                  ->GetSpec(&context, {}, &spec)
                  .error_code(),
              grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(TlsCoexistenceTest,
       AClientCertificateIsAskedForWhenAuthoritiesAreNamed) {
  server::ServerOptions options = Options();
  options.tls.client_ca_file = Path("cert.pem");
  auto server = Start(options);
  const auto call = [&](const grpc::SslCredentialsOptions& with) {
    auto channel =
        grpc::CreateChannel(server->address(), grpc::SslCredentials(with));
    grpc::ClientContext context;
    v1::GetSpecResponse spec;
    return v1::DestinationService::NewStub(channel)
        ->GetSpec(&context, {}, &spec)
        .error_code();
  };
  grpc::SslCredentialsOptions client;
  client.pem_root_certs = ReadFile(Path("cert.pem"));
  EXPECT_EQ(call(client), grpc::StatusCode::UNAVAILABLE);
  client.pem_cert_chain = ReadFile(Path("cert.pem"));
  client.pem_private_key = ReadFile(Path("key.pem"));
  EXPECT_EQ(call(client), grpc::StatusCode::OK);
}

// Names of the crypto libraries that an ELF file offers to others.
std::vector<std::string> ExportedCryptoSymbols(const std::string& path) {
  const std::string file = ReadFile(path);
  std::vector<std::string> found;
  Elf64_Ehdr header;
  if (file.size() < sizeof(header)) return {"not an ELF file"};
  std::memcpy(&header, file.data(), sizeof(header));
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  std::memcpy(sections.data(), file.data() + header.e_shoff,
              sections.size() * sizeof(Elf64_Shdr));
  int tables = 0;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_DYNSYM) continue;
    ++tables;
    const char* names = file.data() + sections[section.sh_link].sh_offset;
    for (size_t i = 0; i < section.sh_size / sizeof(Elf64_Sym); ++i) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, file.data() + section.sh_offset + i * sizeof(symbol),
                  sizeof(symbol));
      if (symbol.st_shndx == SHN_UNDEF) continue;
      const absl::string_view name = names + symbol.st_name;
      for (const char* prefix :
           {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "MD5", "EVP_",
            "CRYPTO_", "OPENSSL_", "BORINGSSL_", "ERR_", "BN_", "HMAC", "RAND_",
            "X509", "ASN1_", "bssl"}) {
        if (absl::StartsWith(name, prefix)) found.emplace_back(name);
      }
    }
  }
  if (tables != 1) found.push_back("no table of dynamic symbols");
  return found;
}

TEST(SymbolTest, TheServerExportsNothingOfBoringSsl) {
  EXPECT_THAT(
      ExportedCryptoSymbols(Runfile("connector/server/audience_connector")),
      IsEmpty());
}

TEST(SymbolTest, TheSearchFindsWhatALibraryExports) {
  Dl_info info = {};
  void* const function = dlsym(RTLD_DEFAULT, "EVP_sha256");
  ASSERT_NE(function, nullptr);
  ASSERT_NE(dladdr(function, &info), 0);
  // What the rest of this process finds by that name is OpenSSL's.
  EXPECT_THAT(std::string(info.dli_fname), HasSubstr("libcrypto.so"));
  EXPECT_GT(ExportedCryptoSymbols(info.dli_fname).size(), 1000);
}

TEST(SymbolTest, OnlyOpenSslIsVisibleInThisProcess) {
  for (const char* name :
       {"SHA256", "SHA256_Init", "SHA256_Update", "MD5_Init", "CRYPTO_malloc",
        "ERR_get_error", "EVP_DigestInit"}) {
    void* const function = dlsym(RTLD_DEFAULT, name);
    if (function == nullptr) continue;
    Dl_info info = {};
    ASSERT_NE(dladdr(function, &info), 0);
    EXPECT_THAT(std::string(info.dli_fname), HasSubstr("libcrypto.so")) << name;
  }
}

}  // namespace
}  // namespace connector
