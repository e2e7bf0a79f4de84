#include "connector/server/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::server {
namespace {

using testing::HasSubstr;

// Short: the path of a socket has at most 107 bytes.
class UnixSocketTest : public testing::Test {
 protected:
  UnixSocketTest() {
    std::string name = "/tmp/ac-socket-test-XXXXXX";
    root_ = mkdtemp(name.data());
    directory_ = absl::StrCat(root_, "/d");
    path_ = absl::StrCat(directory_, "/c.sock");
  }
  ~UnixSocketTest() override {
    unlink(path_.c_str());
    if (rmdir(directory_.c_str()) != 0) unlink(directory_.c_str());
    rmdir(root_.c_str());
  }

  // A bound socket; listening if asked for.
  int Bind(bool listening) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path_.data(), path_.size());
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
              0);
    EXPECT_TRUE(!listening || listen(fd, 1) == 0);
    return fd;
  }
  static mode_t Mode(const std::string& path) {
    struct stat state = {};
    EXPECT_EQ(lstat(path.c_str(), &state), 0);
    return state.st_mode & 0777;
  }
  bool Exists() { return access(path_.c_str(), F_OK) == 0; }

  std::string root_;
  std::string directory_;
  std::string path_;
};

TEST_F(UnixSocketTest, MakesThePrivateDirectory) {
  EXPECT_TRUE(PrepareUnixSocket(path_).ok());
  EXPECT_EQ(Mode(directory_), 0700);
  EXPECT_TRUE(PrepareUnixSocket(path_).ok());
}

TEST_F(UnixSocketTest, RefusesADirectoryThatOthersCanReach) {
  for (const mode_t mode : {0750, 0705, 0720, 0777, 0701}) {
    mkdir(directory_.c_str(), 0700);
    chmod(directory_.c_str(), mode);
    const absl::Status status = PrepareUnixSocket(path_);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << mode;
    EXPECT_THAT(std::string(status.message()), HasSubstr("of mode 0700"));
  }
}

TEST_F(UnixSocketTest, RefusesADirectoryBehindASymbolicLink) {
  ASSERT_EQ(symlink("/", directory_.c_str()), 0);
  EXPECT_EQ(PrepareUnixSocket(path_).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(UnixSocketTest, RefusesADirectoryWhoseParentIsMissing) {
  EXPECT_EQ(PrepareUnixSocket(absl::StrCat(root_, "/x/y/c.sock")).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(UnixSocketTest, RemovesASocketThatNobodyAnswersOn) {
  mkdir(directory_.c_str(), 0700);
  close(Bind(false));
  ASSERT_TRUE(Exists());
  EXPECT_TRUE(PrepareUnixSocket(path_).ok());
  EXPECT_FALSE(Exists());
}

TEST_F(UnixSocketTest, LeavesASocketThatSomebodyAnswersOn) {
  mkdir(directory_.c_str(), 0700);
  const int fd = Bind(true);
  EXPECT_EQ(PrepareUnixSocket(path_).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Exists());
  close(fd);
}

TEST_F(UnixSocketTest, LeavesAFileThatIsNoSocket) {
  mkdir(directory_.c_str(), 0700);
  std::ofstream(path_) << "precious";
  EXPECT_EQ(PrepareUnixSocket(path_).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Exists());
}

TEST_F(UnixSocketTest, RestrictsTheSocketToItsOwner) {
  mkdir(directory_.c_str(), 0700);
  close(Bind(false));
  EXPECT_TRUE(RestrictUnixSocket(path_).ok());
  EXPECT_EQ(Mode(path_), 0600);
  unlink(path_.c_str());
  EXPECT_FALSE(RestrictUnixSocket(path_).ok());
}

}  // namespace
}  // namespace connector::server
