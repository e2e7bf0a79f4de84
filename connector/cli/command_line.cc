#include "connector/cli/command_line.h"

#include <algorithm>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "connector/base/default_address.h"
#include "connector/cli/commands.h"
#include "connector/cli/connection.h"
#include "connector/cli/exit_code.h"
#include "connector/cli/flags.h"

namespace connector::cli {
namespace {

// Flags that every command takes.
const std::vector<std::string>& CommonFlags() {
  static const auto& flags = *new std::vector<std::string>{
      "address", "json", "call_timeout", "insecure_remote"};
  return flags;
}

bool Contains(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const Command* FindCommand(absl::string_view name) {
  for (const Command& command : AllCommands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

// Only our own flags: the libraries bring some, too.
absl::CommandLineFlag* FindFlag(absl::string_view name) {
  bool ours = Contains(CommonFlags(), name);
  for (const Command& command : AllCommands()) {
    ours = ours || Contains(command.flags, name);
  }
  return ours ? absl::FindCommandLineFlag(name) : nullptr;
}

std::string FlagHelp(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    const std::string value = flag->DefaultValue();
    absl::StrAppend(&text, "  --", name, "\n      ", flag->Help(),
                    value.empty() || flag->IsOfType<bool>()
                        ? ""
                        : absl::StrCat(" (default ", value, ")"),
                    "\n");
  }
  return text;
}

std::string Usage(const Command& command) {
  return absl::StrCat("audiencectl [FLAGS] ", command.name,
                      command.usage.empty() ? "" : " ", command.usage);
}

std::string Help() {
  std::string text =
      "audiencectl operates the audience connector.\n\n"
      "Usage: audiencectl [--address=unix:PATH|HOST:PORT] [--json] COMMAND "
      "…\n\n"
      "Commands:\n";
  for (const Command& command : AllCommands()) {
    absl::StrAppend(&text, "  ", command.name, command.usage.empty() ? "" : " ",
                    command.usage, "\n      ", command.summary, "\n");
  }
  absl::StrAppend(
      &text, "\nFlags of every command:\n", FlagHelp(CommonFlags()),
      "\nExit codes:\n"
      "  0  done\n"
      "  1  the server refused the call, or the call failed\n"
      "  2  wrong command, flag, argument or configuration file\n"
      "  3  check: a check failed\n"
      "  4  export, import: an input file cannot be read or has a bad line\n"
      "  5  drain, export, import or forget --wait: not done in time, or "
      "delivery is blocked\n"
      "  6  export or import --fail_on_rejection: durable, but some of it was "
      "rejected\n"
      "  7  no server answers at the address\n"
      "  8  export: the server's memory is another one; export everything "
      "again\n"
      "\naudiencectl help COMMAND shows a command's own flags.\n");
  return text;
}

std::string HelpOf(const Command& command) {
  std::string text =
      absl::StrCat("Usage: ", Usage(command), "\n\n", command.summary, "\n");
  if (!command.flags.empty()) {
    absl::StrAppend(&text, "\nFlags:\n", FlagHelp(command.flags));
  }
  return text;
}

}  // namespace

const std::vector<Command>& AllCommands() {
  static const auto& commands = *new std::vector<Command>{
      SpecCommand(),          CheckCommand(),
      ApplyCommand(),         GetCommand(),
      ListCommand(),          CredentialsCommand(),
      DeleteCommand(),        DeleteCredentialCommand(),
      PauseCommand(),         ResumeCommand(),
      ExportCommand(),        ImportCommand(),
      ExplainCommand(),       StatusCommand(),
      PreviewCommand(),       RejectionsCommand(),
      DrainCommand(),         LoginCommand(),
      BackupCommand(),        SegmentsCommand(),
      FullSyncCommand(),      ForgetCommand(),
      ForgetReceiptsCommand()};
  return commands;
}

absl::StatusOr<CommandLine> ParseArguments(
    const std::vector<std::string>& arguments) {
  CommandLine line;
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view word = arguments[i];
    if (word == "--") {
      line.words.insert(line.words.end(), arguments.begin() + i + 1,
                        arguments.end());
      break;
    }
    if (word == "-" || !absl::StartsWith(word, "-")) {
      line.words.push_back(arguments[i]);
      continue;
    }
    absl::ConsumePrefix(&word, "-");
    absl::ConsumePrefix(&word, "-");
    if (word == "help" || word == "h") {
      line.help = true;
      continue;
    }
    const size_t equals = word.find('=');
    // --dry-run is --dry_run.
    const std::string name =
        absl::StrReplaceAll(word.substr(0, equals), {{"-", "_"}});
    absl::CommandLineFlag* flag = FindFlag(name);
    std::string value;
    if (equals != absl::string_view::npos) {
      value = std::string(word.substr(equals + 1));
    } else if (flag == nullptr && absl::StartsWith(name, "no")) {
      flag = FindFlag(name.substr(2));
      if (flag != nullptr && !flag->IsOfType<bool>()) flag = nullptr;
      value = "false";
    } else if (flag != nullptr && flag->IsOfType<bool>()) {
      value = "true";
    } else if (flag != nullptr) {
      if (i + 1 >= arguments.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", name, " needs a value"));
      }
      value = arguments[++i];
    }
    if (flag == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no flag --", name));
    }
    std::string error;
    if (!flag->ParseFrom(value, &error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag->Name(), ": not a value it takes",
                       error.empty() ? "" : ": ", error));
    }
    line.flags.push_back(std::string(flag->Name()));
  }
  return line;
}

int RunCommandLine(const std::vector<std::string>& arguments,
                   const CommandEnvironment& environment) {
  absl::StatusOr<CommandLine> line = ParseArguments(arguments);
  const bool json = absl::GetFlag(FLAGS_json);
  const auto fail = [&](const std::string& rule) {
    const CommandContext context(environment, "", json, {});
    return context.FailUsage(
        absl::StrCat(rule, "; audiencectl help shows what there is"));
  };
  if (!line.ok()) return fail(std::string(line.status().message()));
  const bool help_word = !line->words.empty() && line->words[0] == "help";
  if (line->help || help_word) {
    std::vector<std::string> words = line->words;
    if (help_word) words.erase(words.begin());
    const Command* command = words.empty() ? nullptr : FindCommand(words[0]);
    if (!words.empty() && command == nullptr) {
      return fail(absl::StrCat("there is no command ", words[0]));
    }
    absl::FPrintF(environment.out, "%s",
                  command == nullptr ? Help() : HelpOf(*command));
    return kExitOk;
  }
  if (line->words.empty()) return fail("a command is missing");
  const Command* command = FindCommand(line->words[0]);
  if (command == nullptr) {
    return fail(absl::StrCat("there is no command ", line->words[0]));
  }
  for (const std::string& flag : line->flags) {
    if (!Contains(CommonFlags(), flag) && !Contains(command->flags, flag)) {
      return fail(absl::StrCat(command->name, " takes no flag --", flag));
    }
  }
  std::vector<std::string> rest(line->words.begin() + 1, line->words.end());
  if (rest.size() < command->min_arguments ||
      rest.size() > command->max_arguments) {
    return fail(absl::StrCat("usage: ", Usage(*command)));
  }
  std::string address = absl::GetFlag(FLAGS_address);
  if (address.empty()) address = DefaultAddress();
  if (absl::Status s =
          CheckAddress(address, absl::GetFlag(FLAGS_insecure_remote));
      !s.ok()) {
    return fail(std::string(s.message()));
  }
  CommandContext context(environment, address, json, std::move(rest));
  return command->run(context);
}

}  // namespace connector::cli
