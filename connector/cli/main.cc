#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "connector/cli/command_line.h"
#include "connector/cli/connection.h"

int main(int argc, char** argv) {
  // The memory of an export holds personal data, so it is never dumped; and a
  // closed pipe on standard output is an ordinary end.
  const rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(SIGPIPE, SIG_IGN);

  connector::cli::CommandEnvironment environment;
  environment.connect = connector::cli::Connect;
  environment.clock = &connector::Clock::Real();
  environment.random = &connector::Random::Real();
  environment.sleep = [](absl::Duration delay) { absl::SleepFor(delay); };
  return connector::cli::RunCommandLine(
      std::vector<std::string>(argv + 1, argv + argc), environment);
}
