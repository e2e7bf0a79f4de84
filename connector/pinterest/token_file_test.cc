#include "connector/pinterest/token_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

class FileTokenSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = absl::StrCat(testing::TempDir(), "/token_file_XXXXXX");
    ASSERT_NE(mkdtemp(dir_.data()), nullptr);
    source_ = *FileTokenSource::Create(dir_, "token");
  }

  std::string Path() const { return dir_ + "/token"; }

  void Write(const std::string& content, mode_t mode = 0600) {
    std::ofstream(Path(), std::ios::binary | std::ios::trunc) << content;
    ASSERT_EQ(chmod(Path().c_str(), mode), 0);
  }

  void Replace(const std::string& content) {
    const std::string next = dir_ + "/next";
    std::ofstream(next, std::ios::binary | std::ios::trunc) << content;
    ASSERT_EQ(chmod(next.c_str(), 0600), 0);
    ASSERT_EQ(rename(next.c_str(), Path().c_str()), 0);
  }

  void ExpectUnusable(absl::string_view why) {
    const absl::StatusOr<std::string> token = source_->AccessToken();
    ASSERT_FALSE(token.ok());
    EXPECT_TRUE(absl::IsFailedPrecondition(token.status()));
    EXPECT_TRUE(absl::StrContains(token.status().message(), why))
        << token.status();
    EXPECT_TRUE(absl::StrContains(token.status().message(), "\"token\""));
    EXPECT_FALSE(absl::StrContains(token.status().ToString(), "s3cr3t"));
  }

  std::string dir_;
  std::unique_ptr<FileTokenSource> source_;
};

TEST_F(FileTokenSourceTest, GivesTheTokenWithoutBlanksAroundIt) {
  for (const char* content :
       {"s3cr3t", "s3cr3t\n", "s3cr3t\r\n", "  s3cr3t \n\n", "\ts3cr3t"}) {
    Write(content);
    EXPECT_EQ(source_->AccessToken().value(), "s3cr3t");
  }
  Write("s3cr3t", 0400);
  EXPECT_TRUE(source_->AccessToken().ok());
}

TEST_F(FileTokenSourceTest, SeesEveryReplacementAtOnce) {
  Write("one");
  EXPECT_EQ(source_->AccessToken().value(), "one");
  Replace("two");
  EXPECT_EQ(source_->AccessToken().value(), "two");
  Write("six");  // In place, same size, within one tick of the clock.
  EXPECT_EQ(source_->AccessToken().value(), "six");
  ASSERT_EQ(unlink(Path().c_str()), 0);
  ExpectUnusable("is not there");
  Write("back");
  EXPECT_EQ(source_->AccessToken().value(), "back");
}

TEST_F(FileTokenSourceTest, ReadsAWholeTokenWhileItIsReplaced) {
  const std::string a(1000, 'a');
  const std::string b(2000, 'b');
  Write(a);
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) {
      const absl::StatusOr<std::string> token = source_->AccessToken();
      ASSERT_TRUE(token.ok()) << token.status();
      ASSERT_TRUE(*token == a || *token == b);
    }
  });
  for (int i = 0; i < 500; ++i) Replace(i % 2 == 0 ? b : a);
  stop = true;
  reader.join();
}

TEST_F(FileTokenSourceTest, RefusesWhatOthersCanRead) {
  for (const mode_t mode : {0640, 0604, 0660, 0602, 0610, 0777}) {
    Write("s3cr3t", mode);
    ExpectUnusable("chmod 600 token");
  }
}

TEST_F(FileTokenSourceTest, RefusesContentThatIsNoToken) {
  Write("");
  ExpectUnusable("is empty");
  Write(" \n\n ");
  ExpectUnusable("is empty");
  Write("s3cr3t\nsecond");
  ExpectUnusable("one line");
  Write("s3cr3t more");
  ExpectUnusable("without blanks");
  Write("s3cr3t\x01");
  ExpectUnusable("printable");
  Write(std::string("s3cr3t\0x", 8));
  ExpectUnusable("printable");
  Write("s3cr3t\xC3\xA4");
  ExpectUnusable("printable");
  Write(std::string(4097, 's'));
  ExpectUnusable("4 KiB");
  Write(std::string(4096, 's'));
  EXPECT_TRUE(source_->AccessToken().ok());
}

TEST_F(FileTokenSourceTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(mkdir(Path().c_str(), 0700), 0);
  ExpectUnusable("regular file");
  ASSERT_EQ(rmdir(Path().c_str()), 0);
  ASSERT_EQ(mkfifo(Path().c_str(), 0600), 0);
  ExpectUnusable("regular file");
}

TEST_F(FileTokenSourceTest, FollowsTheLinksOfSecretManagers) {
  ASSERT_EQ(mkdir((dir_ + "/..data").c_str(), 0700), 0);
  std::ofstream(dir_ + "/..data/token") << "s3cr3t\n";
  ASSERT_EQ(chmod((dir_ + "/..data/token").c_str(), 0600), 0);
  ASSERT_EQ(symlink("..data/token", Path().c_str()), 0);
  EXPECT_EQ(source_->AccessToken().value(), "s3cr3t");
}

TEST_F(FileTokenSourceTest, TakesFileNamesOnly) {
  for (const std::string name :
       {"", ".", "..", "../token", "a/b", "/etc/passwd", ".hidden", "a b",
        "a\nb", "t\xC3\xB6ken"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(FileTokenSource::Create(dir_, name).status()))
        << name;
  }
  EXPECT_FALSE(FileTokenSource::Create(dir_, std::string(256, 'a')).ok());
  EXPECT_FALSE(FileTokenSource::Create("", "token").ok());
  EXPECT_TRUE(FileTokenSource::Create(dir_, "Ads-1_eu.token").ok());
}

TEST_F(FileTokenSourceTest,
       AfterARefusalGivesAnotherTokenOnlyIfTheFileHoldsOne) {
  Write("pina_old\n");
  const absl::Status same = source_->AnotherToken("pina_old").status();
  EXPECT_EQ(same.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(absl::StrContains(same.message(), "pina_old"));
  Write("pina_new\n");
  EXPECT_EQ(source_->AnotherToken("pina_old").value(), "pina_new");
}

}  // namespace
}  // namespace connector::pinterest
