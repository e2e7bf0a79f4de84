// HTTPS through libcurl, which brings OpenSSL into the process, and digests
// through BoringSSL, at the same time.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "connector/base/clock.h"
#include "connector/pinterest/curl_transport.h"
#include "connector/pinterest/pinterest_client.h"
#include "connector/pinterest/request_body.h"
#include "connector/pinterest/test_records.h"
#include "connector/pinterest/tls_server.h"
#include "gtest/gtest.h"
#include "identity_mapping/digest.h"

namespace connector::pinterest {
namespace {

constexpr char kDir[] = "connector/pinterest/";

std::string File(absl::string_view name) { return absl::StrCat(kDir, name); }

class FixedToken final : public TokenSource {
 public:
  absl::StatusOr<std::string> AccessToken() override { return "pina_test"; }
  absl::StatusOr<std::string> AnotherToken(absl::string_view) override {
    return absl::FailedPreconditionError("there is one only");
  }
};

TlsServer NewServer(const std::string& certificate) {
  return TlsServer(File(certificate + ".pem"), File(certificate + "_key.pem"),
                   [](const std::string& body) {
                     return absl::StrCat(
                         "{\"id\":\"643\",\"num_batches\":", body.size(), "}");
                   });
}

HttpResult Get(const CurlTransport::Options& options, int port,
               absl::string_view host = "127.0.0.1") {
  const auto transport = *CurlTransport::Create(options);
  HttpRequest request;
  request.method = "GET";
  request.url = absl::StrCat("https://", host, ":", port, "/v5");
  return transport->Perform(request);
}

TEST(HttpsTest, TalksToAServerItTrusts) {
  const TlsServer server = NewServer("loopback");
  CurlTransport::Options options;
  options.ca_file = File("loopback.pem");
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const HttpResult result = Get(options, server.port(), host);
    ASSERT_TRUE(std::holds_alternative<HttpResponse>(result))
        << std::get<TransportError>(result).message;
    EXPECT_EQ(std::get<HttpResponse>(result).status, 200);
  }
}

TEST(HttpsTest, SendsNothingToAServerItDoesNotTrust) {
  const TlsServer server = NewServer("loopback");
  CurlTransport::Options elsewhere;
  elsewhere.ca_file = File("other_host.pem");
  CurlTransport::Options missing;
  missing.ca_file = "no_such_file.pem";
  for (const CurlTransport::Options& options :
       {CurlTransport::Options(), elsewhere, missing}) {
    const HttpResult result = Get(options, server.port());
    ASSERT_TRUE(std::holds_alternative<TransportError>(result));
    EXPECT_EQ(std::get<TransportError>(result).phase,
              TransportError::Phase::kNotSent);
  }
}

TEST(HttpsTest, SendsNothingToAServerOfAnotherName) {
  const TlsServer server = NewServer("other_host");
  CurlTransport::Options options;
  options.ca_file = File("other_host.pem");
  const HttpResult result = Get(options, server.port());
  ASSERT_TRUE(std::holds_alternative<TransportError>(result));
  EXPECT_EQ(std::get<TransportError>(result).phase,
            TransportError::Phase::kNotSent);
}

TEST(HttpsTest, WorksWhileBoringSslMakesDigests) {
  const TlsServer server = NewServer("loopback");
  CurlTransport::Options options;
  options.ca_file = File("loopback.pem");
  const auto transport = *CurlTransport::Create(options);
  FixedToken token;
  PinterestClient::Options client_options;
  client_options.base_url =
      absl::StrCat("https://127.0.0.1:", server.port(), "/v5");
  client_options.transport = transport.get();
  client_options.token_source = &token;
  client_options.clock = &Clock::Real();
  const auto client = *PinterestClient::Create(client_options);

  std::atomic<bool> stop = false;
  std::atomic<int> digests = 0;
  std::thread hasher([&] {
    while (!stop) {
      uint8_t digest[identity_mapping::kSha256Size];
      identity_mapping::Sha256("abc", digest);  // The example of FIPS 180.
      EXPECT_EQ(
          absl::BytesToHexString(absl::string_view(
              reinterpret_cast<const char*>(digest), sizeof(digest))),
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
      ++digests;
    }
  });
  const TestRecords records(10'000);
  for (int i = 0; i < 10; ++i) {
    const auto list =
        client->Update("1", "643", Operation::kAdd, records.views());
    EXPECT_TRUE(list.ok()) << list.error().message;
    if (list.ok()) {
      // The server got the whole body.
      EXPECT_EQ(list.value().num_batches,
                BuildUpdateBody(Operation::kAdd, records.views()).size());
    }
  }
  stop = true;
  hasher.join();
  EXPECT_GT(digests, 0);
}

}  // namespace
}  // namespace connector::pinterest
