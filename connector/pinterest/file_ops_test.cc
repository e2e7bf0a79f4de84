#include "connector/pinterest/file_ops.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace connector::pinterest {
namespace {

class FileOpsTest : public testing::Test {
 protected:
  FileOpsTest() {
    directory_ = absl::StrCat(testing::TempDir(), "/file_ops_XXXXXX");
    if (mkdtemp(directory_.data()) == nullptr) std::abort();
  }

  static mode_t Mode(const std::string& path) {
    struct stat status = {};
    return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }

  std::string directory_;
  FileOps& files_ = FileOps::Real();
};

TEST_F(FileOpsTest, ReplacesAFileThatIsItsOwnersAlone) {
  umask(0);
  const std::string path = directory_ + "/name";
  ASSERT_TRUE(ReplaceFile(files_, directory_, "name", "one").ok());
  EXPECT_EQ(*files_.Read(path), "one");
  EXPECT_EQ(Mode(path), 0600u);
  ASSERT_TRUE(ReplaceFile(files_, directory_, "name", "").ok());
  EXPECT_EQ(*files_.Read(path), "");
  EXPECT_NE(access(TemporaryPath(directory_, "name").c_str(), F_OK), 0);
}

TEST_F(FileOpsTest, WritingCutsToTheNewSize) {
  const std::string path = directory_ + "/name";
  ASSERT_TRUE(files_.Write(path, std::string(10'000, 'x')).ok());
  chmod(path.c_str(), 0644);
  ASSERT_TRUE(files_.Write(path, "short").ok());
  EXPECT_EQ(*files_.Read(path), "short");
  EXPECT_EQ(Mode(path), 0600u);
}

TEST_F(FileOpsTest, ALinkInTheWayIsNotFollowed) {
  const std::string path = directory_ + "/name";
  ASSERT_EQ(symlink("/dev/null", path.c_str()), 0);
  EXPECT_FALSE(files_.Write(path, "secret").ok());
}

TEST_F(FileOpsTest, TellsWhatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(files_.Read(directory_ + "/none").status()));
  EXPECT_TRUE(files_.Remove(directory_ + "/none").ok());
  EXPECT_FALSE(files_.Rename(directory_ + "/none", directory_ + "/x").ok());
  EXPECT_FALSE(files_.SyncDirectory(directory_ + "/none").ok());
}

}  // namespace
}  // namespace connector::pinterest
