#include "connector/pinterest/curl_transport.h"

#include <stdlib.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "connector/pinterest/scripted_server.h"
#include "connector/pinterest/transport_testing.h"
#include "gtest/gtest.h"
#include "httplib.h"

namespace connector::pinterest {
namespace {

using Connection = ScriptedServer::Connection;

// An ordinary HTTP server that remembers what it got.
class EchoServer {
 public:
  EchoServer() {
    const auto handler = [this](const httplib::Request& request,
                                httplib::Response& response) {
      absl::MutexLock lock(&mutex_);
      requests_.push_back(request);
      response.set_header("X-Echo", request.path);
      response.set_content(request.body, "application/json");
    };
    server_.Get(".*", handler);
    server_.Post(".*", handler);
    server_.Patch(".*", handler);
    server_.set_payload_max_length(64 << 20);
    server_.set_keep_alive_max_count(1000);
    server_.new_task_queue = [] { return new httplib::ThreadPool(16); };
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~EchoServer() {
    server_.stop();
    thread_.join();
  }

  std::string Url(absl::string_view path = "/v5/x") const {
    return absl::StrCat("http://127.0.0.1:", port_, path);
  }
  std::vector<httplib::Request> requests() {
    absl::MutexLock lock(&mutex_);
    return requests_;
  }
  size_t connections() {
    std::set<int> ports;
    for (const httplib::Request& request : requests()) {
      ports.insert(request.remote_port);
    }
    return ports.size();
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  absl::Mutex mutex_;
  std::vector<httplib::Request> requests_ ABSL_GUARDED_BY(mutex_);
};

TEST(CurlTransportTest, SendsWhatItIsGivenAndGivesWhatComesBack) {
  EchoServer server;
  CurlTransport::Options options;
  options.user_agent = "test-agent/1";
  const auto transport = NewTransport(options);
  HttpRequest request =
      Request("PATCH", server.Url("/v5/lists/7?a=b%20c"), "{\"x\":1}");
  request.headers.emplace_back("Content-Type", "application/json");
  const HttpResponse response = Answer(transport->Perform(request));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"x\":1}");
  EXPECT_EQ(response.headers.Find("x-echo"), "/v5/lists/7");

  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "PATCH");
  EXPECT_EQ(requests[0].target, "/v5/lists/7?a=b%20c");
  EXPECT_EQ(requests[0].body, "{\"x\":1}");
  EXPECT_EQ(requests[0].get_header_value("Authorization"),
            "Bearer pina_secret");
  EXPECT_EQ(requests[0].get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(requests[0].get_header_value_count("Content-Type"), 1u);
  EXPECT_EQ(requests[0].get_header_value("User-Agent"), "test-agent/1");
  EXPECT_EQ(requests[0].get_header_value("Content-Length"), "7");
}

TEST(CurlTransportTest, BigBodyGoesOutWholeWithoutAskingFirst) {
  EchoServer server;
  CurlTransport::Options options;
  options.max_response_bytes = 5 << 20;
  const auto transport = NewTransport(options);
  std::string body(5 << 20, 'x');
  for (size_t i = 0; i < body.size(); i += 997) body[i] = 'y';
  for (const char* method : {"POST", "PATCH"}) {
    HttpRequest request = Request(method, server.Url(), body);
    request.headers.emplace_back("Content-Type", "application/json");
    const HttpResponse response = Answer(transport->Perform(request));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.body == body);
  }
  for (const httplib::Request& request : server.requests()) {
    EXPECT_FALSE(request.has_header("Expect"));
    EXPECT_FALSE(request.has_header("Transfer-Encoding"));
  }
}

TEST(CurlTransportTest, KeepsItsConnection) {
  EchoServer server;
  const auto transport = NewTransport();
  for (int i = 0; i < 10; ++i) {
    Answer(transport->Perform(Request("GET", server.Url())));
    Answer(transport->Perform(Request("PATCH", server.Url(), "{}")));
  }
  EXPECT_EQ(server.requests().size(), 20u);
  EXPECT_EQ(server.connections(), 1u);
}

TEST(CurlTransportTest, PostTakesANewConnectionThatOthersUseLater) {
  EchoServer server;
  const auto transport = NewTransport();
  Answer(transport->Perform(Request("GET", server.Url())));
  Answer(transport->Perform(Request("POST", server.Url(), "{}")));
  EXPECT_EQ(server.connections(), 2u);
  Answer(transport->Perform(Request("GET", server.Url())));
  EXPECT_EQ(server.connections(), 2u);
}

TEST(CurlTransportTest, OptionsOfOneCallDoNotReachTheNext) {
  EchoServer server;
  const auto transport = NewTransport();
  Answer(transport->Perform(Request("PATCH", server.Url(), "{}")));
  HttpRequest bare = Request("GET", server.Url());
  bare.headers.clear();
  Answer(transport->Perform(bare));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[1].method, "GET");
  EXPECT_EQ(requests[1].body, "");
  EXPECT_FALSE(requests[1].has_header("Authorization"));
}

TEST(CurlTransportTest, CallsRunSideBySide) {
  // Each of the calls is answered only when all of them have come.
  constexpr int kCalls = 8;
  absl::Mutex mutex;
  int arrived = 0;
  ScriptedServer server([&](Connection& connection, int) {
    while (connection.ReadRequest()) {
      {
        absl::MutexLock lock(&mutex);
        ++arrived;
        const auto all = [&] { return arrived >= kCalls; };
        mutex.Await(absl::Condition(&all));
      }
      connection.SendOk("ok");
    }
  });
  const auto transport = NewTransport();
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kCalls; ++i) {
      threads.emplace_back([&] {
        EXPECT_EQ(
            Answer(transport->Perform(Request("PATCH", server.Url(), "{}")))
                .body,
            "ok");
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(server.requests().size(), 3u * kCalls);
  EXPECT_EQ(server.connections(), kCalls);
}

TEST(CurlTransportTest, LoopbackNeverGoesThroughAProxy) {
  const std::string nowhere =
      absl::StrCat("http://127.0.0.1:", ScriptedServer::UnusedPort());
  ASSERT_EQ(setenv("http_proxy", nowhere.c_str(), 1), 0);
  EchoServer server;
  const auto transport = NewTransport();
  EXPECT_EQ(Answer(transport->Perform(Request("GET", server.Url()))).status,
            200);
  ASSERT_EQ(unsetenv("http_proxy"), 0);
}

TEST(CurlTransportTest, OptionsAreChecked) {
  CurlTransport::Options options;
  options.connect_timeout = absl::ZeroDuration();
  EXPECT_FALSE(CurlTransport::Create(options).ok());
  options = {};
  options.max_response_bytes = 0;
  EXPECT_FALSE(CurlTransport::Create(options).ok());
  options = {};
  options.user_agent = "a\r\nb: c";
  EXPECT_FALSE(CurlTransport::Create(options).ok());
}

}  // namespace
}  // namespace connector::pinterest
