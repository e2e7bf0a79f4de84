#include "connector/server/listen_address.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::server {
namespace {

ListenAddress Parse(absl::string_view text) {
  auto address = ParseListenAddress(text);
  EXPECT_TRUE(address.ok()) << text << ": " << address.status();
  return address.ok() ? *address : ListenAddress();
}

TEST(ListenAddressTest, ReadsUnixSockets) {
  EXPECT_EQ(Parse("unix:/run/x/c.sock").socket_path, "/run/x/c.sock");
  EXPECT_EQ(Parse("unix:/run/x/c.sock").ToString(), "unix:/run/x/c.sock");
  EXPECT_EQ(Parse("unix:///run/c.sock").socket_path, "/run/c.sock");
  ASSERT_EQ(chdir("/tmp"), 0);
  const ListenAddress relative = Parse("unix:c.sock");
  EXPECT_EQ(relative.socket_path, "/tmp/c.sock");
}

TEST(ListenAddressTest, TellsLoopbackFromTheRest) {
  for (const char* text : {"127.0.0.1:0", "127.8.9.1:7070", "[::1]:7070",
                           "localhost:7070", "LOCALHOST:1"}) {
    EXPECT_TRUE(Parse(text).loopback) << text;
  }
  for (const char* text :
       {"0.0.0.0:7070", "[::]:7070", "10.0.0.1:7070", "[fe80::1]:7070",
        "connector.example.com:7070", "127.0.0.1.example.com:7070",
        "localhost.example.com:1", "[::ffff:127.0.0.1]:7070"}) {
    EXPECT_FALSE(Parse(text).loopback) << text;
  }
}

TEST(ListenAddressTest, ShowsWhatAClientDials) {
  EXPECT_EQ(Parse("127.0.0.1:7070").ToString(), "127.0.0.1:7070");
  EXPECT_EQ(Parse("[::1]:7070").ToString(), "[::1]:7070");
  EXPECT_EQ(Parse("localhost:0").ToString(), "127.0.0.1:0");
}

TEST(ListenAddressTest, RefusesTheRestAndNamesTheFlag) {
  for (const std::string& text : std::vector<std::string>{
           "", "unix:", "unix:/tmp/", "127.0.0.1", "127.0.0.1:", ":7070",
           "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:7o", "::1:7070",
           "[::1:7070", "[nonsense]:7070", "a b:1", "host/path:1",
           "http://127.0.0.1:1", absl::StrCat("unix:/", std::string(107, 'x')),
           std::string("unix:/a\0b", 9)}) {
    const auto address = ParseListenAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(std::string(address.status().message()),
                testing::StartsWith("--listen: "));
  }
}

}  // namespace
}  // namespace connector::server
