#include "tests/e2e/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace e2e {

std::unique_ptr<Process> Process::Start(
    const std::vector<std::string>& command, const std::string& output_file,
    const std::map<std::string, std::string>& environment) {
  const size_t output_start = ReadFile(output_file).size();
  const pid_t pid = fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    const int out =
        open(output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    for (const auto& [name, value] : environment) {
      setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  return std::unique_ptr<Process>(new Process(pid, output_file, output_start));
}

Process::~Process() {
  if (Running()) Kill();
}

std::string Process::AwaitLine(const std::string& prefix) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (absl::Now() < deadline) {
    const bool running = Running();
    const std::string output = ReadFile(output_file_).substr(output_start_);
    for (absl::string_view line : absl::StrSplit(output, '\n')) {
      const bool whole =
          line.data() + line.size() < output.data() + output.size();
      if (whole && absl::StartsWith(line, prefix)) {
        return std::string(line.substr(prefix.size()));
      }
    }
    if (!running) return "";
    absl::SleepFor(absl::Milliseconds(5));
  }
  return "";
}

void Process::Signal(int signal) {
  if (Running()) kill(pid_, signal);
}

bool Process::Running() {
  if (ended_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  ended_ = true;
  result_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return false;
}

int Process::Wait() {
  if (!ended_) {
    int status = 0;
    waitpid(pid_, &status, 0);
    ended_ = true;
    result_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  return result_;
}

void Process::Kill() {
  Signal(SIGKILL);
  Wait();
}

int64_t Process::PeakMemory() {
  std::istringstream status(ReadFile(absl::StrCat("/proc/", pid_, "/status")));
  std::string line;
  while (std::getline(status, line)) {
    if (absl::StartsWith(line, "VmHWM:")) {
      return std::strtoll(line.c_str() + 6, nullptr, 10) * 1024;
    }
  }
  return 0;
}

Output RunProgram(const std::vector<std::string>& command,
                  const std::map<std::string, std::string>& environment) {
  const std::string file = absl::StrCat(std::getenv("TEST_TMPDIR"), "/output-",
                                        absl::GetCurrentTimeNanos());
  Output output;
  auto process = Process::Start(command, file, environment);
  output.exit_code = process->Wait();
  output.text = ReadFile(file);
  return output;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
}

}  // namespace e2e
