#include "simulator/http_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "simulator/test_client.h"

namespace simulator {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::unique_ptr<HttpServer> StartServer(HttpServer::Handler handler,
                                        HttpServer::Options options = {}) {
  auto server = HttpServer::Start(options, std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

std::string Origin(const HttpServer& server) {
  return absl::StrCat("http://127.0.0.1:", server.port());
}

void Echo(const HttpRequest& request, HttpResponse* response) {
  response->body =
      absl::StrCat(request.method, " ", request.path, " ", request.body.size());
}

// Sends bytes as they are and reads until the server closes.
std::string Raw(int port, const std::string& bytes) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
            0);
  EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return answer;
}

TEST(HttpServerTest, ServesEveryMethodOnOneConnection) {
  auto server = StartServer(Echo);
  TestClient client(Origin(*server));
  EXPECT_EQ(client.Get("/a?x=1").body, "GET /a 0");
  EXPECT_EQ(client.Post("/b", "12345").body, "POST /b 5");
  EXPECT_EQ(client.Patch("/c", "1").body, "PATCH /c 1");
  EXPECT_EQ(client.Send("DELETE", "/d").body, "DELETE /d 0");
  EXPECT_EQ(client.Post("/e", "").body, "POST /e 0");
}

TEST(HttpServerTest, ARequestWithoutLengthHasNoBody) {
  auto server = StartServer(Echo);
  EXPECT_THAT(Raw(server->port(),
                  "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              HasSubstr("POST /x 0"));
  EXPECT_THAT(Raw(server->port(),
                  "PATCH /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
                  "0\r\n\r\n"),
              HasSubstr("PATCH /x 3"));
}

TEST(HttpServerTest, TakesLargeBodies) {
  auto server = StartServer(Echo);
  TestClient client(Origin(*server));
  std::string body(size_t{65} << 20, 'x');
  EXPECT_EQ(client.Patch("/big", body).body,
            absl::StrCat("PATCH /big ", body.size()));
}

TEST(HttpServerTest, ALongFormIsABodyLikeAnyOther) {
  auto server = StartServer(Echo);
  std::string body(100000, 'x');
  EXPECT_THAT(
      Raw(server->port(),
          absl::StrCat("POST /form HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: 100000\r\n\r\n",
                       body)),
      HasSubstr("POST /form 100000"));
}

TEST(HttpServerTest, RefusesLargerBodiesThanItsLimit) {
  HttpServer::Options options;
  options.max_body_bytes = 1000;
  auto server = StartServer(
      [](const HttpRequest& request, HttpResponse* response) {
        response->body = request.method.empty() ? "refused" : "taken";
      },
      options);
  TestClient client(Origin(*server));
  EXPECT_EQ(client.Post("/", std::string(1000, 'x')).body, "taken");
  Reply reply = client.Post("/", std::string(1001, 'x'));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.body, "refused");
}

TEST(HttpServerTest, AnswersWhatIsNoRequest) {
  auto server =
      StartServer([](const HttpRequest& request, HttpResponse* response) {
        response->body = request.method.empty() ? "bad message" : "ok";
      });
  EXPECT_THAT(Raw(server->port(), "nonsense\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("bad message")));
}

TEST(HttpServerTest, ADroppedAnswerIsNoByteAtAll) {
  auto server =
      StartServer([](const HttpRequest& request, HttpResponse* response) {
        response->body = "never seen";
        response->drop = request.path != "/fine";
        response->reset = request.path == "/reset";
      });
  EXPECT_EQ(Raw(server->port(), "GET /drop HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  TestClient client(Origin(*server));
  EXPECT_EQ(client.Post("/drop", "body").curl, CURLE_GOT_NOTHING);
  EXPECT_EQ(client.Post("/reset", "body").curl, CURLE_RECV_ERROR);
  EXPECT_EQ(client.Post("/fine", "body").status, 200);
}

TEST(HttpServerTest, ACutBodyEndsAtTheByte) {
  auto server =
      StartServer([](const HttpRequest& request, HttpResponse* response) {
        response->body = "0123456789";
        if (request.path == "/cut") response->truncate_body = 4;
        if (request.path == "/none") response->truncate_body = 0;
      });
  TestClient client(Origin(*server));
  Reply reply = client.Get("/cut");
  EXPECT_EQ(reply.curl, CURLE_PARTIAL_FILE);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers["content-length"], "10");
  EXPECT_EQ(reply.body, "0123");
  reply = client.Get("/none");
  EXPECT_EQ(reply.curl, CURLE_PARTIAL_FILE);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(client.Get("/whole").body, "0123456789");
}

TEST(HttpServerTest, DozensOfKeepAliveClientsAreServedAtOnce) {
  constexpr int kClients = 64;
  // Every handler waits until all of them are running.
  absl::Barrier* barrier = new absl::Barrier(kClients);
  auto server =
      StartServer([&](const HttpRequest& request, HttpResponse* response) {
        if (request.path == "/together" && barrier->Block()) delete barrier;
        response->body = "ok";
      });
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      TestClient client(Origin(*server));
      EXPECT_EQ(client.Get("/first").body, "ok");
      EXPECT_EQ(client.Get("/together").body, "ok");
      for (int j = 0; j < 20; ++j) EXPECT_EQ(client.Get("/more").body, "ok");
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST(HttpServerTest, StopEndsIdleAndBusyConnections) {
  absl::Notification busy;
  absl::Notification release;
  auto server =
      StartServer([&](const HttpRequest& request, HttpResponse* response) {
        if (request.path == "/busy") {
          busy.Notify();
          release.WaitForNotification();
        }
        response->body = "ok";
      });
  TestClient idle(Origin(*server));
  EXPECT_EQ(idle.Get("/").status, 200);
  std::thread caller([&] {
    TestClient client(Origin(*server));
    EXPECT_NE(client.Get("/busy").curl, CURLE_OK);
  });
  busy.WaitForNotification();
  std::thread stopper([&] { server->Stop(); });
  caller.join();
  release.Notify();
  stopper.join();
  server->Stop();
  EXPECT_EQ(idle.Get("/").curl, CURLE_COULDNT_CONNECT);
}

TEST(HttpServerTest, ATakenPortIsAnError) {
  auto server = StartServer(Echo);
  HttpServer::Options options;
  options.port = server->port();
  auto second = HttpServer::Start(options, Echo);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat(server->port())));
}

class HttpsTest : public ::testing::Test {
 protected:
  HttpServer::Options Options() {
    HttpServer::Options options;
    options.tls_certificate = kCertificate;
    options.tls_key = "simulator/testdata/tls_test_key.pem";
    return options;
  }
  static constexpr char kCertificate[] = "simulator/testdata/tls_test_cert.pem";
};

TEST_F(HttpsTest, ServesAndDropsOverTls) {
  auto server = StartServer(
      [](const HttpRequest& request, HttpResponse* response) {
        Echo(request, response);
        response->drop = request.path == "/drop";
      },
      Options());
  TestClient client(absl::StrCat("https://127.0.0.1:", server->port()),
                    kCertificate);
  EXPECT_EQ(client.Get("/").body, "GET / 0");
  EXPECT_EQ(client.Patch("/", std::string(3 << 20, 'x')).body,
            "PATCH / 3145728");
  EXPECT_NE(client.Get("/drop").curl, CURLE_OK);
  EXPECT_EQ(client.Get("/again").body, "GET /again 0");
  // Plain HTTP on the same port gets nowhere and does no harm.
  TestClient plain(Origin(*server));
  EXPECT_NE(plain.Get("/").curl, CURLE_OK);
}

TEST_F(HttpsTest, RefusesKeysItCannotUse) {
  HttpServer::Options options = Options();
  options.tls_key = kCertificate;
  EXPECT_EQ(HttpServer::Start(options, Echo).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.tls_key = "";
  EXPECT_EQ(HttpServer::Start(options, Echo).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace simulator
