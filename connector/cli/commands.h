#ifndef CONNECTOR_CLI_COMMANDS_H_
#define CONNECTOR_CLI_COMMANDS_H_

#include "connector/cli/command.h"

namespace connector::cli {

// Each in the file of its name.
Command SpecCommand();
Command CheckCommand();
Command ApplyCommand();
Command GetCommand();
Command ListCommand();
Command CredentialsCommand();  // in list_command.cc
Command DeleteCommand();
Command DeleteCredentialCommand();
Command PauseCommand();
Command ResumeCommand();
Command ExportCommand();
Command ImportCommand();
Command ExplainCommand();
Command PreviewCommand();
Command StatusCommand();
Command RejectionsCommand();
Command DrainCommand();
Command LoginCommand();
Command BackupCommand();
Command FullSyncCommand();
Command SegmentsCommand();
Command ForgetCommand();
Command ForgetReceiptsCommand();  // in forget_command.cc

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_COMMANDS_H_
