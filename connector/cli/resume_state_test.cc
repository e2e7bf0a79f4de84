#include "connector/cli/resume_state.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace connector::cli {
namespace {

std::string Directory(const std::string& name) {
  return testing::TempDir() + "/" + name + "/deeper/audiencectl";
}

bool Exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

TEST(ResumeStateTest, RemembersAnUnfinishedExport) {
  const std::string directory = Directory("remembers");
  {
    auto state = ResumeState::Open(directory, "key");
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_FALSE((*state)->saved().has_value());
    ASSERT_TRUE((*state)->Save({"export-1", ""}).ok());
    ASSERT_TRUE((*state)->Save({"export-1", "history-1"}).ok());
  }
  auto again = ResumeState::Open(directory, "key");
  ASSERT_TRUE(again.ok());
  ASSERT_TRUE((*again)->saved().has_value());
  EXPECT_EQ((*again)->saved()->export_id, "export-1");
  EXPECT_EQ((*again)->saved()->history_id, "history-1");
  auto other = ResumeState::Open(directory, "other key");
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE((*other)->saved().has_value());
}

TEST(ResumeStateTest, OnlyItsOwnerCanReadIt) {
  const std::string directory = Directory("owner");
  auto state = ResumeState::Open(directory, "key");
  ASSERT_TRUE(state.ok());
  struct stat info;
  ASSERT_EQ(stat(directory.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((directory + "/key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(ResumeStateTest, AFinishedExportLeavesNoFile) {
  const std::string directory = Directory("finished");
  auto state = ResumeState::Open(directory, "key");
  ASSERT_TRUE(state.ok());
  ASSERT_TRUE((*state)->Save({"export-1", "history-1"}).ok());
  (*state)->Remove();
  EXPECT_FALSE(Exists(directory + "/key"));
  // A later run's file is not this one's to remove.
  auto later = ResumeState::Open(directory, "key");
  ASSERT_TRUE(later.ok());
  ASSERT_TRUE((*later)->Save({"export-2", "history-1"}).ok());
  state->reset();
  EXPECT_TRUE(Exists(directory + "/key"));
}

TEST(ResumeStateTest, ARunThatNeverSavedLeavesNoFile) {
  const std::string directory = Directory("never");
  { ASSERT_TRUE(ResumeState::Open(directory, "key").ok()); }
  EXPECT_FALSE(Exists(directory + "/key"));
}

TEST(ResumeStateTest, TwoRunsOfOneExportDoNotMeet) {
  const std::string directory = Directory("two");
  auto first = ResumeState::Open(directory, "key");
  ASSERT_TRUE(first.ok());
  const auto second = ResumeState::Open(directory, "key");
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAborted);
}

TEST(ResumeStateTest, ATornFileCountsAsNone) {
  const std::string directory = Directory("torn");
  for (const char* content :
       {"", "audiencectl unfinished export 1\nexport-1\nhist",
        "audiencectl unfinished export 9\nexport-1\nhistory\nend\n",
        "audiencectl unfinished export 1\n\nhistory\nend\n",
        "audiencectl unfinished export 1\nexport-1\nhistory\nend\nmore\n"}) {
    {
      auto state = ResumeState::Open(directory, "key");
      ASSERT_TRUE(state.ok());
      ASSERT_TRUE((*state)->Save({"x", "y"}).ok());
    }
    std::ofstream(directory + "/key") << content;
    auto state = ResumeState::Open(directory, "key");
    ASSERT_TRUE(state.ok());
    EXPECT_FALSE((*state)->saved().has_value()) << content;
  }
}

TEST(ResumeStateTest, ADirectoryThatCannotBeMadeIsNamed) {
  const auto state = ResumeState::Open("/proc/nowhere/state", "key");
  EXPECT_EQ(state.status().code(), absl::StatusCode::kUnknown);
  EXPECT_NE(std::string(state.status().message()).find("/proc/nowhere"),
            std::string::npos);
}

TEST(ResumeStateTest, TheDefaultDirectoryFollowsTheEnvironment) {
  setenv("XDG_STATE_HOME", "/state", 1);
  EXPECT_EQ(DefaultStateDirectory(), "/state/audiencectl");
  setenv("XDG_STATE_HOME", "relative", 1);
  setenv("HOME", "/home/op", 1);
  EXPECT_EQ(DefaultStateDirectory(), "/home/op/.local/state/audiencectl");
  unsetenv("XDG_STATE_HOME");
  unsetenv("HOME");
  EXPECT_EQ(DefaultStateDirectory(), "");
}

}  // namespace
}  // namespace connector::cli
