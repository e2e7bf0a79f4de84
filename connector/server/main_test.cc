// The real program: its first line, its exit codes, what it leaves behind.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace connector::server {
namespace {

using testing::HasSubstr;

class MainTest : public testing::Test {
 protected:
  MainTest() {
    std::string name = "/tmp/ac-main-test-XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~MainTest() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    const std::string command = absl::StrCat("rm -rf ", root_);
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

  std::string Path(absl::string_view name) {
    return absl::StrCat(root_, "/", name);
  }

  std::vector<std::string> Flags() {
    return {absl::StrCat("--listen=unix:", Path("run/c.sock")),
            absl::StrCat("--state_dir=", Path("a/b/state")),
            absl::StrCat("--credentials_dir=", Path("credentials"))};
  }

  // Starts the program; its standard output comes through `out_`.
  void Start(const std::vector<std::string>& flags) {
    const std::string program = absl::StrCat(
        std::getenv("TEST_SRCDIR"), "/", std::getenv("TEST_WORKSPACE"),
        "/connector/server/audience_connector");
    int pipe_ends[2];
    ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    const std::string error_file = Path("stderr");
    pid_ = fork();
    if (pid_ == 0) {
      // Not to outlive a test that crashed.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(pipe_ends[1], STDOUT_FILENO);
      dup2(open(error_file.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600),
           STDERR_FILENO);
      std::vector<char*> arguments = {const_cast<char*>(program.c_str())};
      for (const std::string& flag : flags) {
        arguments.push_back(const_cast<char*>(flag.c_str()));
      }
      arguments.push_back(nullptr);
      execv(program.c_str(), arguments.data());
      _exit(127);
    }
    close(pipe_ends[1]);
    out_ = fdopen(pipe_ends[0], "r");
  }

  // The next line of standard output, without its end; "" at the end.
  std::string Line() {
    std::string line;
    for (int c; (c = fgetc(out_)) != EOF && c != '\n';) {
      line.push_back(static_cast<char>(c));
    }
    return line;
  }

  int ExitCode() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    fclose(out_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string Errors() {
    std::ifstream file(Path("stderr"));
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  std::string root_;
  pid_t pid_ = 0;
  FILE* out_ = nullptr;
};

TEST_F(MainTest, SaysWhereItListensAndStopsOnSigterm) {
  Start(Flags());
  EXPECT_EQ(Line(), absl::StrCat("listening on unix:", Path("run/c.sock")));
  EXPECT_EQ(access(Path("run/c.sock").c_str(), F_OK), 0);
  struct stat state = {};
  ASSERT_EQ(stat(Path("a/b/state").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0700);
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
  EXPECT_NE(access(Path("run/c.sock").c_str(), F_OK), 0);
  EXPECT_THAT(Errors(), HasSubstr("event=started"));
  EXPECT_THAT(Errors(), HasSubstr("event=stopped"));
}

TEST_F(MainTest, StartsAgainOnWhatAKillLeftBehind) {
  Start(Flags());
  ASSERT_THAT(Line(), HasSubstr("listening on"));
  kill(pid_, SIGKILL);
  EXPECT_EQ(ExitCode(), -SIGKILL);
  EXPECT_EQ(access(Path("run/c.sock").c_str(), F_OK), 0);
  Start(Flags());
  EXPECT_THAT(Line(), HasSubstr("listening on")) << Errors();
  kill(pid_, SIGINT);
  EXPECT_EQ(ExitCode(), 0);
}

TEST_F(MainTest, ResolvesTheFreePort) {
  std::vector<std::string> flags = Flags();
  flags[0] = "--listen=localhost:0";
  Start(flags);
  const std::string line = Line();
  EXPECT_THAT(line, testing::MatchesRegex("listening on 127.0.0.1:[1-9].*"));
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
}

TEST_F(MainTest, WritesNoCore) {
  Start(Flags());
  ASSERT_THAT(Line(), HasSubstr("listening on"));
  std::ifstream limits(absl::StrCat("/proc/", pid_, "/limits"));
  const std::string text(std::istreambuf_iterator<char>(limits), {});
  EXPECT_THAT(text, testing::ContainsRegex("Max core file size +0 +0 "));
  // Not dumpable: the files of the process belong to root.
  struct stat state = {};
  ASSERT_EQ(stat(absl::StrCat("/proc/", pid_, "/status").c_str(), &state), 0);
  EXPECT_EQ(state.st_uid, 0u);
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
}

TEST_F(MainTest, NamesEveryFlagThatIsWrong) {
  std::vector<std::string> flags = Flags();
  flags.push_back("--delivery_workers=0");
  flags.push_back("--sort_memory_mb=1000000");
  flags.push_back("--log_level=loud");
  Start(flags);
  EXPECT_EQ(Line(), "");
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(Errors(), HasSubstr("--delivery_workers: "));
  EXPECT_THAT(Errors(), HasSubstr("--sort_memory_mb: "));
  EXPECT_THAT(Errors(), HasSubstr("--log_level: "));
}

TEST_F(MainTest, RefusesAnAddressThatIsNotLoopback) {
  std::vector<std::string> flags = Flags();
  flags[0] = "--listen=0.0.0.0:0";
  Start(flags);
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(Errors(), HasSubstr("--listen: without TLS"));
}

TEST_F(MainTest, TheHttpEdgeListensOnLoopbackOnlyAndWantsItsToken) {
  std::vector<std::string> flags = Flags();
  ASSERT_EQ(mkdir(Path("credentials").c_str(), 0700), 0);
  const std::string token = Path("credentials/http-token");
  const auto refused = [&](std::vector<std::string> more) {
    std::vector<std::string> all = flags;
    all.insert(all.end(), more.begin(), more.end());
    Start(all);
    const std::string line = Line();
    EXPECT_EQ(line, "");
    if (!line.empty()) kill(pid_, SIGKILL);  // it would run on and on
    EXPECT_EQ(ExitCode(), 2);
    EXPECT_THAT(Errors(), testing::Not(HasSubstr("canary")));
    return Errors();
  };
  // No token file yet.
  EXPECT_THAT(refused({"--http_listen=127.0.0.1:0"}),
              testing::AllOf(HasSubstr("--http_token_file: "),
                             HasSubstr("\"http-token\": is not there")));
  const auto write = [&](const std::string& content, mode_t mode) {
    std::ofstream(token) << content;
    ASSERT_EQ(chmod(token.c_str(), mode), 0);
  };
  write("canary\n", 0644);
  EXPECT_THAT(refused({"--http_listen=127.0.0.1:0"}),
              HasSubstr("group and others must have no access"));
  write("", 0600);
  EXPECT_THAT(refused({"--http_listen=127.0.0.1:0"}), HasSubstr("is empty"));
  write("canary canary\n", 0600);
  EXPECT_THAT(refused({"--http_listen=127.0.0.1:0"}),
              HasSubstr("without blanks inside"));
  write("canary1\ncanary2\ncanary3\n", 0600);
  EXPECT_THAT(refused({"--http_listen=127.0.0.1:0"}),
              HasSubstr("must hold at most 2 lines"));
  write("canary1\n\ncanary2\n", 0600);
  for (const char* address :
       {"0.0.0.0:0", "[::]:0", "10.0.0.1:80", "example.com:80", "127.0.0.1",
        "127.0.0.1:65536", "unix:/tmp/x", "8086"}) {
    EXPECT_THAT(refused({absl::StrCat("--http_listen=", address)}),
                HasSubstr("--http_listen: must be 127.0.0.1:PORT"))
        << address;
  }
  for (const char* name : {"../http-token", "a/b", ".hidden"}) {
    EXPECT_THAT(refused({"--http_listen=127.0.0.1:0",
                         absl::StrCat("--http_token_file=", name)}),
                HasSubstr("--http_token_file: must be the name of a file"))
        << name;
  }
  // With all of it right it starts.
  flags.push_back("--http_listen=127.0.0.1:0");
  Start(flags);
  EXPECT_THAT(Line(), HasSubstr("listening on")) << Errors();
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
}

TEST_F(MainTest, RefusesAMalformedConfigurationWithEveryFieldPath) {
  std::ofstream(Path("bad.textproto")) << R"(
      credentials { credential_id: "Main!" access_token_file: "main.token" }
      destinations { ad_account_id: "12x" credential_id: "main" })";
  std::vector<std::string> flags = Flags();
  flags.push_back(absl::StrCat("--config=", Path("bad.textproto")));
  Start(flags);
  EXPECT_EQ(Line(), "");
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(Errors(), HasSubstr("credentials[0].credential_id: "));
  EXPECT_THAT(Errors(), HasSubstr("destinations[0].ad_account_id: "));
  EXPECT_NE(access(Path("a").c_str(), F_OK), 0);
}

TEST_F(MainTest, ASecondProcessOnTheSameStateIsToldWhy) {
  Start(Flags());
  ASSERT_THAT(Line(), HasSubstr("listening on"));
  const pid_t first = pid_;
  FILE* const first_out = out_;
  std::vector<std::string> flags = Flags();
  flags[0] = "--listen=127.0.0.1:0";
  Start(flags);
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(Errors(), HasSubstr("another process"));
  pid_ = first;
  out_ = first_out;
  kill(pid_, SIGTERM);
  EXPECT_EQ(ExitCode(), 0);
}

TEST_F(MainTest, TakesNoArguments) {
  std::vector<std::string> flags = Flags();
  flags.push_back("serve");
  Start(flags);
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(Errors(), HasSubstr("flags only"));
}

TEST_F(MainTest, RefusesAFlagThatIsNoneAndAValueThatIsNoNumber) {
  std::vector<std::string> flags = Flags();
  flags.push_back("--no_such_flag=pina_canary");
  flags.push_back("--delivery_workers=pina_canary");
  flags.push_back("--allow_core_dumps=pina_canary");
  flags.push_back("--nolisten");
  flags.push_back("--state_dir");
  Start(flags);
  EXPECT_EQ(Line(), "");
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(Errors(), HasSubstr("--no_such_flag: is no flag"));
  EXPECT_THAT(Errors(), HasSubstr("--delivery_workers: must be a whole"));
  EXPECT_THAT(Errors(), HasSubstr("--allow_core_dumps: must be true or"));
  EXPECT_THAT(Errors(), HasSubstr("--nolisten: is no flag"));
  EXPECT_THAT(Errors(), HasSubstr("--state_dir: needs a value"));
  EXPECT_THAT(Errors(), testing::Not(HasSubstr("canary")));
}

TEST_F(MainTest, TellsItsVersionAndItsFlags) {
  Start({"--version"});
  EXPECT_THAT(Line(), testing::MatchesRegex("audience-connector [0-9.]+"));
  EXPECT_EQ(ExitCode(), 0);
  Start({"--help"});
  std::string help;
  while (!feof(out_)) absl::StrAppend(&help, Line(), "\n");
  EXPECT_THAT(help, HasSubstr("--state_dir"));
  EXPECT_THAT(help, HasSubstr("--tls_client_ca_file"));
  ExitCode();
}

}  // namespace
}  // namespace connector::server
