#include "connector/pinterest/url.h"

#include <string>

#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

TEST(UrlTest, ReadsHostPathAndWhetherItIsLoopback) {
  struct Case {
    const char* url;
    bool https;
    const char* host;
    bool loopback;
    const char* path;
  };
  for (const Case& c : {
           Case{"https://api.pinterest.com/v5", true, "api.pinterest.com",
                false, "/v5"},
           Case{"https://API.Pinterest.com", true, "api.pinterest.com", false,
                ""},
           Case{"http://127.0.0.1:8080/v5?a=b", false, "127.0.0.1", true,
                "/v5?a=b"},
           Case{"http://127.255.0.9", false, "127.255.0.9", true, ""},
           Case{"http://LOCALHOST:1/", false, "localhost", true, "/"},
           Case{"http://[::1]:65535/x", false, "::1", true, "/x"},
           Case{"http://[2001:db8::1]/", false, "2001:db8::1", false, "/"},
           Case{"http://127.0.0.1.example.com", false, "127.0.0.1.example.com",
                false, ""},
           Case{"http://127.1", false, "127.1", false, ""},
           Case{"http://127.0.0.01", false, "127.0.0.01", false, ""},
           Case{"http://127.0.0.256", false, "127.0.0.256", false, ""},
           Case{"http://localhost.example.com", false, "localhost.example.com",
                false, ""},
           Case{"http://h?x=@y", false, "h", false, "?x=@y"},
       }) {
    const absl::StatusOr<HttpUrl> url = ParseHttpUrl(c.url);
    ASSERT_TRUE(url.ok()) << c.url << " " << url.status();
    EXPECT_EQ(url->https, c.https) << c.url;
    EXPECT_EQ(url->host, c.host) << c.url;
    EXPECT_EQ(url->loopback, c.loopback) << c.url;
    EXPECT_EQ(url->path, c.path) << c.url;
  }
}

TEST(UrlTest, RefusesEverythingDoubtful) {
  for (const std::string url : {"",
                                "api.pinterest.com",
                                "ftp://h",
                                "HTTPS://h",
                                "https://",
                                "https:///v5",
                                "https://:80",
                                "https://user@h",
                                "https://u:p@h",
                                "http://127.0.0.1@evil.example",
                                "http://evil.example\\@127.0.0.1",
                                "https://h#f",
                                "https://h/a b",
                                "https://h/\r\nX: y",
                                "https://h:0",
                                "https://h:65536",
                                "https://h:",
                                "https://h:8a",
                                "https://h:+80",
                                "https://h:000080",
                                "https://[::1",
                                "https://[]",
                                "https://[::1]80",
                                "https://[::1%25eth0]",
                                "https://h_st",
                                "https://h\xC3\xA4",
                                "https://h/\x7F"}) {
    const absl::StatusOr<HttpUrl> parsed = ParseHttpUrl(url);
    EXPECT_FALSE(parsed.ok()) << url;
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status()));
    EXPECT_EQ(parsed.status().message().find("evil"), std::string::npos);
  }
}

TEST(UrlTest, EncodesAllButTheUnreserved) {
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncode("a+b/c=&#% \xFF"), "a%2Bb%2Fc%3D%26%23%25%20%FF");
}

}  // namespace
}  // namespace connector::pinterest
