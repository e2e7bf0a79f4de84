#include "connector/edge/http_server.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "connector/edge/raw_client.h"
#include "gtest/gtest.h"

namespace connector::edge {
namespace {

// Answers with what it was sent.
class Echo : public HttpHandler {
 public:
  std::optional<HttpResponse> Check(const RequestHead& head) override {
    if (head.path != "/none") return std::nullopt;
    return Refuse(404, "none");
  }
  HttpResponse Handle(const RequestHead& head, std::string body) override {
    if (head.path == "/hold") {
      entered_.Notify();
      released_.WaitForNotification();
    }
    HttpResponse response;
    response.body = absl::StrCat(head.method, " ", head.path, " ", body.size(),
                                 " ", body.substr(0, 20));
    return response;
  }
  HttpResponse Refuse(int status, absl::string_view rule) override {
    HttpResponse response;
    response.status = status;
    response.body = std::string(rule);
    response.retry_after = status == 503 ? 1 : 0;
    return response;
  }

  absl::Notification entered_;
  absl::Notification released_;
};

class HttpServerTest : public testing::Test {
 protected:
  void Start() {
    auto server = HttpServer::Start(options_, &echo_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void AwaitConnections(int count) {
    while (server_->connections() != count) std::this_thread::yield();
  }

  Echo echo_;
  HttpServer::Options options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterTheOther) {
  Start();
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(Request("POST", "/a", "hello")));
    EXPECT_EQ(client.ReadAnswer(), 200);
    EXPECT_EQ(client.body(), "POST /a 5 hello");
  }
  ASSERT_TRUE(client.Send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(client.ReadAnswer(), 200);
  EXPECT_EQ(client.body(), "GET /b 0 ");
  ASSERT_TRUE(client.Send(Request("POST", "/c", "x", "Connection: close\r\n")));
  EXPECT_EQ(client.ReadAnswer(), 200);
  EXPECT_TRUE(client.Ended());
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrder) {
  Start();
  RawClient client(server_->port());
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all += Request("POST", absl::StrCat("/", i), std::string(i * 100, 'x'));
  }
  ASSERT_TRUE(client.Send(all));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.ReadAnswer(), 200);
    EXPECT_TRUE(absl::StartsWith(client.body(),
                                 absl::StrCat("POST /", i, " ", i * 100)));
  }
}

TEST_F(HttpServerTest, TakesBytesOneByOne) {
  Start();
  RawClient client(server_->port());
  for (char c : Request("POST", "/a", "hello")) {
    ASSERT_TRUE(client.Send(absl::string_view(&c, 1)));
  }
  EXPECT_EQ(client.ReadAnswer(), 200);
  for (char c : std::string("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                            "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")) {
    ASSERT_TRUE(client.Send(absl::string_view(&c, 1)));
  }
  EXPECT_EQ(client.ReadAnswer(), 200);
  EXPECT_EQ(client.body(), "POST /a 5 hello");
}

TEST_F(HttpServerTest, AsksForTheBodyOfOneWhoWaits) {
  Start();
  RawClient client(server_->port());
  ASSERT_TRUE(
      client.Send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: "
                  "100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.ReadAnswer(), 100);
  ASSERT_TRUE(client.Send("hi"));
  EXPECT_EQ(client.ReadAnswer(), 200);
}

TEST_F(HttpServerTest, ASlowHeadEnds) {
  options_.head_timeout = absl::Milliseconds(50);
  Start();
  RawClient client(server_->port());
  ASSERT_TRUE(client.Send("POST /a HTTP/1.1\r\nHos"));
  EXPECT_EQ(client.ReadAnswer(), 408);
  EXPECT_TRUE(client.Ended());
}

// What counts is the whole time, not that of a byte.
TEST_F(HttpServerTest, ABodyThatDripsEnds) {
  options_.body_timeout = absl::Milliseconds(50);
  Start();
  RawClient client(server_->port());
  ASSERT_TRUE(
      client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: "
                  "1000000\r\n\r\n"));
  std::thread drip([&] {
    while (client.Send("x")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_EQ(client.ReadAnswer(), 408);
  server_->Stop();
  drip.join();
}

TEST_F(HttpServerTest, AConnectionThatIsNotUsedEnds) {
  options_.idle_timeout = absl::Milliseconds(50);
  Start();
  RawClient client(server_->port());
  EXPECT_TRUE(client.Ended());
  AwaitConnections(0);
}

TEST_F(HttpServerTest, HeadsAndBodiesAreBounded) {
  options_.max_body_bytes = 1'000;
  Start();
  {
    RawClient client(server_->port());
    client.Send("POST /a HTTP/1.1\r\nA: " +
                std::string(limits::kMaxHttpHeadBytes, 'a'));
    EXPECT_EQ(client.ReadAnswer(), 431);
  }
  {
    RawClient client(server_->port());
    client.Send(Request("POST", "/a", std::string(1'000, 'x')));
    EXPECT_EQ(client.ReadAnswer(), 200);
    client.Send(Request("POST", "/a", std::string(1'001, 'x')));
    EXPECT_EQ(client.ReadAnswer(), 413);
    EXPECT_TRUE(client.Ended());
  }
  {
    RawClient client(server_->port());
    client.Send(
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3e9\r\n");
    EXPECT_EQ(client.ReadAnswer(), 413);
  }
}

// The answer reaches a client that is still sending.
TEST_F(HttpServerTest, OneWhoSendsTooMuchIsToldSo) {
  options_.max_body_bytes = 8 << 20;
  Start();
  RawClient client(server_->port());
  std::thread sender(
      [&] { client.Send(Request("POST", "/a", std::string(9 << 20, 'x'))); });
  EXPECT_EQ(client.ReadAnswer(), 413);
  server_->Stop();
  sender.join();
}

TEST_F(HttpServerTest, AllBodiesTogetherAreBounded) {
  options_.max_process_bytes = 1'500;
  Start();
  RawClient first(server_->port());
  ASSERT_TRUE(first.Send(Request("POST", "/hold", std::string(1'000, 'x'))));
  echo_.entered_.WaitForNotification();
  RawClient second(server_->port());
  ASSERT_TRUE(second.Send(Request("POST", "/a", std::string(1'000, 'x'))));
  EXPECT_EQ(second.ReadAnswer(), 503);
  EXPECT_TRUE(absl::StrContains(second.head(), "Retry-After: 1"));
  echo_.released_.Notify();
  EXPECT_EQ(first.ReadAnswer(), 200);
  ASSERT_TRUE(first.Send(Request("POST", "/a", std::string(1'000, 'x'))));
  EXPECT_EQ(first.ReadAnswer(), 200);
}

TEST_F(HttpServerTest, AMessageThatIsNoneIsRefusedAndTheConnectionEnds) {
  Start();
  RawClient client(server_->port());
  ASSERT_TRUE(
      client.Send("secret@example.com\r\n\r\n" + Request("POST", "/a", "x")));
  EXPECT_EQ(client.ReadAnswer(), 400);
  EXPECT_FALSE(absl::StrContains(client.body(), "secret"));
  EXPECT_TRUE(client.Ended());
}

TEST_F(HttpServerTest, AnAnswerBeforeTheBodyEndsTheConnection) {
  Start();
  RawClient client(server_->port());
  ASSERT_TRUE(client.Send(Request("POST", "/none", "GET / HTTP/1.1")));
  EXPECT_EQ(client.ReadAnswer(), 404);
  EXPECT_TRUE(client.Ended());
  RawClient other(server_->port());
  ASSERT_TRUE(
      other.Send("GET /none HTTP/1.1\r\nHost: h\r\n\r\n"
                 "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(other.ReadAnswer(), 404);
  EXPECT_EQ(other.ReadAnswer(), 200);
}

TEST_F(HttpServerTest, AnIdleConnectionMakesRoomForANewOne) {
  options_.max_connections = 1;
  Start();
  RawClient idle(server_->port());
  AwaitConnections(1);
  RawClient next(server_->port());
  EXPECT_TRUE(idle.Ended());
  ASSERT_TRUE(next.Send(Request("POST", "/a", "x")));
  EXPECT_EQ(next.ReadAnswer(), 200);
}

TEST_F(HttpServerTest, ConnectionsAreBounded) {
  options_.max_connections = 1;
  Start();
  RawClient busy(server_->port());
  ASSERT_TRUE(busy.Send(Request("POST", "/hold", "x")));
  echo_.entered_.WaitForNotification();
  RawClient next(server_->port());
  EXPECT_EQ(next.ReadAnswer(), 503);
  EXPECT_TRUE(next.Ended());
  echo_.released_.Notify();
  EXPECT_EQ(busy.ReadAnswer(), 200);
}

TEST_F(HttpServerTest, AStopWaitsForTheAnswerUnderWay) {
  Start();
  RawClient client(server_->port());
  ASSERT_TRUE(client.Send(Request("POST", "/hold", "x")));
  RawClient idle(server_->port());
  RawClient reading(server_->port());
  ASSERT_TRUE(reading.Send("POST /a HTTP/1.1\r\nHo"));
  echo_.entered_.WaitForNotification();
  AwaitConnections(3);
  std::thread stop([&] { server_->Stop(); });
  EXPECT_TRUE(idle.Ended());
  EXPECT_TRUE(reading.Ended());
  echo_.released_.Notify();
  EXPECT_EQ(client.ReadAnswer(), 200);
  EXPECT_TRUE(absl::StrContains(client.head(), "Connection: close"));
  EXPECT_TRUE(client.Ended());
  stop.join();
  EXPECT_EQ(server_->connections(), 0);
  server_->Stop();
}

TEST_F(HttpServerTest, AnAddressThatIsTakenIsRefused) {
  Start();
  options_.port = server_->port();
  const auto other = HttpServer::Start(options_, &echo_);
  EXPECT_TRUE(absl::IsAlreadyExists(other.status())) << other.status();
}

}  // namespace
}  // namespace connector::edge
