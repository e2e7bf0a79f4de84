#ifndef CONNECTOR_CLI_EXIT_CODE_H_
#define CONNECTOR_CLI_EXIT_CODE_H_

namespace connector::cli {

// How audiencectl ends. Scripts rely on the numbers (README.md).
enum ExitCode {
  // Done.
  kExitOk = 0,
  // The server refused the call, or the call failed.
  kExitCallFailed = 1,
  // Unknown command or flag, wrong arguments, unreadable configuration.
  kExitUsage = 2,
  // `check`: at least one check failed.
  kExitCheckFailed = 3,
  // `export`: an input file cannot be read, or has a line that is no profile.
  kExitBadInput = 4,
  // `drain`, `export --wait`, `forget --wait`: not everything was done in time,
  // or delivery is blocked. What was acknowledged stays acknowledged.
  kExitNotSettled = 5,
  // `export --fail_on_rejection`: durable, but some of it was rejected.
  kExitRejections = 6,
  // No server answers at the address.
  kExitUnreachable = 7,
  // `export`: the server's memory of the destination is another one than
  // before; everything must be exported again.
  kExitHistoryChanged = 8,
};

}  // namespace connector::cli

#endif  // CONNECTOR_CLI_EXIT_CODE_H_
