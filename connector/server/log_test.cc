#include "connector/server/log.h"

#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::server {
namespace {

TEST(LogTest, WritesPairs) {
  EXPECT_EQ(LogLine("started", {}), "event=started");
  EXPECT_EQ(LogLine("started", {{"version", "0.1.0"}, {"why", "a b \"c\" {}"}}),
            R"(event=started version=0.1.0 why="a b \"c\" {}")");
  EXPECT_EQ(LogLine("x", {{"empty", ""}}), R"(event=x empty="")");
}

TEST(LogTest, NeverWritesPersonalDataOrTokens) {
  const std::string hash(64, 'a');
  for (const std::string& secret : std::vector<std::string>{
           "ann@example.com", hash, "38400000-8cf0-11bd-b23e-10b96e40000d",
           "384000008cf011bdb23e10b96e40000d", "pina_ABCDEF123",
           "pinr_ABCDEF123"}) {
    const std::string line =
        LogLine("x", {{"message", "before " + secret + " after"}});
    EXPECT_FALSE(absl::StrContains(line, secret)) << line;
    EXPECT_THAT(line, testing::HasSubstr("before"));
  }
}

TEST(LogTest, OneEventIsOneLine) {
  const std::string line =
      LogLine("x", {{"message", "a\nevent=forged\r\x1b["}});
  EXPECT_FALSE(absl::StrContains(line, '\n'));
  EXPECT_FALSE(absl::StrContains(line, '\r'));
  EXPECT_FALSE(absl::StrContains(line, '\x1b'));
}

TEST(LogTest, WritesToStandardErrorFromTheChosenLevelOn) {
  testing::internal::CaptureStderr();
  SetLogLevel(LogLevel::kWarning);
  Log(LogLevel::kInfo, "quiet");
  Log(LogLevel::kError, "loud", {{"a", "{b}"}});
  SetLogLevel(LogLevel::kInfo);
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_THAT(out, testing::MatchesRegex(
                       "time=[-0-9]+T[0-9:.]+Z level=error event=loud "
                       "a=\"\\{b\\}\"\n"));
}

TEST(LogTest, ReadsLevels) {
  EXPECT_EQ(*ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(*ParseLogLevel("warning"), LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("loud").ok());
  EXPECT_FALSE(ParseLogLevel("").ok());
}

}  // namespace
}  // namespace connector::server
