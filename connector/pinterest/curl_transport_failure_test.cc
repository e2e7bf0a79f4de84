// What the transport makes of servers that misbehave and of requests that must
// not go out.

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/pinterest/curl_transport.h"
#include "connector/pinterest/scripted_server.h"
#include "connector/pinterest/transport_testing.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

using Phase = TransportError::Phase;
using Connection = ScriptedServer::Connection;

TEST(CurlTransportFailureTest, RefusedConnectionWasNotSent) {
  const auto transport = NewTransport();
  const std::string url = absl::StrCat(
      "http://127.0.0.1:", ScriptedServer::UnusedPort(), "/secret");
  const TransportError error =
      Error(transport->Perform(Request("POST", url, "{}")));
  EXPECT_EQ(error.phase, Phase::kNotSent);
  EXPECT_FALSE(error.partial.has_value());
}

TEST(CurlTransportFailureTest, BrokenTlsHandshakeWasNotSent) {
  ScriptedServer server([](Connection& connection, int) {
    connection.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.CloseGently();
  });
  const auto transport = NewTransport();
  const TransportError error = Error(transport->Perform(Request(
      "POST", absl::StrCat("https://127.0.0.1:", server.port(), "/secret"),
      "{}")));
  EXPECT_EQ(error.phase, Phase::kNotSent);
}

TEST(CurlTransportFailureTest, ResetAfterTheRequestMayHaveBeenSent) {
  for (const bool reset : {false, true}) {
    ScriptedServer server([&](Connection& connection, int) {
      connection.ReadRequest();
      if (reset) connection.Reset();
    });
    const auto transport = NewTransport();
    for (const char* method : {"POST", "PATCH"}) {
      const TransportError error =
          Error(transport->Perform(Request(method, server.Url(), "{}")));
      EXPECT_EQ(error.phase, Phase::kMaybeSent);
      EXPECT_FALSE(error.partial.has_value());
    }
    EXPECT_EQ(server.requests().size(), 2u);
  }
}

// libcurl 7.88 kept a pointer into the headers of the answer before.
TEST(CurlTransportFailureTest, AFirstHeaderLineThatIsFoldedIsHarmless) {
  ScriptedServer server([](Connection& connection, int) {
    while (connection.ReadRequest()) {
      connection.Send(
          "HTTP/1.1 200 OK\r\n folded: x\r\nContent-Length: 2\r\n"
          "x-pinterest-rid: 1\r\n and more\r\n\r\n{}");
    }
  });
  const auto transport = NewTransport();
  for (int i = 0; i < 20; ++i) {
    for (const char* method : {"GET", "POST"}) {
      const HttpResult result = transport->Perform(
          Request(method, server.Url(), method[0] == 'G' ? "" : "{}"));
      if (const auto* error = std::get_if<TransportError>(&result)) {
        EXPECT_EQ(error->phase, Phase::kMaybeSent);
      } else {
        EXPECT_EQ(std::get<HttpResponse>(result).body, "{}");
      }
    }
  }
}

TEST(CurlTransportFailureTest, ResetInTheMiddleOfTheBodyMayHaveBeenSent) {
  ScriptedServer server([](Connection& connection, int) {
    connection.ReadHead();
    connection.Reset();
  });
  const auto transport = NewTransport();
  const TransportError error = Error(transport->Perform(
      Request("PATCH", server.Url(), std::string(20 << 20, 'x'))));
  EXPECT_EQ(error.phase, Phase::kMaybeSent);
  EXPECT_EQ(server.requests().size(), 1u);
}

// libcurl left to itself would send the request a second time here.
TEST(CurlTransportFailureTest, KeptConnectionThatBreaksIsNotTriedAgain) {
  for (const size_t size : {size_t{2}, size_t{3 << 20}}) {
    for (const bool reset : {false, true}) {
      ScriptedServer server([&](Connection& connection, int) {
        connection.ReadRequest();
        connection.SendOk("one");
        connection.ReadRequest();  // Carried out, then the line breaks.
        if (reset) connection.Reset();
      });
      const auto transport = NewTransport();
      const HttpRequest request =
          Request("PATCH", server.Url(), std::string(size, 'x'));
      EXPECT_EQ(Answer(transport->Perform(request)).body, "one");
      const TransportError error = Error(transport->Perform(request));
      EXPECT_EQ(error.phase, Phase::kMaybeSent);
      EXPECT_EQ(server.requests().size(), 2u);
    }
  }
}

TEST(CurlTransportFailureTest, TimeoutAfterTheRequestMayHaveBeenSent) {
  ScriptedServer server([](Connection& connection, int) {
    connection.ReadRequest();
    connection.WaitForClose();
  });
  const auto transport = NewTransport();
  HttpRequest request = Request("PATCH", server.Url(), "{}");
  request.timeout = absl::Milliseconds(500);
  const TransportError error = Error(transport->Perform(request));
  EXPECT_EQ(error.phase, Phase::kMaybeSent);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(CurlTransportFailureTest, TimeoutInTheHandshakeWasNotSent) {
  ScriptedServer server(
      [](Connection& connection, int) { connection.WaitForClose(); });
  const auto transport = NewTransport();
  HttpRequest request = Request(
      "PATCH", absl::StrCat("https://127.0.0.1:", server.port(), "/"), "{}");
  request.timeout = absl::Milliseconds(500);
  EXPECT_EQ(Error(transport->Perform(request)).phase, Phase::kNotSent);
}

TEST(CurlTransportFailureTest, CutAnswerKeepsItsStatusAndHeaders) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nX-Rid: 9\r\nContent-Length: 100\r\n\r\n{\"id\"",
        "HTTP/1.1 200 OK\r\nX-Rid: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\n{\"id\"\r\n"}) {
    ScriptedServer server([&](Connection& connection, int) {
      connection.ReadRequest();
      connection.Send(answer);
      connection.CloseGently();
    });
    const auto transport = NewTransport();
    const TransportError error =
        Error(transport->Perform(Request("PATCH", server.Url(), "{}")));
    EXPECT_EQ(error.phase, Phase::kMaybeSent);
    ASSERT_TRUE(error.partial.has_value());
    EXPECT_EQ(error.partial->status, 200);
    EXPECT_EQ(error.partial->headers.Find("x-rid"), "9");
    EXPECT_EQ(error.partial->body, "");
  }
}

TEST(CurlTransportFailureTest, AnswerCutInItsHeadHasNoStatus) {
  ScriptedServer server([](Connection& connection, int) {
    connection.ReadRequest();
    connection.Send("HTTP/1.1 200 OK\r\nX-Ri");
    connection.CloseGently();
  });
  const auto transport = NewTransport();
  const HttpResult result =
      transport->Perform(Request("PATCH", server.Url(), "{}"));
  const TransportError error = Error(result);
  EXPECT_EQ(error.phase, Phase::kMaybeSent);
  EXPECT_FALSE(error.partial.has_value());
}

TEST(CurlTransportFailureTest, AnswerThatIsNoHttpIsAnError) {
  ScriptedServer server([](Connection& connection, int) {
    connection.ReadRequest();
    connection.Send("220 secret mail server\r\n");
    connection.CloseGently();
  });
  const auto transport = NewTransport();
  EXPECT_EQ(
      Error(transport->Perform(Request("PATCH", server.Url(), "{}"))).phase,
      Phase::kMaybeSent);
}

TEST(CurlTransportFailureTest, AnswerIsBounded) {
  CurlTransport::Options options;
  options.max_response_bytes = 1000;
  const auto transport = NewTransport(options);
  ScriptedServer server([](Connection& connection, int number) {
    connection.ReadRequest();
    connection.SendOk(std::string(number == 1 ? 1000 : 1001, 'x'));
    connection.CloseGently();
  });
  EXPECT_EQ(
      Answer(transport->Perform(Request("POST", server.Url(), "{}"))).status,
      200);
  const TransportError error =
      Error(transport->Perform(Request("POST", server.Url(), "{}")));
  EXPECT_EQ(error.message, "the answer is too large");
  ASSERT_TRUE(error.partial.has_value());
  EXPECT_EQ(error.partial->status, 200);

  ScriptedServer endless([](Connection& connection, int) {
    connection.ReadRequest();
    connection.Send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 3000; ++i) {
      connection.Send("X-Long: " + std::string(100, 'x') + "\r\n");
    }
    connection.CloseGently();
  });
  EXPECT_EQ(Error(transport->Perform(Request("GET", endless.Url()))).message,
            "the answer is too large");
}

TEST(CurlTransportFailureTest, RedirectIsAnAnswerAndNotFollowed) {
  ScriptedServer target([](Connection& connection, int) {
    connection.ReadRequest();
    connection.SendOk("elsewhere");
  });
  ScriptedServer server([&](Connection& connection, int) {
    connection.ReadRequest();
    connection.Send(absl::StrCat(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: ", target.Url(),
        "\r\nContent-Length: 0\r\n\r\n"));
    connection.CloseGently();
  });
  const auto transport = NewTransport();
  EXPECT_EQ(
      Answer(transport->Perform(Request("PATCH", server.Url(), "{}"))).status,
      307);
  EXPECT_EQ(target.connections(), 0);
}

TEST(CurlTransportFailureTest, InterimAnswersLeaveNoTrace) {
  ScriptedServer server([](Connection& connection, int) {
    connection.ReadRequest();
    connection.Send(
        "HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n"
        "HTTP/1.1 201 Created\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\n"
        "ok");
    connection.CloseGently();
  });
  const auto transport = NewTransport();
  const HttpResponse response =
      Answer(transport->Perform(Request("POST", server.Url(), "{}")));
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.headers.Joined("X-A"), "1, 2");
}

TEST(CurlTransportFailureTest, RefusalBeforeTheWholeBodyWentOutIsSeen) {
  ScriptedServer server([](Connection& connection, int) {
    connection.ReadHead();
    connection.Send(
        "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n"
        "Connection: close\r\n\r\nno");
    connection.CloseGently();
  });
  const auto transport = NewTransport();
  const HttpResponse response = Answer(transport->Perform(
      Request("PATCH", server.Url(), std::string(20 << 20, 'x'))));
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.body, "no");
}

TEST(CurlTransportFailureTest, NothingIsSentOfARequestThatBreaksARule) {
  ScriptedServer server([](Connection& connection, int) {
    connection.ReadRequest();
    connection.SendOk("");
  });
  const auto transport = NewTransport();
  std::vector<HttpRequest> bad;
  bad.push_back(Request("GET", server.Url()));
  bad.back().headers.emplace_back("X", "a\r\nEvil: b");
  bad.push_back(Request("GET", server.Url()));
  bad.back().headers.emplace_back("X: a\r\nEvil", "b");
  bad.push_back(Request("GET", server.Url()));
  bad.back().headers.emplace_back("X", "");
  bad.push_back(Request("GET", server.Url("/a b")));
  bad.push_back(Request("GET", server.Url(), "body"));
  bad.push_back(Request("DELETE", server.Url()));
  bad.push_back(Request("GET / HTTP/1.1\r\nX:", server.Url()));
  bad.push_back(Request("GET", server.Url()));
  bad.back().timeout = absl::ZeroDuration();
  bad.push_back(Request("GET", "http://192.0.2.1/"));
  bad.push_back(Request("GET", "ftp://127.0.0.1/"));
  bad.push_back(Request("GET", "file:///etc/hostname"));
  for (const HttpRequest& request : bad) {
    EXPECT_EQ(Error(transport->Perform(request)).phase, Phase::kNotSent);
  }
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace connector::pinterest
