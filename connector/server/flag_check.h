#ifndef CONNECTOR_SERVER_FLAG_CHECK_H_
#define CONNECTOR_SERVER_FLAG_CHECK_H_

#include <string>
#include <vector>

#include "absl/types/span.h"

namespace connector::server {

// What is wrong with the words of a command line (the program's name is not
// among them): flags that are none, values that do not fit their flag's type.
// Names flags, never values. To be asked before absl::ParseCommandLine(), which
// ends the program with the exit code of a failure and repeats the value.
std::vector<std::string> CheckCommandLine(absl::Span<char* const> words);

}  // namespace connector::server

#endif  // CONNECTOR_SERVER_FLAG_CHECK_H_
