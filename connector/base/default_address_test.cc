#include "connector/base/default_address.h"

#include <stdlib.h>

#include "gtest/gtest.h"

namespace connector {
namespace {

TEST(DefaultAddressTest, LiesInTheRuntimeDirectory) {
  EXPECT_EQ(DefaultSocketPath("/run/user/1000", 1000),
            "/run/user/1000/audience-connector/connector.sock");
  EXPECT_EQ(DefaultSocketPath("/run/user/1000/", 1000),
            "/run/user/1000/audience-connector/connector.sock");
}

TEST(DefaultAddressTest, FallsBackToADirectoryNamedByTheUser) {
  EXPECT_EQ(DefaultSocketPath("", 1000),
            "/tmp/audience-connector-1000/connector.sock");
  EXPECT_EQ(DefaultSocketPath("relative/dir", 0),
            "/tmp/audience-connector-0/connector.sock");
}

TEST(DefaultAddressTest, ReadsTheEnvironment) {
  ASSERT_EQ(setenv("XDG_RUNTIME_DIR", "/run/here", 1), 0);
  EXPECT_EQ(DefaultAddress(),
            "unix:/run/here/audience-connector/connector.sock");
}

}  // namespace
}  // namespace connector
