#ifndef CONNECTOR_SERVER_PROGRAM_H_
#define CONNECTOR_SERVER_PROGRAM_H_

#include "connector/server/server.h"

namespace connector::server {

// The connector's server as a program: flags, and the life of the process.
// Exit codes: 0 after a stop that was asked for, 1 when something failed while
// running, 2 when a flag, the configuration or the state does not let it start.
//
// `adjust` changes what the flags came to: for programs of tests, which run on
// a clock of their own.
int RunProgram(int argc, char** argv,
               void (*adjust)(ServerOptions* options) = nullptr);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_PROGRAM_H_
