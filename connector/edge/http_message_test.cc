#include "connector/edge/http_message.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "connector/base/limits.h"
#include "gtest/gtest.h"

namespace connector::edge {
namespace {

RequestHead Good(const std::string& head) {
  RequestHead parsed;
  const auto error = ParseHead(head, &parsed);
  EXPECT_FALSE(error.has_value()) << error->rule << ": " << head;
  return parsed;
}

int Bad(const std::string& head) {
  RequestHead parsed;
  const auto error = ParseHead(head, &parsed);
  return error.has_value() ? error->status : 0;
}

TEST(HttpMessageTest, ReadsWhatItNeeds) {
  const RequestHead head = Good(
      "\r\nPOST /v1/a%2Fb?x=1&y HTTP/1.1\r\nHost: h\r\nauthorization:  Bearer "
      "t \r\nContent-LENGTH: 12\r\nExpect: 100-continue\r\nX-Odd: \xc3\xa9\r\n"
      "\r\n");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path, "/v1/a%2Fb");
  EXPECT_EQ(head.query, "x=1&y");
  EXPECT_EQ(head.authorization, "Bearer t");
  EXPECT_EQ(head.content_length, 12);
  EXPECT_TRUE(head.expect_continue);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.chunked);
  EXPECT_EQ(head.content_encoding, "");
}

TEST(HttpMessageTest, AConnectionIsKeptUnlessSomebodyWantsToEndIt) {
  EXPECT_FALSE(Good("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_FALSE(
      Good("GET / HTTP/1.1\r\nHost: h\r\nConnection: TE, Close\r\n\r\n")
          .keep_alive);
  EXPECT_TRUE(
      Good("GET / HTTP/1.1\r\nHost: h\r\nConnection: TE\r\n\r\n").keep_alive);
}

TEST(HttpMessageTest, RefusesWhatTwoReadersCouldReadInTwoWays) {
  const auto with = [](const std::string& fields) {
    return absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\n", fields, "\r\n\r\n");
  };
  EXPECT_EQ(Bad(with("Content-Length: 1")), 0);
  EXPECT_EQ(Bad(with("Transfer-Encoding: chunked")), 0);
  EXPECT_EQ(Bad(with("Content-Length: 1\r\nContent-Length: 1")), 400);
  EXPECT_EQ(Bad(with("Content-Length: 1, 1")), 400);
  EXPECT_EQ(Bad(with("Content-Length: +1")), 400);
  EXPECT_EQ(Bad(with("Content-Length: -1")), 400);
  EXPECT_EQ(Bad(with("Content-Length: 0x1")), 400);
  EXPECT_EQ(Bad(with("Content-Length:")), 400);
  EXPECT_EQ(Bad(with("Content-Length: 99999999999999999999")), 400);
  EXPECT_EQ(Bad(with("Content-Length: 1\r\nTransfer-Encoding: chunked")), 400);
  EXPECT_EQ(Bad(with("Transfer-Encoding: gzip, chunked")), 501);
  EXPECT_EQ(Bad(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: "
                     "chunked")),
            501);
  EXPECT_EQ(Bad("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(Bad(with("Content-Length : 1")), 400);
  EXPECT_EQ(Bad(with(" folded")), 400);
  EXPECT_EQ(Bad(with("A: b\n\tc")), 400);
  EXPECT_EQ(Bad(with("A: b\rContent-Length: 1")), 400);
  EXPECT_EQ(Bad(with(std::string("A: b\0c", 6))), 400);
  EXPECT_EQ(Bad(with("Host: other")), 400);
  EXPECT_EQ(Bad(with("Authorization: a\r\nAuthorization: b")), 400);
  EXPECT_EQ(Bad("GET / HTTP/1.1\r\nA: b\r\n\r\n"), 400);
  EXPECT_EQ(Bad("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(Bad("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(Bad("G(T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(Bad("GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(Bad("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(Bad("GET /\r\n\r\n"), 400);
  EXPECT_EQ(Bad("\r\n\r\n"), 400);
  std::string many;
  for (int i = 0; i < limits::kMaxHttpHeaders + 1; ++i) many += "A: b\r\n";
  EXPECT_EQ(Bad("GET / HTTP/1.1\r\n" + many + "\r\n"), 431);
}

TEST(HttpMessageTest, FindsTheEndOfAHead) {
  EXPECT_EQ(FindHeadEnd(""), std::nullopt);
  EXPECT_EQ(FindHeadEnd("\r\n\r\n"), std::nullopt);
  EXPECT_EQ(FindHeadEnd("GET\r\n\r"), std::nullopt);
  EXPECT_EQ(FindHeadEnd("GET\r\n\r\nrest"), 7u);
  EXPECT_EQ(FindHeadEnd("\r\nGET\r\n\r\n"), 9u);
}

// However the bytes come, the body is the same.
TEST(HttpMessageTest, TakesChunksApart) {
  const std::string sent =
      "5;x=y\r\nhello\r\n006 \r\n world\r\n0\r\nTrailer: t\r\n\r\nnext";
  for (size_t step = 1; step <= sent.size(); ++step) {
    ChunkedBody chunks(100);
    std::string received;
    std::string body;
    auto state = ChunkedBody::State::kMore;
    size_t at = 0;
    while (state == ChunkedBody::State::kMore && at < sent.size()) {
      received += sent.substr(at, step);
      at += step;
      state = chunks.Take(&received, &body);
    }
    EXPECT_EQ(state, ChunkedBody::State::kDone);
    EXPECT_EQ(body, "hello world");
    received += at < sent.size() ? sent.substr(at) : "";
    EXPECT_EQ(received, "next");
  }
}

TEST(HttpMessageTest, RefusesBadChunks) {
  const auto take = [](std::string received) {
    ChunkedBody chunks(10);
    std::string body;
    return chunks.Take(&received, &body);
  };
  using State = ChunkedBody::State;
  EXPECT_EQ(take("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"), State::kDone);
  EXPECT_EQ(take("5\r\nhello\r\n6\r\n"), State::kTooLarge);
  EXPECT_EQ(take("ffffffff\r\n"), State::kTooLarge);
  EXPECT_EQ(take("fffffffff\r\n"), State::kBroken);
  EXPECT_EQ(take("\r\n"), State::kBroken);
  EXPECT_EQ(take("-1\r\n"), State::kBroken);
  EXPECT_EQ(take("0x5\r\nhello\r\n"), State::kBroken);
  EXPECT_EQ(take("5\r\nhelloworld\r\n"), State::kBroken);
  EXPECT_EQ(take(std::string(5000, '1')), State::kBroken);
  EXPECT_EQ(take("0\r\n" + std::string(5000, 'a')), State::kBroken);
  EXPECT_EQ(take("5\r\nhel"), State::kMore);
  // What ends a line for another reader.
  for (const std::string end : {"\n", "\r", "\v", "\f"}) {
    EXPECT_EQ(take("5;x" + end + "y\r\nhello\r\n0\r\n\r\n"), State::kBroken);
    EXPECT_EQ(take("5" + end + "\r\nhello\r\n0\r\n\r\n"), State::kBroken);
    EXPECT_EQ(take("0;x" + end + "y\r\n\r\n"), State::kBroken);
    EXPECT_EQ(take("0\r\nA: b" + end + "C: d\r\n\r\n"), State::kBroken);
    EXPECT_EQ(take("0\r\nA: b" + end + end + "GET / HTTP/1.1\r\n\r\n"),
              State::kBroken);
  }
  EXPECT_EQ(take("5 ;x=\"a\tb\"\r\nhello\r\n0\r\nA:\tb\r\n\r\n"), State::kDone);
}

TEST(HttpMessageTest, DecodesPathsAndQueries) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(SplitPath("/v1/a%2Fb/c+d"), Parts({"v1", "a/b", "c+d"}));
  EXPECT_EQ(SplitPath("/v1/"), Parts({"v1"}));
  EXPECT_EQ(SplitPath("/"), Parts({""}));
  EXPECT_EQ(SplitPath(""), std::nullopt);
  EXPECT_EQ(SplitPath("v1"), std::nullopt);
  EXPECT_EQ(SplitPath("/%2"), std::nullopt);
  EXPECT_EQ(SplitPath("/%zz"), std::nullopt);
  EXPECT_EQ(SplitPath("/%41"), Parts({"A"}));
  EXPECT_EQ(QueryValue("a=1&b=x+y%21&b=2", "b"), "x y!");
  EXPECT_EQ(QueryValue("a=1", "b"), "");
  EXPECT_EQ(QueryValue("b", "b"), "");
  EXPECT_EQ(QueryValue("b=%4", "b"), "");
}

TEST(HttpMessageTest, WritesAnswers) {
  HttpResponse response;
  response.status = 503;
  response.body = "{}";
  response.retry_after = 7;
  EXPECT_EQ(FormatResponse(response, true),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: "
            "application/json\r\nContent-Length: 2\r\nCache-Control: "
            "no-store\r\nRetry-After: 7\r\nConnection: close\r\n\r\n{}");
}

}  // namespace
}  // namespace connector::edge
