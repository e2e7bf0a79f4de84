#ifndef TESTS_E2E_PROCESS_H_
#define TESTS_E2E_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace e2e {

// A program that a test runs. Killed, at the latest, when this goes away.
class Process {
 public:
  // Starts it; output goes to `output_file` (made anew or appended to).
  static std::unique_ptr<Process> Start(
      const std::vector<std::string>& command, const std::string& output_file,
      const std::map<std::string, std::string>& environment = {});
  ~Process();

  // Waits until a line of the output starts with `prefix`; the rest of that
  // line, or "" if the program ended or 60 s passed first.
  std::string AwaitLine(const std::string& prefix);

  void Signal(int signal);
  // Exit code, or minus the signal that ended it.
  int Wait();
  // kill -9, and waits.
  void Kill();
  bool Running();
  // Resident memory in bytes, the most there was.
  int64_t PeakMemory();
  pid_t pid() const { return pid_; }

 private:
  Process(pid_t pid, std::string output_file, size_t output_start)
      : pid_(pid),
        output_file_(std::move(output_file)),
        output_start_(output_start) {}

  pid_t pid_;
  bool ended_ = false;
  int result_ = 0;
  const std::string output_file_;
  const size_t output_start_;
};

struct Output {
  int exit_code = 0;
  std::string text;  // standard output and standard error
};

// Runs a program to its end.
Output RunProgram(const std::vector<std::string>& command,
                  const std::map<std::string, std::string>& environment = {});

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& content);

}  // namespace e2e

#endif  // TESTS_E2E_PROCESS_H_
