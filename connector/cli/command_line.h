#ifndef CONNECTOR_CLI_COMMAND_LINE_H_
#define CONNECTOR_CLI_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "connector/cli/command.h"

namespace connector::cli {

// Arguments with the flags taken out.
struct CommandLine {
  // The command's name and its arguments.
  std::vector<std::string> words;
  // Names of the flags that were given, in order.
  std::vector<std::string> flags;
  bool help = false;
};

// Sets the process's flags from `arguments` (without the program's name): as
// "--name=value", "--name value", and "--name" or "--noname" for a bool, before
// or after the command; what follows "--" is no flag. INVALID_ARGUMENT for an
// unknown flag or a value it does not take.
absl::StatusOr<CommandLine> ParseArguments(
    const std::vector<std::string>& arguments);

// The whole of audiencectl: parses, runs the command, returns the exit code.
int RunCommandLine(const std::vector<std::string>& arguments,
                   const CommandEnvironment& environment);

// Every command, in the order of the help text.
const std::vector<Command>& AllCommands();

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_COMMAND_LINE_H_
