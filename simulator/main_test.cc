// The program itself: first line, signals, flags.

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "simulator/test_client.h"

namespace simulator {
namespace {

// A started pinterest_simulator with its standard output on a pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> flags) {
    int pipe_fds[2];
    EXPECT_EQ(pipe(pipe_fds), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipe_fds[0]);
    flags.insert(flags.begin(), "simulator/pinterest_simulator");
    std::vector<char*> argv;
    for (std::string& flag : flags) argv.push_back(flag.data());
    argv.push_back(nullptr);
    EXPECT_EQ(
        posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_fds[1]);
    output_ = fdopen(pipe_fds[0], "r");
  }
  ~Program() { fclose(output_); }

  std::string ReadLine() {
    char line[200] = "";
    return fgets(line, sizeof(line), output_) == nullptr ? "" : line;
  }

  // The exit code, -1 for a death by signal.
  int Wait() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void Signal(int signal) { kill(pid_, signal); }

 private:
  pid_t pid_ = 0;
  FILE* output_ = nullptr;
};

TEST(ProgramTest, SaysItsPortServesAndStopsOnSignals) {
  for (int signal : {SIGTERM, SIGINT}) {
    Program program({"--port=0", "--token=pina_right", "--ad_accounts=12"});
    std::string line = program.ReadLine();
    absl::string_view rest = line;
    ASSERT_TRUE(absl::ConsumePrefix(&rest, "listening on 127.0.0.1:")) << line;
    ASSERT_TRUE(absl::ConsumeSuffix(&rest, "\n"));
    TestClient client(absl::StrCat("http://127.0.0.1:", rest));
    EXPECT_EQ(client.Send("GET", "/v5/ad_accounts/12", "", "pina_right").status,
              200);
    EXPECT_EQ(client.Send("GET", "/v5/ad_accounts/34", "", "pina_right").status,
              404);
    EXPECT_EQ(client.Send("GET", "/v5/ad_accounts/12", "", "pina_wrong").status,
              401);
    program.Signal(signal);
    EXPECT_EQ(program.Wait(), 0);
  }
}

TEST(ProgramTest, SwitchesCanBeFlags) {
  Program program({"--switches={\"max_records_per_request\": 1}",
                   "--match_rate=0.5", "--rate_limits=off"});
  std::string line = program.ReadLine();
  absl::string_view rest = line;
  ASSERT_TRUE(absl::ConsumePrefix(&rest, "listening on "));
  absl::ConsumeSuffix(&rest, "\n");
  TestClient client(absl::StrCat("http://", rest));
  nlohmann::json switches = client.Get("/_simulator/switches").Json();
  EXPECT_EQ(switches["max_records_per_request"], 1);
  EXPECT_EQ(switches["match_rate"], 0.5);
  EXPECT_EQ(client.Get("/v5/ad_accounts").headers.count("x-ratelimit-limit"),
            0u);
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0);
}

TEST(ProgramTest, BadFlagsEndWithAnError) {
  for (const char* flag :
       {"--switches={\"no_such\": 1}", "--switches=[", "--match_rate=2",
        "--rate_limits=odd", "--time_scale=0", "--tls_cert=only.pem"}) {
    Program program({flag});
    EXPECT_EQ(program.Wait(), 2) << flag;
    EXPECT_EQ(program.ReadLine(), "");
  }
}

}  // namespace
}  // namespace simulator
